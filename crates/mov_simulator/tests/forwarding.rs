//! Connections at the MOV simulator: who is connected with whom, and how often a message arrives.

use serde_json::{Value, json};

use super::components::{REGISTER, SOON, Scene, UNREGISTER, asyncapi, registration};
use testkit::{Message, wait_until};

const SAID: &str = "valawai/c0/source/data/out";
const HEARD: &str = "valawai/c1/target/data/in";
const CHANGE: &str = "valawai/topology/change";

/// A C0 that says what a C1 hears, each registered so many times.
fn connected(sources: usize, targets: usize) -> (Scene, Vec<String>) {
    let scene = Scene::set();
    scene.client.declare(HEARD);
    let source = asyncapi("c0", "source", "unused_a", "word");
    let target = asyncapi("c1", "target", "word", "unused_b");
    let mut ids: Vec<String> = (0..sources).map(|_| scene.register("C0", "c0_source", &source)).collect();
    ids.extend((0..targets).map(|_| scene.register("C1", "c1_target", &target)));
    scene.wait_enabled(sources * targets);
    wait_until("the MOV to listen", SOON, || scene.client.consumers(SAID) == 1);
    (scene, ids)
}

fn say(scene: &Scene, body: &str) {
    scene.client.publish(SAID, &Message::bare(body).persistent().message_id("id").header("trace", "x"));
}

#[test]
fn a_message_passes_without_its_properties() {
    let (scene, _) = connected(1, 1);
    say(&scene, r#"{"word": "hello", "extra": [1.50, 12345678901234567890123], "word": "last"}"#);
    let heard = scene.client.expect(HEARD, 1, SOON).remove(0);
    assert_eq!(heard.text(), r#"{"word":"last","extra":[1.5,12345678901234567890123]}"#);
    assert_eq!(heard.content_type(), Some("application/json"));
    assert!(heard.message_id().is_none() && heard.text_header("trace").is_none() && !heard.is_persistent());
    assert_eq!(scene.mov.snapshot().forwarded, 1);
    assert!(scene.mov.get("/v1/topology/connections").1.contains(&format!(r#""target":"{HEARD}","enabled":true"#)));
}

#[test]
fn each_pair_of_live_registrations_makes_a_copy() {
    let (scene, ids) = connected(2, 3);
    say(&scene, r#"{"word":"a"}"#);
    scene.client.expect(HEARD, 6, SOON);
    scene.send(UNREGISTER, &json!({"component_id": ids[0]}));
    scene.send(UNREGISTER, &json!({"component_id": ids[4]}));
    scene.wait_enabled(2);
    say(&scene, r#"{"word":"b"}"#);
    scene.mov.wait_until("two more copies", SOON, |snapshot| snapshot.forwarded == 8);
    assert_eq!(scene.client.drain(HEARD).len(), 2);
    for id in &ids {
        scene.send(UNREGISTER, &json!({"component_id": id}));
    }
    scene.wait_enabled(0);
    wait_until("the MOV to listen no more", SOON, || scene.client.consumers(SAID) == 0);
    say(&scene, r#"{"word":"kept for whoever is enabled next"}"#);
    assert_eq!(scene.client.depth(SAID), 1);
}

#[test]
fn one_bad_message_makes_a_silent_sink_until_all_is_disabled() {
    let (scene, _) = connected(1, 1);
    say(&scene, "[]");
    scene.mov.wait_until("the queue to be a sink", SOON, |snapshot| snapshot.sinks.contains_key(SAID));
    assert_eq!(scene.mov.logs_with(&format!("Cannot listen for the messages from the queue {SAID}")).len(), 1);
    say(&scene, r#"{"word":"lost"}"#);
    wait_until("the message to be taken", SOON, || scene.client.depth(SAID) == 0);
    assert_eq!((scene.client.consumers(SAID), scene.mov.get("/q/health").0), (1, 200));
    let connection = &scene.mov.connections().into_iter().find(|it| it.enabled).expect("the connection").id;
    scene.send(CHANGE, &json!({"action": "DISABLE", "connection_id": connection}));
    wait_until("the MOV to listen no more", SOON, || scene.client.consumers(SAID) == 0);
    scene.send(CHANGE, &json!({"action": "ENABLE", "connection_id": connection}));
    scene.wait_enabled(1);
    say(&scene, r#"{"word":"heard"}"#);
    assert_eq!(scene.client.expect(HEARD, 1, SOON)[0].json(), json!({"word": "heard"}));
    scene.send(CHANGE, &json!({"action": "ENABLE", "connection_id": connection}));
    scene.mov.wait_until("an error that is acknowledged", SOON, |_| {
        scene.mov.logs_with("/^Cannot enable the connection/").pop()
    });
    scene.send(CHANGE, &json!({"action": "ENABLE", "connection_id": "0123456789abcdef01234567"}));
    assert!(scene.wait_refused(1).starts_with("unknown connection"));
}

#[test]
fn a_message_for_a_queue_that_is_not_there_is_lost() {
    let (scene, _) = connected(1, 1);
    scene.client.delete(HEARD);
    say(&scene, r#"{"word":"lost"}"#);
    scene.mov.wait_until("the forwarding", SOON, |snapshot| snapshot.forwarded == 1);
    assert!(scene.client.look(HEARD).is_none());
}

#[test]
fn components_of_one_level_are_connected_but_not_enabled() {
    let scene = Scene::set();
    let own_echo = asyncapi("c1", "echo", "word", "word");
    let id = scene.register("C1", "c1_echo", &own_echo);
    let connections = scene.mov.wait_until("the loop", SOON, |snapshot| {
        (snapshot.connections.len() == 1).then(|| snapshot.connections.clone())
    });
    assert!(
        !connections[0].enabled && connections[0].source.component_id == id && connections[0].target.component_id == id
    );
    let enable = json!({"action": "ENABLE", "connection_id": connections[0].id});
    scene.send(CHANGE, &enable);
    scene.wait_enabled(1);
}

#[test]
fn an_empty_publisher_reaches_even_the_registered_channels() {
    let scene = Scene::set();
    let listener = scene.register("C1", "c1_target", &asyncapi("c1", "target", "word", "other"));
    let anything = r"channels: {valawai/c0/any/data/out: {publish: {message: {payload: {properties: {}}}}}}";
    scene.register("C0", "c0_any", anything);
    let targets: Vec<String> = scene.mov.wait_until("both connections", SOON, |snapshot| {
        let to_listener = snapshot.connections.iter().filter(|it| it.target.component_id == listener);
        let channels: Vec<String> = to_listener.map(|it| it.target.channel_name.clone()).collect();
        (channels.len() == 2).then_some(channels)
    });
    assert!(targets.contains(&"valawai/c1/target/control/registered".to_owned()), "{targets:?}");
}

#[test]
fn payloads_match_when_the_publisher_is_a_part_of_the_subscriber() {
    let scene = Scene::set();
    let pairs = [
        ("{type: string}", "{type: string, minLength: 3}", true),
        ("{type: integer}", "{type: number}", false),
        ("{enum: [a, b]}", "{enum: [b, a]}", true),
        ("{enum: [a]}", "{enum: [b, a]}", false),
        ("{enum: [a]}", "{type: string}", false),
        ("{const: a}", "{const: a}", true),
        ("{properties: {a: {type: string}}}", "{properties: {b: {type: string}, a: {type: string}}}", true),
        ("{properties: {b: {type: string}, a: {type: string}}}", "{properties: {a: {type: string}}}", false),
        ("{properties: {a: {type: string}}}", "{properties: {a: null}}", false),
        ("{type: array, items: {type: string}}", "{type: array, items: [{type: string}]}", true),
        ("{type: array}", "{type: array, items: [{type: string}]}", false),
        ("{oneOf: [{type: string}, {const: a}]}", "{oneOf: [{const: a}, {type: string}]}", true),
        ("{oneOf: [{type: string}, {const: a}]}", "{anyOf: [{const: a}, {type: string}]}", false),
        // The second of two objects with the same names is a reference by its ordinal, which one more object shifts.
        (
            "{properties: {b: {properties: {x: {type: string}}}, c: {properties: {x: {type: string}}}}}",
            "{properties: {b: {properties: {x: {type: string}}}, c: {properties: {x: {type: string}}}}}",
            true,
        ),
        (
            "{properties: {b: {properties: {x: {type: string}}}, c: {properties: {x: {type: string}}}}}",
            "{properties: {a: {properties: {z: {type: string}}}, b: {properties: {x: {type: string}}}, c: {properties: {x: {type: string}}}}}",
            false,
        ),
    ];
    for (publish, subscribe, expected) in pairs {
        let one = |verb: &str, channel: &str, payload: &str| {
            format!("channels: {{{channel}: {{{verb}: {{message: {{payload: {payload}}}}}}}}}")
        };
        let source = scene.register("C0", "c0_s", &one("publish", "s", publish));
        let target = scene.register("C1", "c1_t", &one("subscribe", "t", subscribe));
        // The answer to this comes after all connections that there will be.
        let marker = scene.register(
            "C2",
            "c2_m",
            "channels: {m: {publish: {message: {payload: {const: m}}}, subscribe: {message: {payload: {const: m}}}}}",
        );
        let connections = scene.mov.wait_until("the marker's loop", SOON, |snapshot| {
            snapshot.connections.iter().any(|it| it.source.component_id == marker).then(|| snapshot.connections.clone())
        });
        let matched = connections.iter().any(|it| it.source.component_id == source && it.target.component_id == target);
        assert_eq!(matched, expected, "{publish} to {subscribe}");
        for id in [source, target, marker] {
            scene.send(UNREGISTER, &json!({"component_id": id}));
        }
        scene.mov.wait_until("all to be unregistered", SOON, |snapshot| snapshot.live.is_empty());
    }
}

#[test]
fn a_property_without_a_schema_makes_a_zombie() {
    let scene = Scene::set();
    scene.client.declare("valawai/c1/x/control/registered");
    let payload = "{message: {payload: {properties: {a: null}}}}";
    let text = format!("channels: {{q: {{publish: {payload}, subscribe: {payload}}}}}");
    scene.send(REGISTER, &registration("C1", "c1_x", &text));
    scene.wait_refused(1);
    assert_eq!(scene.mov.live_of("c1_x").len(), 1, "it is refused, and registered all the same");
}

#[test]
fn a_connection_is_created_on_request_only_where_it_makes_sense() {
    let (scene, ids) = connected(1, 1);
    let request = |source: &str, target: &str| json!({"enabled": true, "source": {"component_id": ids[0], "channel_name": source}, "target": {"component_id": ids[1], "channel_name": target}});
    let cases: [(Value, &str); 5] = [
        (request(SAID, HEARD), "Cannot store the connection"),
        (request(HEARD, HEARD), "does not publish"),
        (request(SAID, SAID), "does not subscribe"),
        (request(SAID, "valawai/c1/target/control/registered"), "does not match"),
        (json!({"source": {}}), "is missing"),
    ];
    for (number, (payload, reason)) in cases.iter().enumerate() {
        scene.send("valawai/topology/create", payload);
        let told = scene.wait_refused(number + 1);
        assert!(told.contains(reason), "{payload}: {told}");
    }
    let page = "valawai/topology/page";
    scene.client.declare(page);
    scene.send("valawai/topology/query", &json!({"id": "q", "source_channel_name": SAID}));
    let answer = scene.client.expect(page, 1, SOON)[0].json();
    assert_eq!(
        (&answer["query_id"], &answer["total"], &answer["connections"][0]["enabled"]),
        (&json!("q"), &json!(1), &json!(true))
    );
}
