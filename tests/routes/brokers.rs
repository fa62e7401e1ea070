//! Routes on a broker of their own, which may be away.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Client, Message, Mov, Node, Process};

use super::{QUEUE, ROUTE_DEAD_LETTERS, queue_producer, with_routes};
use crate::test_bed::{INPUT, LONG, OUTPUT, SOON, TestBed, assert_none_lost, numbered_message};

const COUNT: u64 = 2000;

/// A route, changed to be on the default virtual host of `node`.
fn on(node: &Node, mut route: Value) -> Value {
    route["host"] = json!("127.0.0.1");
    route["port"] = json!(node.port());
    route["vhost"] = json!("/");
    route["auth"] = json!({"user": "mov", "password": "password"});
    route
}

/// A client of the default virtual host of `node`.
fn client(node: &Node) -> Client {
    Client::connect(&testkit::Vhost::new(node.port(), "/"))
}

fn consumer(node: &Node) -> Value {
    on(node, json!({"name": "requests", "type": "consumer", "queue": QUEUE}))
}

/// Makes the handler so slow that the brokers can be killed in the middle.
fn slowly(test_bed: TestBed) -> TestBed {
    test_bed.with_quiet_logs().env("CHAOS_DELAY_BEFORE_HANDLER_SECONDS", 0.005).env("RABBITMQ_PREFETCH", 100)
}

/// Kills one broker and then the other, each while there are messages left.
fn kill_both_in_the_middle(first: &Node, own: &Node, test_bed: &TestBed, component: &Process) {
    let echoed = || u64::from(test_bed.client.depth(OUTPUT));
    component.wait_until("the first replies", SOON, || echoed() > 200);
    first.kill();
    first.start_again();
    let before = echoed();
    component.wait_until("further replies", LONG, || echoed() > before + 100);
    let before = echoed();
    assert!(before < COUNT - 200, "{before} of {COUNT} messages were processed before the second kill");
    own.kill();
    own.start_again();
}

/// Receives from `queue` until each number has arrived.
fn receive_all(vhost: &testkit::Vhost, queue: &str, component: &Process) {
    let mut counts = std::collections::BTreeMap::new();
    component.wait_until(&format!("all messages in {queue}"), LONG, || {
        if let Ok(client) = Client::try_connect(vhost) {
            for message in client.drain(queue) {
                let id: u64 = message.message_id().and_then(|id| id.split('/').next()?.parse().ok()).expect("a number");
                *counts.entry(id).or_insert(0_usize) += 1;
            }
        }
        (0..COUNT).all(|number| counts.contains_key(&number))
    });
    let duplicates = assert_none_lost(&counts, COUNT);
    println!("{queue}: {duplicates} duplicates");
}

#[test]
fn nothing_is_lost_when_either_broker_of_a_consumer_is_killed() {
    let (own, other) = (Node::start(), Node::start());
    let test_bed = slowly(with_routes(TestBed::on(&own), &json!([consumer(&other)])));
    let there = client(&other);
    there.declare(QUEUE);
    there.publish_many(QUEUE, COUNT, numbered_message);
    let component = test_bed.start();
    kill_both_in_the_middle(&other, &own, &test_bed, &component);
    receive_all(&test_bed.vhost, OUTPUT, &component);
    component.wait_until("all messages to be acknowledged", LONG, || {
        let queue = other.queue(&testkit::Vhost::new(other.port(), "/"), QUEUE);
        queue.is_some_and(|queue| queue.messages_ready + queue.messages_unacknowledged == 0)
    });
    assert_eq!(component.stop(LONG).code(), Some(0));
}

#[test]
fn nothing_is_lost_when_the_broker_of_a_producer_or_that_of_the_component_is_killed() {
    let (own, other) = (Node::start(), Node::start());
    let store = on(&other, queue_producer("store", &["received"]));
    let test_bed = slowly(with_routes(TestBed::on(&own), &json!([store])));
    test_bed.publish_numbered(COUNT);
    let component = test_bed.start();
    kill_both_in_the_middle(&other, &own, &test_bed, &component);
    receive_all(&test_bed.vhost, OUTPUT, &component);
    receive_all(&testkit::Vhost::new(other.port(), "/"), "store", &component);
    assert_eq!(component.stop(LONG).code(), Some(0));
}

#[test]
fn retries_and_dead_letters_of_a_route_are_on_its_broker() {
    let other = Node::start();
    let test_bed = with_routes(TestBed::on(Node::shared()), &json!([consumer(&other)])).env("RETRY_TTL", 50);
    let component = test_bed.start();
    component.wait_output("route requests is connected", SOON);
    let there = client(&other);
    there.publish(QUEUE, &Message::bare("[]").message_id("bad"));
    component.wait_until("a dead letter", SOON, || there.queue_info(ROUTE_DEAD_LETTERS)?.messages.eq(&1).then_some(()));
    assert_eq!(test_bed.client.queue_info(ROUTE_DEAD_LETTERS), None);
    there.publish(QUEUE, &Message::json(&json!({"content": "hello"})).message_id("m-1"));
    assert_eq!(test_bed.next_reply().message_id(), Some("m-1"));
}

#[test]
fn a_producer_whose_broker_is_away_holds_messages_back_and_makes_the_component_unhealthy() {
    let other = Node::start();
    let store = on(&other, queue_producer("store", &["received"]));
    let test_bed = with_routes(TestBed::on(Node::shared()), &json!([store]));
    let mov = Mov::start(&test_bed.vhost);
    let component = test_bed.start();
    component.wait_output("route store is connected", SOON);
    component.wait_healthy();
    other.kill();
    component.wait_output("route store: ", SOON);
    assert!(component.is_healthy(), "nothing waits for the producer, and the component is unhealthy");
    test_bed.assert_echoes("hello");
    component.wait_unhealthy(SOON);
    let unacknowledged = || Node::shared().queue(&test_bed.vhost, INPUT).map(|queue| queue.messages_unacknowledged);
    component.wait_until("the message to wait", SOON, || unacknowledged() == Some(1));
    other.start_again();
    component.wait_output("route store works again", LONG);
    component.wait_until("the message to be acknowledged", SOON, || unacknowledged() == Some(0));
    component.wait_healthy();
    assert_eq!(client(&other).drain("store").len(), 1);
    drop(mov);
}

#[test]
fn the_component_stops_in_time_while_brokers_of_routes_are_away_or_frozen() {
    let other = Node::start();
    let store = on(&other, queue_producer("store", &["received"]));
    let test_bed = with_routes(TestBed::on(Node::shared()), &json!([store, consumer(&other)]));
    for frozen in [true, false] {
        let component = test_bed.start();
        component.wait_output("route store is connected", SOON);
        component.wait_output("route requests is connected", SOON);
        if frozen {
            other.freeze();
        } else {
            other.kill();
        }
        test_bed.assert_echoes("hello");
        let exit = component.stop(Duration::from_secs(12));
        assert_eq!(exit.code(), Some(0), "{}", component.output());
        assert!(exit.after < Duration::from_millis(8500), "it stopped after {:?}", exit.after);
        if frozen {
            other.thaw();
        }
        test_bed.client.purge(INPUT);
        test_bed.client.purge(OUTPUT);
    }
}

#[test]
fn a_wrong_password_of_a_route_is_reported_without_it() {
    let mut store = queue_producer("store", &["received"]);
    store["auth"] = json!({"user": "mov", "password": "hunter2"});
    let test_bed = with_routes(TestBed::on(Node::shared()), &json!([store]));
    let component = test_bed.start();
    let output = component.wait_output("rejected the connection", SOON);
    assert!(output.contains("check the route's `auth`"), "no remedy in {output}");
    assert!(!component.output().contains("hunter2"), "the password is in {output}");
}
