//! `/health/live` and `/health/ready`: while there is no broker, no MOV, and during a stop; and in accordance with the health file.

use testkit::{Mov, Node, Process, ProcessBuilder, Signal};

use super::{address, get, test_bed};
use crate::test_bed::{SOON, TestBed, wait_registered};

/// Waits until the component is ready, or is not for `reason`.
#[track_caller]
fn wait_ready(component: &Process, expected: Result<(), &str>) {
    let (status, body) = match expected {
        Ok(()) => (200, "ready\n".to_owned()),
        Err(reason) => (503, format!("not ready: {reason}\n")),
    };
    let what = format!("/health/ready to say {:?}", body.trim());
    component.wait_until(&what, SOON, || {
        let answer = get(component, "/health/ready");
        (answer.status, &answer.body) == (status, &body)
    });
    assert_live(component);
}

#[track_caller]
fn assert_live(component: &Process) {
    let live = get(component, "/health/live");
    assert_eq!((live.status, &*live.body), (200, "live\n"), "{}", component.output());
}

#[test]
fn without_a_broker_the_process_is_live_and_not_ready() {
    let builder = ProcessBuilder::component_without_settings()
        .env("RABBITMQ_HOST", "127.0.0.1")
        .env("RABBITMQ_PORT", 1)
        .env("RABBITMQ_RETRY_SLEEP", 1)
        .env("METRICS_ADDRESS", "127.0.0.1:0");
    let component = builder.start();
    wait_ready(&component, Err("it is not connected to the broker"));
}

#[test]
fn a_component_is_ready_while_it_has_its_health_file_and_says_why_if_it_has_none() {
    let node = Node::start();
    let test_bed = test_bed(node.vhost()).env("REGISTER_TIMEOUT", 2);
    let component = test_bed.start();
    wait_ready(&component, Err("it is not registered with the MOV"));
    assert!(!component.is_healthy(), "it has a health file, and is not ready");
    let mov = Mov::start(&test_bed.vhost);
    wait_registered(&mov, &component);
    wait_ready(&component, Ok(()));
    node.kill();
    component.wait_unhealthy(SOON);
    wait_ready(&component, Err("it is not connected to the broker"));
    node.start_again();
    wait_ready(&component, Ok(()));
    assert!(component.is_healthy(), "it is ready, and has no health file");
    // It does not acknowledge anything any more, and the stop waits for what is in flight.
    component.terminate();
    component.wait_exit(SOON);
}

#[test]
fn a_lasting_memory_alarm_makes_it_not_ready_until_it_ends() {
    let node = Node::start();
    let test_bed = test_bed(node.vhost()).env("LOG_MOV_LEVEL", "ERROR").env("CHAOS_DELAY_BEFORE_HANDLER_SECONDS", 0.1);
    let mov = Mov::start(&test_bed.vhost);
    let component = test_bed.start();
    wait_registered(&mov, &component);
    test_bed.publish_numbered(1_000);
    node.set_memory_alarm(true);
    wait_ready(&component, Err("the broker accepts no messages"));
    assert!(!component.is_healthy(), "it has a health file, and is not ready");
    node.set_memory_alarm(false);
    wait_ready(&component, Ok(()));
}

#[test]
fn a_process_that_stops_is_live_and_not_ready() {
    let node = Node::start();
    let test_bed = test_bed(node.vhost()).env("SHUTDOWN_GRACE", 30).env("CHAOS_DELAY_BEFORE_HANDLER_SECONDS", 3);
    let mov = Mov::start(&test_bed.vhost);
    let component = test_bed.start();
    wait_registered(&mov, &component);
    wait_ready(&component, Ok(()));
    // Its handler is running, which the stop waits for.
    test_bed.publish("slow");
    component.wait_until("the delivery", SOON, || test_bed.client.depth(crate::test_bed::INPUT) == 0);
    component.terminate();
    wait_ready(&component, Err("it stops"));
    assert_eq!(component.wait_exit(SOON).code(), Some(0));
}

#[test]
fn each_replica_has_its_own_address() {
    let test_bed = test_bed(Node::shared().vhost());
    let first = test_bed.start();
    let second = test_bed.builder().clone().in_new_directory().start();
    assert_ne!(address(&first), address(&second));
    assert_live(&first);
    assert_live(&second);
}

#[test]
fn a_frozen_process_answers_no_probe() {
    let test_bed: TestBed = test_bed(Node::shared().vhost());
    let component = test_bed.start();
    let url = format!("http://{}/health/live", address(&component));
    component.signal(Signal::SIGSTOP);
    assert_eq!(testkit::http::try_get(&url, "*/*"), None);
    component.signal(Signal::SIGCONT);
    assert_live(&component);
}
