//! Connections: which channels are connected, and how often a message arrives.

use serde_json::{Value, json};

use super::test_bed::{REGISTER, SOON, TestBed, UNREGISTER, asyncapi, registration};
use testkit::{Message, wait_until};

const SOURCE_QUEUE: &str = "valawai/c0/source/data/out";
const TARGET_QUEUE: &str = "valawai/c1/target/data/in";
const CHANGE: &str = "valawai/topology/change";

/// A C0 connected to a C1, registered `sources` and `targets` times.
fn connected(sources: usize, targets: usize) -> (TestBed, Vec<String>) {
    let test_bed = TestBed::start();
    test_bed.client.declare(TARGET_QUEUE);
    let source = asyncapi("c0", "source", "unused_a", "word");
    let target = asyncapi("c1", "target", "word", "unused_b");
    let mut ids: Vec<String> = (0..sources).map(|_| test_bed.register("C0", "c0_source", &source)).collect();
    ids.extend((0..targets).map(|_| test_bed.register("C1", "c1_target", &target)));
    test_bed.wait_enabled(sources * targets);
    wait_until("the MOV to consume", SOON, || test_bed.client.consumers(SOURCE_QUEUE) == 1);
    (test_bed, ids)
}

fn publish(test_bed: &TestBed, body: &str) {
    test_bed.client.publish(SOURCE_QUEUE, &Message::bare(body).persistent().message_id("id").header("trace", "x"));
}

#[test]
fn a_message_is_forwarded_without_its_properties() {
    let (test_bed, _) = connected(1, 1);
    publish(&test_bed, r#"{"word": "hello", "extra": [1.50, 12345678901234567890123], "word": "last"}"#);
    let received = test_bed.client.receive(TARGET_QUEUE, 1, SOON).remove(0);
    assert_eq!(received.text(), r#"{"word":"last","extra":[1.5,12345678901234567890123]}"#);
    assert_eq!(received.content_type(), Some("application/json"));
    assert!(received.message_id().is_none() && received.text_header("trace").is_none() && !received.is_persistent());
    assert_eq!(test_bed.mov.snapshot().forwarded, 1);
    assert!(
        test_bed
            .mov
            .get("/v1/topology/connections")
            .1
            .contains(&format!(r#""target":"{TARGET_QUEUE}","enabled":true"#))
    );
}

#[test]
fn each_pair_of_live_registrations_forwards_a_copy() {
    let (test_bed, ids) = connected(2, 3);
    publish(&test_bed, r#"{"word":"a"}"#);
    test_bed.client.receive(TARGET_QUEUE, 6, SOON);
    test_bed.send(UNREGISTER, &json!({"component_id": ids[0]}));
    test_bed.send(UNREGISTER, &json!({"component_id": ids[4]}));
    test_bed.wait_enabled(2);
    publish(&test_bed, r#"{"word":"b"}"#);
    test_bed.mov.wait_until("two more copies", SOON, |snapshot| snapshot.forwarded == 8);
    assert_eq!(test_bed.client.drain(TARGET_QUEUE).len(), 2);
    for id in &ids {
        test_bed.send(UNREGISTER, &json!({"component_id": id}));
    }
    test_bed.wait_enabled(0);
    wait_until("the MOV to cancel its consumer", SOON, || test_bed.client.consumers(SOURCE_QUEUE) == 0);
    publish(&test_bed, r#"{"word":"stays in the queue"}"#);
    assert_eq!(test_bed.client.depth(SOURCE_QUEUE), 1);
}

#[test]
fn after_an_invalid_message_the_queue_is_discarded_until_its_connections_are_disabled() {
    let (test_bed, _) = connected(1, 1);
    publish(&test_bed, "[]");
    test_bed.mov.wait_until("the queue to be discarded", SOON, |snapshot| {
        snapshot.discarding_queues.contains_key(SOURCE_QUEUE)
    });
    assert_eq!(
        test_bed.mov.logs_with(&format!("Cannot listen for the messages from the queue {SOURCE_QUEUE}")).len(),
        1
    );
    publish(&test_bed, r#"{"word":"lost"}"#);
    wait_until("the message to be consumed", SOON, || test_bed.client.depth(SOURCE_QUEUE) == 0);
    assert_eq!((test_bed.client.consumers(SOURCE_QUEUE), test_bed.mov.get("/q/health").0), (1, 200));
    let connection = &test_bed.mov.connections().into_iter().find(|it| it.enabled).expect("the connection").id;
    test_bed.send(CHANGE, &json!({"action": "DISABLE", "connection_id": connection}));
    wait_until("the MOV to cancel its consumer", SOON, || test_bed.client.consumers(SOURCE_QUEUE) == 0);
    test_bed.send(CHANGE, &json!({"action": "ENABLE", "connection_id": connection}));
    test_bed.wait_enabled(1);
    publish(&test_bed, r#"{"word":"forwarded"}"#);
    assert_eq!(test_bed.client.receive(TARGET_QUEUE, 1, SOON)[0].json(), json!({"word": "forwarded"}));
    test_bed.send(CHANGE, &json!({"action": "ENABLE", "connection_id": connection}));
    test_bed
        .mov
        .wait_until("the error in the log", SOON, |_| test_bed.mov.logs_with("/^Cannot enable the connection/").pop());
    test_bed.send(CHANGE, &json!({"action": "ENABLE", "connection_id": "0123456789abcdef01234567"}));
    assert!(test_bed.wait_refused(1).starts_with("unknown connection"));
}

#[test]
fn a_message_for_a_missing_queue_is_lost() {
    let (test_bed, _) = connected(1, 1);
    test_bed.client.delete(TARGET_QUEUE);
    publish(&test_bed, r#"{"word":"lost"}"#);
    test_bed.mov.wait_until("the message to be forwarded", SOON, |snapshot| snapshot.forwarded == 1);
    assert!(test_bed.client.queue_info(TARGET_QUEUE).is_none());
}

#[test]
fn components_of_one_level_are_connected_but_not_enabled() {
    let test_bed = TestBed::start();
    let own_echo = asyncapi("c1", "echo", "word", "word");
    let id = test_bed.register("C1", "c1_echo", &own_echo);
    let connections = test_bed.mov.wait_until("the connection to itself", SOON, |snapshot| {
        (snapshot.connections.len() == 1).then(|| snapshot.connections.clone())
    });
    assert!(
        !connections[0].enabled && connections[0].source.component_id == id && connections[0].target.component_id == id
    );
    let enable = json!({"action": "ENABLE", "connection_id": connections[0].id});
    test_bed.send(CHANGE, &enable);
    test_bed.wait_enabled(1);
}

#[test]
fn an_empty_published_payload_matches_even_registered_channels() {
    let test_bed = TestBed::start();
    let target = test_bed.register("C1", "c1_target", &asyncapi("c1", "target", "word", "other"));
    let any_payload = r"channels: {valawai/c0/any/data/out: {publish: {message: {payload: {properties: {}}}}}}";
    test_bed.register("C0", "c0_any", any_payload);
    let targets: Vec<String> = test_bed.mov.wait_until("both connections", SOON, |snapshot| {
        let to_target = snapshot.connections.iter().filter(|it| it.target.component_id == target);
        let channels: Vec<String> = to_target.map(|it| it.target.channel_name.clone()).collect();
        (channels.len() == 2).then_some(channels)
    });
    assert!(targets.contains(&"valawai/c1/target/control/registered".to_owned()), "{targets:?}");
}

#[test]
fn payloads_match_when_the_published_one_is_a_part_of_the_subscribed_one() {
    let test_bed = TestBed::start();
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
        // The second of two equal objects is a reference by its ordinal, which another object shifts.
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
        let source = test_bed.register("C0", "c0_s", &one("publish", "s", publish));
        let target = test_bed.register("C1", "c1_t", &one("subscribe", "t", subscribe));
        // It is registered last, so its connection comes after all others.
        let marker = test_bed.register(
            "C2",
            "c2_m",
            "channels: {m: {publish: {message: {payload: {const: m}}}, subscribe: {message: {payload: {const: m}}}}}",
        );
        let connections = test_bed.mov.wait_until("the marker's connection to itself", SOON, |snapshot| {
            snapshot.connections.iter().any(|it| it.source.component_id == marker).then(|| snapshot.connections.clone())
        });
        let matched = connections.iter().any(|it| it.source.component_id == source && it.target.component_id == target);
        assert_eq!(matched, expected, "{publish} to {subscribe}");
        for id in [source, target, marker] {
            test_bed.send(UNREGISTER, &json!({"component_id": id}));
        }
        test_bed.mov.wait_until("all to be unregistered", SOON, |snapshot| snapshot.live.is_empty());
    }
}

#[test]
fn a_published_property_without_a_schema_is_refused_but_registered() {
    let test_bed = TestBed::start();
    test_bed.client.declare("valawai/c1/x/control/registered");
    let payload = "{message: {payload: {properties: {a: null}}}}";
    let text = format!("channels: {{q: {{publish: {payload}, subscribe: {payload}}}}}");
    test_bed.send(REGISTER, &registration("C1", "c1_x", &text));
    test_bed.wait_refused(1);
    assert_eq!(test_bed.mov.live_of("c1_x").len(), 1, "the refused component is registered nevertheless");
}

#[test]
fn a_connection_is_created_on_request_only_between_compatible_channels() {
    let (test_bed, ids) = connected(1, 1);
    let request = |source: &str, target: &str| json!({"enabled": true, "source": {"component_id": ids[0], "channel_name": source}, "target": {"component_id": ids[1], "channel_name": target}});
    let cases: [(Value, &str); 5] = [
        (request(SOURCE_QUEUE, TARGET_QUEUE), "Cannot store the connection"),
        (request(TARGET_QUEUE, TARGET_QUEUE), "does not publish"),
        (request(SOURCE_QUEUE, SOURCE_QUEUE), "does not subscribe"),
        (request(SOURCE_QUEUE, "valawai/c1/target/control/registered"), "does not match"),
        (json!({"source": {}}), "is missing"),
    ];
    for (number, (payload, reason)) in cases.iter().enumerate() {
        test_bed.send("valawai/topology/create", payload);
        let actual = test_bed.wait_refused(number + 1);
        assert!(actual.contains(reason), "{payload}: {actual}");
    }
    let page = "valawai/topology/page";
    test_bed.client.declare(page);
    test_bed.send("valawai/topology/query", &json!({"id": "q", "source_channel_name": SOURCE_QUEUE}));
    let answer = test_bed.client.receive(page, 1, SOON)[0].json();
    assert_eq!(
        (&answer["query_id"], &answer["total"], &answer["connections"][0]["enabled"]),
        (&json!("q"), &json!(1), &json!(true))
    );
}
