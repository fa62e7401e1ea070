//! Processes, and the process_reaper they are on.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use testkit::Signal;

use testkit::{Launch, Node, wait_until};

const SOON: Duration = Duration::from_secs(10);

fn shell(script: &str) -> Launch {
    Launch::program_at(Path::new("/bin/sh")).arg("-c").arg(script)
}

#[test]
fn a_process_is_watched_and_sent_signals() {
    let process = shell("trap 'echo stopping; exit 3' TERM; echo ready; while :; do sleep 0.01; done").start();
    assert_eq!(process.wait_output("ready", SOON), "ready");
    assert!(process.is_running() && process.rss_kb() > 0);
    let exit = process.stop(SOON);
    assert_eq!(exit.code(), Some(3));
    assert!(exit.after < SOON && process.age() >= exit.after);
    assert_eq!(process.output(), "ready\nstopping\n");
    process.signal(Signal::SIGTERM);
}

#[test]
fn its_environment_holds_what_the_test_set_and_nothing_else() {
    let launch = shell("env | sort").env("NUMBER", 5).env("GONE", "x").without("GONE");
    let process = launch.start();
    process.wait_exit(SOON);
    let output = process.output();
    let names: Vec<&str> = output.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    let own: Vec<&&str> = names.iter().filter(|name| !["PWD", "SHLVL", "_", "OLDPWD"].contains(*name)).collect();
    assert_eq!(own, [&"NUMBER", &"PATH"]);
}

#[test]
#[should_panic(expected = "about to give up")]
fn a_process_that_ends_too_early_shows_its_output() {
    shell("echo about to give up").start().wait_healthy();
}

#[test]
fn a_dropped_process_takes_its_children_with_it() {
    let process = shell("sleep 1000 & echo child $!; wait").start();
    let line = process.wait_output("child", SOON);
    let child = line.trim_start_matches("child ").to_owned();
    assert!(runs(&child));
    drop(process);
    wait_until("the child to end", SOON, || !runs(&child));
}

/// The tests run once more, as a process that starts a process and a broker and is then killed.
#[test]
fn nothing_outlives_the_tests_even_when_they_are_killed() {
    let itself = std::env::current_exe().expect("the path of the tests");
    let victim = Launch::program_at(&itself)
        .arg("--exact")
        .arg("harness::processes::starts_much_and_waits")
        .arg("--ignored")
        .arg("--nocapture")
        .start();
    let told = victim.wait_output("started;", Duration::from_secs(100));
    let words: Vec<&str> = told.split(';').collect();
    let [_, process, its_directory, node, nodes_directory, ..] = words[..] else { panic!("{told}") };
    let directories = [Path::new(its_directory), Path::new(nodes_directory)];
    assert!(runs(process) && runs(node) && directories.iter().all(|directory| directory.exists()));
    victim.kill();
    wait_until("the orphans to end", SOON, || !runs(process) && !runs(node));
    wait_until("their directories to go", SOON, || directories.iter().all(|directory| !directory.exists()));
}

#[test]
#[ignore = "the victim of nothing_outlives_the_tests_even_when_they_are_killed"]
fn starts_much_and_waits() {
    let process = shell("trap '' HUP TERM INT; while :; do sleep 1; done").start();
    let node = Node::start();
    let (its_directory, nodes_directory) = (process.directory().display(), node.directory().display());
    println!("started;{};{its_directory};{};{nodes_directory};", process.pid(), node.pid());
    process.wait_exit(Duration::from_secs(60));
}

fn runs(pid: &str) -> bool {
    // A zombie, which only waits to be noticed by its parent, runs no more.
    let state = Command::new("ps").args(["-o", "stat=", "-p", pid]).output().expect("run ps");
    let state = String::from_utf8_lossy(&state.stdout).trim().to_owned();
    !state.is_empty() && !state.starts_with('Z')
}
