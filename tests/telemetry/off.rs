//! Without `METRICS_ADDRESS` nothing is served: no thread, no socket. An address that cannot be used is an invalid setting.

use std::fs;
use std::net::TcpListener;

use testkit::{Node, Process};

use super::{address, test_bed};
use crate::test_bed::{SOON, TestBed};

/// How many threads of a process serve metrics.
fn threads(process: &Process) -> usize {
    let tasks = fs::read_dir(format!("/proc/{}/task", process.pid())).expect("the threads of a process");
    let names = tasks.flatten().filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
    names.filter(|name| name.starts_with("telemetry")).count()
}

/// On how many addresses a process listens.
fn listening(process: &Process) -> usize {
    let handles = fs::read_dir(format!("/proc/{}/fd", process.pid())).expect("the handles of a process");
    let targets = handles.flatten().filter_map(|handle| fs::read_link(handle.path()).ok());
    let sockets: Vec<String> =
        targets.filter_map(|it| Some(it.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())).collect();
    let tcp = fs::read_to_string("/proc/net/tcp").unwrap() + &fs::read_to_string("/proc/net/tcp6").unwrap_or_default();
    let fields = tcp.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    // The fourth field is the state, in which 0A is listening.
    fields
        .filter(|it| it.get(3) == Some(&"0A") && it.get(9).is_some_and(|inode| sockets.iter().any(|s| s == inode)))
        .count()
}

#[test]
fn without_an_address_nothing_is_served_and_with_one_it_is_on_this_machine_only() {
    let without = TestBed::on(Node::shared());
    let component = without.start();
    without.assert_echoes("works");
    assert_eq!((threads(&component), listening(&component)), (0, 0));
    let with = test_bed(Node::shared().vhost());
    let component = with.start();
    assert_eq!((threads(&component), listening(&component)), (1, 1));
    assert!(address(&component).starts_with("127.0.0.1:"), "{}", address(&component));
}

#[test]
fn an_address_in_use_ends_the_process_with_the_code_of_invalid_settings_and_a_remedy() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("its address").to_string();
    let component = TestBed::on(Node::shared()).env("METRICS_ADDRESS", &address).builder().start();
    assert_eq!(component.wait_exit(SOON).code(), Some(78));
    let output = component.output();
    let expected = format!("METRICS_ADDRESS: cannot listen on {address}: ");
    assert!(output.contains(&expected) && output.contains("set another address"), "{output}");
}

#[test]
fn an_address_without_a_port_is_an_invalid_setting() {
    let component = TestBed::on(Node::shared()).env("METRICS_ADDRESS", "localhost").builder().start();
    assert_eq!(component.wait_exit(SOON).code(), Some(78));
    assert!(component.output().contains("METRICS_ADDRESS: expected an address"), "{}", component.output());
}
