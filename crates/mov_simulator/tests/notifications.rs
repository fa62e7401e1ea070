//! What a C2 component is told of the messages between others, at the MOV simulator.

use serde_json::{Value, json};

use super::components::{SOON, Scene, asyncapi};
use testkit::snapshot::Notification;
use testkit::{Message, wait_until};

const SAID: &str = "valawai/c0/source/data/out";
const HEARD: &str = "valawai/c1/target/data/in";
const TOLD: &str = "valawai/c2/watcher/control/told";
const CREATE: &str = "valawai/topology/notification/create";
const CHANGE: &str = "valawai/topology/notification/change";

/// A C2 that is told of messages `{word: string}`; `ends` are its two properties, in the order in which they are written.
fn watcher(ends: [&str; 2]) -> String {
    let end = "{type: object, properties: {id: {type: string}, name: {type: string}, type: {enum: [C0, C1, C2]}}}";
    let message = "message_payload: {type: object, properties: {word: {type: string}}}";
    let [first, second] = ends.map(|name| format!("{name}: {end}"));
    format!(
        "channels: {{{TOLD}: {{subscribe: {{message: {{payload: {{type: object, properties: {{
            connection_id: {{type: string}}, {first}, {second}, {message}, timestamp: {{type: integer}}}}}}}}}}}}}}"
    )
}

fn register_watcher(scene: &Scene) -> String {
    scene.register("C2", "c2_watcher", &watcher(["source", "target"]))
}

/// A C0 that says what a C1 hears.
fn connect(scene: &Scene) {
    scene.client.declare(HEARD);
    scene.client.declare(TOLD);
    scene.register("C0", "c0_source", &asyncapi("c0", "source", "unused_a", "word"));
    scene.register("C1", "c1_target", &asyncapi("c1", "target", "word", "unused_b"));
    scene.wait_enabled(1);
    wait_until("the MOV to listen", SOON, || scene.client.consumers(SAID) == 1);
}

fn notifications(scene: &Scene) -> Vec<Notification> {
    scene.mov.connections().into_iter().find(|it| it.source.channel_name == SAID).expect("the connection").notifications
}

fn say(scene: &Scene, word: &str) {
    scene.client.publish(SAID, &Message::json(&json!({"word": word})));
    scene.client.expect(HEARD, 1, SOON);
}

#[test]
fn a_c2_that_was_there_first_is_told_of_each_message() {
    let scene = Scene::set();
    let watcher = register_watcher(&scene);
    connect(&scene);
    let connection = scene.mov.connections().remove(0);
    say(&scene, "a");
    let told = scene.client.expect(TOLD, 1, SOON).remove(0);
    assert_eq!((told.content_type(), told.is_persistent()), (Some("application/json"), false));
    let mut told = told.json();
    let timestamp = told.as_object_mut().expect("an object").remove("timestamp").expect("a timestamp");
    assert!(timestamp.as_u64().is_some_and(|seconds| seconds > 1_700_000_000), "{timestamp}");
    let source = json!({"id": connection.source.component_id, "name": "c0_source", "type": "C0"});
    let target = json!({"id": connection.target.component_id, "name": "c1_target", "type": "C1"});
    let expected =
        json!({"connection_id": connection.id, "source": source, "target": target, "message_payload": {"word": "a"}});
    assert_eq!(told, expected);

    // When it unregisters it is told no more.
    scene.unregister(&watcher);
    say(&scene, "b");
    assert_eq!((notifications(&scene), scene.client.depth(TOLD)), (Vec::new(), 0));
}

#[test]
fn a_c2_that_comes_late_is_told_only_when_somebody_enables_it() {
    let scene = Scene::set();
    connect(&scene);
    register_watcher(&scene);
    let notification = wait_until("the notification", SOON, || notifications(&scene).pop());
    assert!(!notification.enabled, "it is enabled");
    say(&scene, "a");
    let connection = scene.mov.connections().remove(0).id;
    let target = json!({"component_id": notification.target.component_id, "channel_name": TOLD});
    let change = |action: &str| {
        scene.send(CHANGE, &json!({"action": action, "connection_id": connection, "target": target}));
    };
    change("ENABLE");
    wait_until("it to be enabled", SOON, || notifications(&scene)[0].enabled);
    say(&scene, "b");
    assert_eq!(scene.client.expect(TOLD, 1, SOON)[0].json()["message_payload"], json!({"word": "b"}));
    let told: Value =
        serde_json::from_str(&scene.mov.get(&format!("/v1/topology/connections/{connection}")).1).expect("JSON");
    assert_eq!(told["subscriptions"].as_array().map(Vec::len), Some(1), "{told}");
    change("REMOVE");
    wait_until("it to be removed", SOON, || notifications(&scene).is_empty());
    change("ENABLE");
    assert_eq!(scene.wait_refused(1), "unknown notification");
    assert_eq!(scene.mov.logs_with("Cannot changed notification, because it is not defined.").len(), 1);
    assert_eq!(scene.mov.logs_with("Changed notification")[0].level, "DEBUG");
}

#[test]
fn a_c2_that_has_unregistered_still_gets_a_share_in_each_new_connection() {
    let scene = Scene::set();
    let gone = register_watcher(&scene);
    scene.unregister(&gone);
    register_watcher(&scene);
    connect(&scene);
    let found = notifications(&scene);
    assert_eq!(found.iter().filter(|it| it.enabled).count(), 2, "{found:?}");
    say(&scene, "twice");
    scene.client.expect(TOLD, 2, SOON);
}

#[test]
fn a_notification_is_created_on_request_only_where_it_makes_sense() {
    let scene = Scene::set();
    connect(&scene);
    let swapped = scene.register("C2", "c2_watcher", &watcher(["target", "source"]));
    let raw = scene.register("C2", "c2_raw", &asyncapi("c2", "raw", "word", "unused_c"));
    let connection = scene.mov.connections().into_iter().find(|it| it.source.channel_name == SAID).expect("one");
    let unknown = "0123456789abcdef01234567";
    let request = |connection: &str, component: &str, channel: &str| json!({"connection_id": connection, "target": {"component_id": component, "channel_name": channel}, "enabled": true});
    let refused = [
        (request(&connection.id, unknown, TOLD), "The target component is not defined"),
        (request(&connection.id, &swapped, SAID), "does not subscribe"),
        (request(unknown, &swapped, TOLD), "The connection is not defined"),
        // Whoever writes the target before the source is not understood.
        (request(&connection.id, &swapped, TOLD), "not compatible"),
        (json!({"connection_id": connection.id}), "`target` is missing"),
    ];
    for (number, (payload, reason)) in refused.iter().enumerate() {
        scene.send(CREATE, payload);
        let told = scene.wait_refused(number + 1);
        assert!(told.contains(reason), "{payload}: {told}");
    }
    // The message itself will do as well as the envelope.
    scene.send(CREATE, &request(&connection.id, &raw, "valawai/c2/raw/data/in"));
    scene.send(CREATE, &request(&connection.id, &raw, "valawai/c2/raw/data/in"));
    wait_until("both requests", SOON, || scene.mov.logs_with("Created notification").len() == 2);
    assert_eq!(notifications(&scene).len(), 1, "one for each component and channel");
}
