//! Periodic publishing at a shutdown.

use std::sync::atomic::Ordering;
use std::time::Duration;

use valawai::internals::broker::memory::OnPublish;

use super::{OFTEN, ONCE, publishing, publishing_on};
use crate::running_component::{HEARTBEAT, QUESTION, RunningComponent};
use testkit::wait::SOON;
use testkit::{log_capture, wait_until};

/// Less than the grace period, which it takes to stop if something is not finished.
const IN_TIME: Duration = Duration::from_secs(3);

#[test]
fn a_running_handler_does_not_delay_the_shutdown_and_is_reported() {
    let (component, calls) = publishing_on("slow", OFTEN, |number, _| {
        if number == 2 {
            std::thread::sleep(Duration::from_secs(60));
        }
        Ok(())
    });
    let mut running = RunningComponent::start(&component);
    wait_until("the slow call", SOON, || calls.load(Ordering::SeqCst) == 2);
    running.request_shutdown();
    let took = running.wait_for_exit();
    assert!(took < IN_TIME, "the shutdown took {took:?}");
    let lines = log_capture::lines_containing(&["data/slow", "is still running; its next message is not published"]);
    assert_eq!(lines.len(), 1, "the handler is not reported once: {lines:?}");
}

#[test]
fn the_shutdown_waits_for_the_last_confirm() {
    let (component, _) = publishing(ONCE, |_, context| {
        context.log_on_confirm().info("sent the last heartbeat", &());
        Ok(())
    });
    let mut running = RunningComponent::start_with(&component, OnPublish::Withhold);
    running.wait_for(HEARTBEAT, 1);
    running.request_shutdown();
    wait_until("the consumers to stop", SOON, || running.broker.consumers(QUESTION) == 0);
    running.broker.on_publish(HEARTBEAT, OnPublish::Confirm);
    let took = running.wait_for_exit();
    assert!(took < IN_TIME, "the shutdown took {took:?}");
    running.wait_for_entry("INFO", "sent the last heartbeat");
}

#[test]
fn messages_that_are_not_confirmed_in_time_are_reported() {
    const UNCONFIRMED: &str = "valawai/c1/own/data/unconfirmed";
    let (component, _) = publishing_on("unconfirmed", ONCE, |_, _| Ok(()));
    let mut running = RunningComponent::start_on(&component, UNCONFIRMED, OnPublish::Withhold);
    running.wait_for(UNCONFIRMED, 1);
    running.request_shutdown();
    running.wait_for_exit();
    let lines = log_capture::lines_containing(&["1 messages for data/unconfirmed were not confirmed in time"]);
    assert_eq!(lines.len(), 1, "the message is not reported once: {lines:?}");
}
