//! Processes and the reaper.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use testkit::Signal;

use testkit::{Node, ProcessBuilder, wait_until};

const SOON: Duration = Duration::from_secs(10);

fn shell(script: &str) -> ProcessBuilder {
    ProcessBuilder::program(Path::new("/bin/sh")).arg("-c").arg(script)
}

#[test]
fn a_process_reports_its_output_and_handles_signals() {
    let process = shell("trap 'echo stopping; exit 3' TERM; echo ready; while :; do sleep 0.01; done").start();
    assert_eq!(process.wait_output("ready", SOON), "ready");
    assert!(process.is_running() && process.rss_kb() > 0);
    let exit = process.stop(SOON);
    assert_eq!(exit.code(), Some(3));
    assert_eq!(process.output(), "ready\nstopping\n");
    process.signal(Signal::SIGTERM);
}

#[test]
fn the_environment_has_only_path_and_what_the_test_sets() {
    let launch = shell("env | sort").env("NUMBER", 5).env("GONE", "x").env_remove("GONE");
    let process = launch.start();
    process.wait_exit(SOON);
    let output = process.output();
    let names: Vec<&str> = output.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    let set: Vec<&&str> = names.iter().filter(|name| !["PWD", "SHLVL", "_", "OLDPWD"].contains(*name)).collect();
    assert_eq!(set, [&"NUMBER", &"PATH"]);
}

#[test]
#[should_panic(expected = "reason of the exit")]
fn a_process_that_ends_early_fails_the_test_with_its_output() {
    shell("echo reason of the exit").start().wait_healthy();
}

#[test]
fn dropping_a_process_kills_its_children() {
    let process = shell("sleep 1000 & echo child $!; wait").start();
    let line = process.wait_output("child", SOON);
    let child = line.trim_start_matches("child ").to_owned();
    assert!(is_running(&child));
    drop(process);
    wait_until("the child to end", SOON, || !is_running(&child));
}

/// Runs this test program as a process that starts a process and a broker, and kills it.
#[test]
fn no_process_or_directory_outlives_killed_tests() {
    let test_program = std::env::current_exe().expect("the path of the tests");
    let victim = ProcessBuilder::program(&test_program)
        .arg("--exact")
        .arg("processes::start_a_process_and_a_node_and_wait")
        .arg("--ignored")
        .arg("--nocapture")
        .start();
    let line = victim.wait_output("started;", Duration::from_secs(100));
    let words: Vec<&str> = line.split(';').collect();
    let [_, process, process_directory, node, node_directory, ..] = words[..] else { panic!("{line}") };
    let directories = [Path::new(process_directory), Path::new(node_directory)];
    assert!(is_running(process) && is_running(node) && directories.iter().all(|directory| directory.exists()));
    victim.kill();
    wait_until("the orphaned processes to end", SOON, || !is_running(process) && !is_running(node));
    wait_until("their directories to be removed", SOON, || directories.iter().all(|directory| !directory.exists()));
}

#[test]
#[ignore = "run by no_process_or_directory_outlives_killed_tests"]
fn start_a_process_and_a_node_and_wait() {
    let process = shell("trap '' HUP TERM INT; while :; do sleep 1; done").start();
    let node = Node::start();
    let (process_directory, node_directory) = (process.directory().display(), node.directory().display());
    println!("started;{};{process_directory};{};{node_directory};", process.pid(), node.pid());
    process.wait_exit(Duration::from_secs(60));
}

fn is_running(pid: &str) -> bool {
    // A zombie has ended, although its parent has not waited for it yet.
    let state = Command::new("ps").args(["-o", "stat=", "-p", pid]).output().expect("run ps");
    let state = String::from_utf8_lossy(&state.stdout).trim().to_owned();
    !state.is_empty() && !state.starts_with('Z')
}
