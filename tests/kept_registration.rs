//! The registration outlives the broker, and a MOV that does not work: nobody registers anew without need, because the MOV
//! would then forward nothing any more.

use std::time::Duration;

use serde_json::json;

use crate::test_bed::{NAME, SOON, TestBed, settled};
use testkit::{Client, Message, Mov, Node, Vhost, wait_until};

const SPOKEN: &str = "valawai/c0/mouth/data/spoken";
const RECEIVED: &str = "valawai/c0/mouth/data/received";

fn test_bed(vhost: Vhost) -> TestBed {
    TestBed::at(vhost).env("REGISTER_TIMEOUT", 2)
}

/// Registers a C0 that the MOV connects with the echo, in both directions.
fn connect_a_mouth(test_bed: &TestBed, mov: &Mov) {
    let fields = |extra: &str| json!({"type": "object", "properties": {"content": {"type": "string"}, extra: {"type": "string"}}});
    let asyncapi = json!({"channels": {
        SPOKEN: {"publish": {"message": {"payload": {"type": "object", "properties": {"content": {"type": "string"}}}}}},
        RECEIVED: {"subscribe": {"message": {"payload": fields("extra")}}},
    }});
    test_bed.client.declare(RECEIVED);
    let register = json!({"type": "C0", "name": "c0_mouth", "version": "1.0.0", "asyncapi_yaml": asyncapi.to_string()});
    test_bed.client.publish("valawai/component/register", &Message::json(&register));
    mov.wait_until("two enabled connections", SOON, |snapshot| {
        snapshot.connections.iter().filter(|connection| connection.enabled).count() == 2
    });
}

/// Says something at the mouth, and sees it come back by way of the MOV, the echo, and the MOV.
#[track_caller]
fn assert_forwarded(vhost: &Vhost, content: &str) {
    let client = Client::connect(vhost);
    wait_until("the MOV to consume", SOON, || client.look(SPOKEN).is_some_and(|queue| queue.consumers > 0));
    client.publish(SPOKEN, &Message::json(&json!({ "content": content })));
    assert_eq!(client.expect(RECEIVED, 1, SOON)[0].json(), json!({ "content": content }), "not forwarded once");
}

fn forwarding_survives(knows_url: bool, restart: impl Fn(&Node)) {
    let node = Node::start();
    let vhost = node.vhost();
    let mov = Mov::start(&vhost);
    let mut test_bed = test_bed(vhost);
    if knows_url {
        test_bed = test_bed.env("MOV_URL", mov.url());
    }
    let echo = test_bed.start();
    let first = settled(&mov, &echo);
    connect_a_mouth(&test_bed, &mov);
    assert_forwarded(&test_bed.vhost, "before");
    let reconnects = mov.snapshot().reconnects;
    restart(&node);
    mov.wait_until("the broker to be found again", SOON, |snapshot| {
        snapshot.connected && snapshot.reconnects > reconnects
    });
    echo.wait_output("that registration is kept", SOON);
    assert_eq!(settled(&mov, &echo), first);
    assert_forwarded(&test_bed.vhost, "after");
    let snapshot = mov.snapshot();
    assert_eq!(snapshot.dead_taps.len(), 0, "the MOV forwards no more: {:?}", snapshot.dead_taps);
    assert_eq!(snapshot.registrations.len(), 2, "somebody registered anew");
    assert_eq!(snapshot.counts.unregisters, 0, "a registration was ended");
    // The settling of a started component costs one question, the restart another one; over REST neither is a message.
    let most = if knows_url { 0 } else { 2 };
    assert!(
        snapshot.counts.component_queries <= most,
        "{} questions are in the MOV's log",
        snapshot.counts.component_queries
    );
}

#[test]
fn forwarding_goes_on_after_a_restart_of_the_broker() {
    forwarding_survives(false, |node| {
        node.stop_gracefully();
        node.start_again();
    });
}

#[test]
fn forwarding_goes_on_after_the_broker_was_killed_and_the_mov_is_asked_over_rest() {
    forwarding_survives(true, |node| {
        node.kill();
        node.start_again();
    });
}

/// A MOV that has lost its broker for too long: it registers components, and can never tell them.
fn mov_that_has_given_up(node: &Node, vhost: &Vhost) -> Mov {
    let mov = Mov::start_with(Mov::launch(vhost).env("GIVE_UP_AFTER_MS", 1));
    node.stop_gracefully();
    mov.wait_until("the MOV to give up", SOON, |snapshot| snapshot.given_up);
    node.start_again();
    mov.wait_until("the MOV to consume again", SOON, |snapshot| snapshot.connected);
    mov
}

#[test]
fn a_mov_that_has_given_up_collects_no_registrations() {
    let node = Node::start();
    let vhost = node.vhost();
    let mov = mov_that_has_given_up(&node, &vhost);
    let test_bed = test_bed(vhost);
    let echo = test_bed.start();
    // Its notice never comes. It is found by asking.
    let id = settled(&mov, &echo);
    echo.wait_output(&format!("the MOV knows the component as {id}"), SOON);
    assert_eq!(mov.registrations().len(), 1, "it was registered again and again");
    test_bed.assert_echoes("it works");
}

#[test]
fn at_a_mov_whose_liveness_is_down_registering_waits() {
    let node = Node::start();
    let vhost = node.vhost();
    let mut mov = mov_that_has_given_up(&node, &vhost);
    let test_bed = test_bed(vhost).env("MOV_URL", mov.url());
    let echo = test_bed.start();
    echo.wait_output("registering waits until it does", SOON);
    test_bed.assert_echoes("meanwhile");
    assert_eq!(mov.snapshot().counts.registers, 0, "it registered at a MOV that cannot tell it");
    assert!(!echo.is_healthy());
    mov.restart();
    settled(&mov, &echo);
    assert_eq!(mov.registrations().len(), 1);
}

#[test]
fn a_mov_that_answers_no_questions_is_registered_at_once_but_not_again_after_a_restart_of_the_broker() {
    let node = Node::start();
    let vhost = node.vhost();
    let mov = Mov::start_with(Mov::launch(&vhost).env("ANSWER_QUERIES", false));
    let test_bed = test_bed(vhost);
    let echo = test_bed.start();
    let first = settled(&mov, &echo);
    node.stop_gracefully();
    echo.wait_unhealthy(SOON);
    node.start_again();
    mov.wait_until("the broker to be found again", SOON, |snapshot| snapshot.connected);
    let asked = mov.snapshot().counts.component_queries;
    mov.wait_until("two more questions", Duration::from_secs(60), |snapshot| {
        snapshot.counts.component_queries >= asked + 2
    });
    assert_eq!(mov.registrations().len(), 1, "silence was taken for a reason to register anew");
    assert_eq!(mov.live_of(NAME)[0].id, first);
    assert!(!echo.is_healthy(), "nobody says that it is registered");
}
