//! The store fails in every way: the component works on, says so once, and takes up changes afterwards.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use testkit::Process;

use super::Configured;
use crate::operating::wait_until_it_answers;
use crate::test_bed::SOON;

/// How long an outage lasts; a minute if `VALAWAI_LONG_TESTS` is set.
fn outage() -> Duration {
    Duration::from_secs(if std::env::var_os("VALAWAI_LONG_TESTS").is_some() { 60 } else { 4 })
}

/// What the component says when the store fails.
const FAILED: &str = "before stays in use; retrying";

/// A component that has taken a setting from the store.
fn started() -> (Configured, Process) {
    let configured = Configured::new().env("KV_TIMEOUT", 1).env("RELOAD_CONFIG_PERIOD", 1);
    let component = configured.test_bed.start();
    wait_until_it_answers(&configured.test_bed.vhost);
    configured.change(&component, "max_retries", "3");
    (configured, component)
}

/// Asserts that the component echoes while the outage lasts, and said once that there is one.
#[track_caller]
fn assert_works_on(configured: &Configured, component: &Process) {
    component.wait_output(FAILED, SOON);
    let end = Instant::now() + outage();
    while Instant::now() < end {
        configured.test_bed.assert_echoes("during the outage");
    }
    assert_eq!(component.output().matches(FAILED).count(), 1, "{}", component.output());
    assert!(!component.output().contains("MAX_RETRIES is not set"), "the last settings did not stay");
}

#[test]
fn a_store_that_is_killed_and_comes_back() {
    let (configured, component) = started();
    configured.etcd.kill();
    assert_works_on(&configured, &component);
    configured.etcd.start_again();
    configured.change(&component, "max_retries", "4");
}

#[test]
fn a_store_that_freezes_and_thaws() {
    let (configured, component) = started();
    configured.etcd.freeze();
    assert_works_on(&configured, &component);
    configured.etcd.thaw();
    configured.change(&component, "max_retries", "4");
}

#[test]
fn a_store_whose_data_is_wiped_is_an_empty_configuration() {
    let (configured, component) = started();
    configured.etcd.kill();
    configured.etcd.wipe();
    configured.etcd.start_again();
    component.wait_output("MAX_RETRIES is not set any more", SOON);
    configured.test_bed.assert_echoes("with the defaults");
    configured.change(&component, "max_retries", "4");
}

#[test]
fn a_store_that_answers_garbage_and_recovers() {
    const GARBAGE: [&[u8]; 5] = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"kvs\": [{",
        b"HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\n{\"kvs\": [{\"key\": \"%%\"}, 1]}",
        b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",
        b"\x00\xff\x00\xff",
    ];
    let (configured, component) = started();
    configured.etcd.kill();
    let listener = TcpListener::bind(("127.0.0.1", configured.etcd.port())).expect("the port of the etcd");
    let (stop, is_stopped) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let stopping = Arc::clone(&stop);
    let stopped = Arc::clone(&is_stopped);
    thread::spawn(move || {
        for (number, socket) in listener.incoming().enumerate() {
            if stopping.load(Ordering::SeqCst) {
                break;
            }
            let Ok(mut socket) = socket else { continue };
            let _ = socket.read(&mut [0; 4096]);
            let _ = socket.write_all(GARBAGE[number % GARBAGE.len()]);
        }
        drop(listener);
        stopped.store(true, Ordering::SeqCst);
    });
    assert_works_on(&configured, &component);
    stop.store(true, Ordering::SeqCst);
    component.wait_until("the garbage to end with its next request", SOON, || is_stopped.load(Ordering::SeqCst));
    configured.etcd.start_again();
    configured.change(&component, "max_retries", "4");
}

#[test]
fn a_store_that_is_not_there_at_the_start_delays_it_for_the_time_limit_only() {
    let configured = Configured::new().env("KV_TIMEOUT", 1);
    configured.etcd.kill();
    let component = configured.test_bed.start();
    component.wait_output("gave no settings within 1s; starting without them", SOON);
    configured.test_bed.assert_echoes("without the store");
    configured.etcd.start_again();
    configured.change(&component, "max_retries", "4");
}
