//! Notifications: C2 components receive the messages of connections between others.

use serde_json::{Value, json};

use super::test_bed::{SOON, TestBed, asyncapi};
use testkit::mov::Notification;
use testkit::{Message, wait_until};

const SOURCE_QUEUE: &str = "valawai/c0/source/data/out";
const TARGET_QUEUE: &str = "valawai/c1/target/data/in";
const NOTIFICATION_QUEUE: &str = "valawai/c2/watcher/control/notified";
const CREATE: &str = "valawai/topology/notification/create";
const CHANGE: &str = "valawai/topology/notification/change";

/// The contract of a C2 that is notified of messages `{word: string}`. `ends` are the names of the two properties for the
/// ends of the connection, in the order in which they are written.
fn watcher(ends: [&str; 2]) -> String {
    let end = "{type: object, properties: {id: {type: string}, name: {type: string}, type: {enum: [C0, C1, C2]}}}";
    let message = "message_payload: {type: object, properties: {word: {type: string}}}";
    let [first, second] = ends.map(|name| format!("{name}: {end}"));
    format!(
        "channels: {{{NOTIFICATION_QUEUE}: {{subscribe: {{message: {{payload: {{type: object, properties: {{
            connection_id: {{type: string}}, {first}, {second}, {message}, timestamp: {{type: integer}}}}}}}}}}}}}}"
    )
}

fn register_watcher(test_bed: &TestBed) -> String {
    test_bed.register("C2", "c2_watcher", &watcher(["source", "target"]))
}

/// Connects a C0 to a C1.
fn connect(test_bed: &TestBed) {
    test_bed.client.declare(TARGET_QUEUE);
    test_bed.client.declare(NOTIFICATION_QUEUE);
    test_bed.register("C0", "c0_source", &asyncapi("c0", "source", "unused_a", "word"));
    test_bed.register("C1", "c1_target", &asyncapi("c1", "target", "word", "unused_b"));
    test_bed.wait_enabled(1);
    wait_until("the MOV to consume", SOON, || test_bed.client.consumers(SOURCE_QUEUE) == 1);
}

fn notifications(test_bed: &TestBed) -> Vec<Notification> {
    test_bed
        .mov
        .connections()
        .into_iter()
        .find(|it| it.source.channel_name == SOURCE_QUEUE)
        .expect("the connection")
        .notifications
}

fn publish(test_bed: &TestBed, word: &str) {
    test_bed.client.publish(SOURCE_QUEUE, &Message::json(&json!({"word": word})));
    test_bed.client.receive(TARGET_QUEUE, 1, SOON);
}

#[test]
fn a_c2_that_registered_before_a_connection_is_notified_of_its_messages() {
    let test_bed = TestBed::start();
    let watcher = register_watcher(&test_bed);
    connect(&test_bed);
    let connection = test_bed.mov.connections().remove(0);
    publish(&test_bed, "a");
    let received = test_bed.client.receive(NOTIFICATION_QUEUE, 1, SOON).remove(0);
    assert_eq!((received.content_type(), received.is_persistent()), (Some("application/json"), false));
    let mut notification = received.json();
    let timestamp = notification.as_object_mut().expect("an object").remove("timestamp").expect("a timestamp");
    assert!(timestamp.as_u64().is_some_and(|seconds| seconds > 1_700_000_000), "{timestamp}");
    let source = json!({"id": connection.source.component_id, "name": "c0_source", "type": "C0"});
    let target = json!({"id": connection.target.component_id, "name": "c1_target", "type": "C1"});
    let expected =
        json!({"connection_id": connection.id, "source": source, "target": target, "message_payload": {"word": "a"}});
    assert_eq!(notification, expected);

    // After it unregistered it is not notified.
    test_bed.unregister(&watcher);
    publish(&test_bed, "b");
    assert_eq!((notifications(&test_bed), test_bed.client.depth(NOTIFICATION_QUEUE)), (Vec::new(), 0));
}

#[test]
fn a_c2_that_registers_after_a_connection_is_notified_only_when_that_is_enabled() {
    let test_bed = TestBed::start();
    connect(&test_bed);
    register_watcher(&test_bed);
    let notification = wait_until("the notification", SOON, || notifications(&test_bed).pop());
    assert!(!notification.enabled, "a notification is enabled without a request");
    publish(&test_bed, "a");
    let connection = test_bed.mov.connections().remove(0).id;
    let target = json!({"component_id": notification.target.component_id, "channel_name": NOTIFICATION_QUEUE});
    let change = |action: &str| {
        test_bed.send(CHANGE, &json!({"action": action, "connection_id": connection, "target": target}));
    };
    change("ENABLE");
    wait_until("it to be enabled", SOON, || notifications(&test_bed)[0].enabled);
    publish(&test_bed, "b");
    assert_eq!(test_bed.client.receive(NOTIFICATION_QUEUE, 1, SOON)[0].json()["message_payload"], json!({"word": "b"}));
    let answer: Value =
        serde_json::from_str(&test_bed.mov.get(&format!("/v1/topology/connections/{connection}")).1).expect("JSON");
    assert_eq!(answer["subscriptions"].as_array().map(Vec::len), Some(1), "{answer}");
    change("REMOVE");
    wait_until("it to be removed", SOON, || notifications(&test_bed).is_empty());
    change("ENABLE");
    assert_eq!(test_bed.wait_refused(1), "unknown notification");
    assert_eq!(test_bed.mov.logs_with("Cannot changed notification, because it is not defined.").len(), 1);
    assert_eq!(test_bed.mov.logs_with("Changed notification")[0].level, "DEBUG");
}

#[test]
fn a_c2_that_has_unregistered_still_gets_a_notification_in_each_new_connection() {
    let test_bed = TestBed::start();
    let unregistered = register_watcher(&test_bed);
    test_bed.unregister(&unregistered);
    register_watcher(&test_bed);
    connect(&test_bed);
    let found = notifications(&test_bed);
    assert_eq!(found.iter().filter(|it| it.enabled).count(), 2, "{found:?}");
    publish(&test_bed, "twice");
    test_bed.client.receive(NOTIFICATION_QUEUE, 2, SOON);
}

#[test]
fn a_notification_is_created_on_request_only_for_compatible_channels() {
    let test_bed = TestBed::start();
    connect(&test_bed);
    let swapped = test_bed.register("C2", "c2_watcher", &watcher(["target", "source"]));
    let raw = test_bed.register("C2", "c2_raw", &asyncapi("c2", "raw", "word", "unused_c"));
    let connection =
        test_bed.mov.connections().into_iter().find(|it| it.source.channel_name == SOURCE_QUEUE).expect("one");
    let unknown = "0123456789abcdef01234567";
    let request = |connection: &str, component: &str, channel: &str| json!({"connection_id": connection, "target": {"component_id": component, "channel_name": channel}, "enabled": true});
    let refused = [
        (request(&connection.id, unknown, NOTIFICATION_QUEUE), "The target component is not defined"),
        (request(&connection.id, &swapped, SOURCE_QUEUE), "does not subscribe"),
        (request(unknown, &swapped, NOTIFICATION_QUEUE), "The connection is not defined"),
        // The target is written before the source.
        (request(&connection.id, &swapped, NOTIFICATION_QUEUE), "not compatible"),
        (json!({"connection_id": connection.id}), "`target` is missing"),
    ];
    for (number, (payload, reason)) in refused.iter().enumerate() {
        test_bed.send(CREATE, payload);
        let actual = test_bed.wait_refused(number + 1);
        assert!(actual.contains(reason), "{payload}: {actual}");
    }
    // A channel may also subscribe to the payload itself instead of the notification.
    test_bed.send(CREATE, &request(&connection.id, &raw, "valawai/c2/raw/data/in"));
    test_bed.send(CREATE, &request(&connection.id, &raw, "valawai/c2/raw/data/in"));
    wait_until("both requests", SOON, || test_bed.mov.logs_with("Created notification").len() == 2);
    assert_eq!(notifications(&test_bed).len(), 1, "the same notification was created twice");
}
