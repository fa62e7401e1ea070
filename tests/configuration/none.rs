//! Without a store and without a file there is nothing to follow: no thread, no connection.

use std::fs;

use testkit::{Node, Process};

use super::Configured;
use crate::operating::wait_until_it_answers;
use crate::test_bed::{SOON, TestBed};

/// The names of the threads that follow settings.
fn threads(process: &Process) -> Vec<String> {
    let tasks = fs::read_dir(format!("/proc/{}/task", process.pid())).expect("the threads of a process");
    let name = |task: fs::DirEntry| fs::read_to_string(task.path().join("comm")).ok();
    let names = tasks.flatten().filter_map(name).map(|name| name.trim_end().to_owned());
    let mut names: Vec<String> =
        names.filter(|name| name.starts_with("settings") || name.starts_with("store-")).collect();
    names.sort();
    names
}

/// How many connections it has.
fn connections(process: &Process) -> usize {
    let handles = fs::read_dir(format!("/proc/{}/fd", process.pid())).expect("the handles of a process");
    let targets = handles.flatten().filter_map(|handle| fs::read_link(handle.path()).ok());
    let sockets: Vec<String> =
        targets.filter_map(|it| Some(it.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())).collect();
    let tcp = fs::read_to_string("/proc/net/tcp").unwrap() + &fs::read_to_string("/proc/net/tcp6").unwrap_or_default();
    tcp.lines()
        .filter(|line| line.split_whitespace().nth(9).is_some_and(|it| sockets.iter().any(|its| its == it)))
        .count()
}

#[test]
fn without_a_store_nothing_is_followed_and_with_one_it_is() {
    let test_bed = TestBed::on(Node::shared()).env("RELOAD_ENABLED", 1);
    let component = test_bed.start();
    wait_until_it_answers(&test_bed.vhost);
    test_bed.assert_echoes("works");
    assert_eq!((threads(&component), connections(&component)), (vec![], 3), "{}", component.output());
    drop(component);
    let configured = Configured::new();
    let component = configured.test_bed.start();
    wait_until_it_answers(&configured.test_bed.vhost);
    configured.change(&component, "max_retries", "3");
    assert_eq!(threads(&component), ["settings", "store-0"]);
    component.wait_until("a connection to the store", SOON, || connections(&component) > 3);
}
