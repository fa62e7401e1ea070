//! After an outage of the broker the MOV forwards, until a component that was registered before registers again.

use serde_json::{Value, json};

use super::test_bed::{SOON, TestBed, asyncapi};
use testkit::{Client, Message, Mov, Node, wait_until};

const SOURCE_QUEUE: &str = "valawai/c0/source/data/out";
const TARGET_QUEUE: &str = "valawai/c1/target/data/in";
const OTHER_SOURCE_QUEUE: &str = "valawai/c0/other/data/out";
const CHANGE: &str = "valawai/topology/change";

/// A C0 connected to a C1.
struct Pair {
    source: String,
    target: String,
}

impl Pair {
    fn register(test_bed: &TestBed) -> Self {
        test_bed.client.declare(TARGET_QUEUE);
        let pair = Self { source: register_source(test_bed, "source"), target: register_target(test_bed) };
        test_bed.wait_enabled(1);
        wait_until("the MOV to consume", SOON, || test_bed.client.consumers(SOURCE_QUEUE) == 1);
        pair
    }
}

fn register_source(test_bed: &TestBed, name: &str) -> String {
    test_bed.register("C0", &format!("c0_{name}"), &asyncapi("c0", name, "unused_a", "word"))
}

fn register_target(test_bed: &TestBed) -> String {
    test_bed.register("C1", "c1_target", &asyncapi("c1", "target", "word", "unused_b"))
}

/// Closes all connections to the broker, waits until the MOV has reconnected, and reconnects the client.
fn interrupt(test_bed: &mut TestBed) {
    let before = test_bed.mov.snapshot().reconnects;
    Node::shared().close_connections_of(&test_bed.vhost);
    test_bed
        .mov
        .wait_until("the MOV to reconnect", SOON, |snapshot| snapshot.connected && snapshot.reconnects > before);
    test_bed.client = Client::connect(&test_bed.vhost);
    wait_until("the MOV to consume again", SOON, || test_bed.client.consumers(SOURCE_QUEUE) == 1);
}

fn change(test_bed: &TestBed, action: &str, connection: &str) {
    test_bed.send(CHANGE, &json!({"action": action, "connection_id": connection}));
    test_bed.mov.wait_until(&format!("{action} of {connection} to take effect"), SOON, |snapshot| {
        snapshot.connections.iter().any(|it| it.id == connection && it.enabled == (action == "ENABLE"))
    });
}

#[track_caller]
fn assert_forwards(test_bed: &TestBed, queue: &str, copies: usize) {
    test_bed.client.publish(queue, &Message::json(&json!({"word": "forwarded"})));
    assert!(
        test_bed.client.receive(TARGET_QUEUE, copies, SOON).iter().all(|it| it.json() == json!({"word": "forwarded"}))
    );
}

/// Asserts that connections from `queue` are enabled and the MOV is healthy, but nothing is forwarded.
#[track_caller]
fn assert_not_forwarded(test_bed: &TestBed, queue: &str) {
    let snapshot = test_bed.mov.wait_until(&format!("{queue} to be dead"), SOON, |snapshot| {
        snapshot.dead_source_queues.contains_key(queue).then(|| snapshot.clone())
    });
    wait_until("the MOV's consumer to end", SOON, || test_bed.client.consumers(queue) == 0);
    let enabled = snapshot.connections.iter().filter(|it| it.enabled && !it.deleted && it.source.channel_name == queue);
    assert!(enabled.count() > 0, "no connection from {queue} is enabled: {:#?}", snapshot.connections);
    assert_eq!(test_bed.mov.get("/q/health").0, 200, "the MOV's health reports it");
    test_bed.client.publish(queue, &Message::json(&json!({"word": "stays"})));
    assert_eq!((test_bed.client.depth(queue), test_bed.client.depth(TARGET_QUEUE)), (1, 0), "{queue} is consumed");
    test_bed.client.purge(queue);
}

#[test]
fn forwarding_continues_after_a_restart_of_the_broker_until_a_component_registers_again() {
    let node = Node::start();
    let mut test_bed = TestBed::start_on(&node);
    let pair = Pair::register(&test_bed);
    // A killed broker would lose recent declarations.
    node.stop_gracefully();
    test_bed.mov.wait_until("the MOV to notice the outage", SOON, |snapshot| !snapshot.connected);
    node.start_again();
    test_bed.mov.wait_until("the MOV to reconnect", SOON, |snapshot| snapshot.connected);
    // There may be more registrations than before, if the broker lost acknowledgements and delivered messages again.
    assert!(test_bed.mov.live().len() >= 2, "the MOV forgot a registration in an outage of the broker");
    test_bed.client = Client::connect(&test_bed.vhost);
    wait_until("the MOV to consume again", SOON, || test_bed.client.consumers(SOURCE_QUEUE) == 1);
    assert_forwards(&test_bed, SOURCE_QUEUE, 1);

    // A component that registers for the first time has no effect.
    test_bed.register("C1", "c1_late", &asyncapi("c1", "late", "word", "unused_c"));
    test_bed.wait_enabled(2);
    assert_forwards(&test_bed, SOURCE_QUEUE, 1);

    // A component that registers again ends the forwarding.
    test_bed.unregister(&pair.target);
    register_target(&test_bed);
    test_bed.wait_enabled(2);
    assert_not_forwarded(&test_bed, SOURCE_QUEUE);
}

#[test]
fn forwarding_ends_when_a_component_unregisters_and_registers_after_a_reconnect() {
    let mut test_bed = TestBed::start();
    let pair = Pair::register(&test_bed);
    register_source(&test_bed, "other");
    test_bed.wait_enabled(2);
    interrupt(&mut test_bed);
    assert_forwards(&test_bed, SOURCE_QUEUE, 1);
    test_bed.unregister(&pair.source);
    register_source(&test_bed, "source");
    test_bed.wait_enabled(2);
    assert_not_forwarded(&test_bed, SOURCE_QUEUE);
    // The queues of other components are affected too, because they share the client.
    assert_not_forwarded(&test_bed, OTHER_SOURCE_QUEUE);

    // A new registration does not repair the queue; disabling and enabling its connection does.
    let newest = register_source(&test_bed, "source");
    test_bed.wait_enabled(3);
    assert_not_forwarded(&test_bed, SOURCE_QUEUE);
    test_bed.unregister(&newest);
    test_bed.wait_enabled(2);
    let connection = |queue: &str| {
        let enabled = test_bed
            .mov
            .connections()
            .into_iter()
            .find(|it| it.enabled && !it.deleted && it.source.channel_name == queue);
        enabled.expect("an enabled connection").id
    };
    let repaired = connection(SOURCE_QUEUE);
    change(&test_bed, "DISABLE", &repaired);
    change(&test_bed, "ENABLE", &repaired);
    wait_until("the MOV to consume again", SOON, || test_bed.client.consumers(SOURCE_QUEUE) == 1);
    assert_forwards(&test_bed, SOURCE_QUEUE, 1);
    assert_not_forwarded(&test_bed, OTHER_SOURCE_QUEUE);
}

#[test]
fn forwarding_ends_when_a_component_registers_before_it_unregisters_after_a_reconnect() {
    let mut test_bed = TestBed::start();
    let pair = Pair::register(&test_bed);
    interrupt(&mut test_bed);
    register_target(&test_bed);
    test_bed.wait_enabled(2);
    test_bed.unregister(&pair.target);
    test_bed.wait_enabled(1);
    assert_not_forwarded(&test_bed, SOURCE_QUEUE);
}

#[test]
fn a_restarted_mov_forwards_again() {
    let mut test_bed = TestBed::start();
    let pair = Pair::register(&test_bed);
    interrupt(&mut test_bed);
    test_bed.unregister(&pair.target);
    test_bed
        .mov
        .wait_until("the queue to be dead", SOON, |snapshot| snapshot.dead_source_queues.contains_key(SOURCE_QUEUE));
    test_bed.mov.restart();
    assert!(test_bed.mov.snapshot().dead_source_queues.is_empty());
    Pair::register(&test_bed);
    assert_forwards(&test_bed, SOURCE_QUEUE, 1);
}

/// The status of a health check.
fn check(test_bed: &TestBed, page: &str, name: &str) -> String {
    let answer: Value = serde_json::from_str(&test_bed.mov.get(page).1).expect("JSON");
    let checks = answer["checks"].as_array().expect("a list of checks");
    let found = checks.iter().find(|check| check["name"] == name);
    found.map_or("none", |check| check["status"].as_str().expect("a status")).to_owned()
}

#[test]
fn a_mov_that_gave_up_reconnecting_registers_but_sends_no_notices() {
    let node = Node::start();
    let vhost = node.vhost();
    let mov = Mov::start_with(Mov::builder(&vhost).env("GIVE_UP_AFTER_MS", 1));
    let mut test_bed = TestBed::with_mov(vhost, mov);
    let pair = Pair::register(&test_bed);
    node.stop_gracefully();
    test_bed.mov.wait_until("the MOV to give up", SOON, |snapshot| snapshot.given_up);
    node.start_again();
    test_bed.mov.wait_until("the MOV to consume again", SOON, |snapshot| snapshot.connected);
    test_bed.client = Client::connect(&test_bed.vhost);
    let registered = "valawai/c1/target/control/registered";
    test_bed.client.declare(registered);

    assert_eq!((test_bed.mov.get("/q/health/live").0, test_bed.mov.get("/q/health/ready").0), (503, 200));
    assert_eq!(check(&test_bed, "/q/health/live", "RabbitMQ service"), "DOWN");
    assert_eq!(check(&test_bed, "/q/health/live", "SmallRye Reactive Messaging - liveness check"), "UP");

    let unnotified = register_target(&test_bed);
    let error = format!("/Cannot notify to the component {unnotified} .*that it has been registered/");
    wait_until("the error in the log", SOON, || !test_bed.mov.logs_with(&error).is_empty());
    assert_eq!(test_bed.mov.live_of("c1_target").len(), 2, "the MOV did not register the component");
    // Pages are published through another client. The page comes after all that the MOV did before.
    test_bed.client.declare("valawai/component/page");
    test_bed.send("valawai/component/query", &json!({"id": "q", "pattern": "c1_target", "limit": 5}));
    assert_eq!(test_bed.client.receive("valawai/component/page", 1, SOON)[0].json()["total"], 2);
    test_bed.client.publish(SOURCE_QUEUE, &Message::json(&json!({"word": "stays"})));
    assert_eq!(
        (
            test_bed.client.consumers(SOURCE_QUEUE),
            test_bed.client.depth(SOURCE_QUEUE),
            test_bed.client.depth(registered)
        ),
        (0, 1, 0)
    );
    test_bed.unregister(&pair.target);

    test_bed.mov.restart();
    assert_eq!(test_bed.mov.get("/q/health/live").0, 200);
    register_target(&test_bed);
    test_bed.client.receive(registered, 1, SOON);
}

#[test]
fn a_mov_does_not_give_up_in_a_short_outage() {
    let vhost = Node::shared().vhost();
    let mov = Mov::start_with(Mov::builder(&vhost).env("RECONNECT_MS", 1500));
    let test_bed = TestBed::with_mov(vhost, mov);
    Node::shared().close_connections_of(&test_bed.vhost);
    test_bed.mov.wait_until("the shared client to reconnect first", SOON, |snapshot| {
        snapshot.reconnects == 1 && !snapshot.connected
    });
    test_bed.mov.wait_until("the consumers of the MOV's queues to reconnect", SOON, |snapshot| snapshot.connected);
    assert!(!test_bed.mov.snapshot().given_up);
    assert_eq!(test_bed.mov.get("/q/health").0, 200);
}
