//! How what the MOV simulator sends and logs is written, to the last blank.

use serde_json::json;
use testkit::FieldTable;
use testkit::Signal;

use super::components::{SOON, Scene, UNREGISTER, asyncapi};
use testkit::snapshot::LogEntry;
use testkit::{Message, Mov, Node, wait_until};

const SAID: &str = "valawai/c0/source/data/out";
const HEARD: &str = "valawai/c1/target/data/in";

/// A C0 that says what a C1 hears.
fn connect(scene: &Scene) -> (String, String) {
    scene.client.declare(HEARD);
    let source = scene.register("C0", "c0_source", &asyncapi("c0", "source", "unused_a", "word"));
    let target = scene.register("C1", "c1_target", &asyncapi("c1", "target", "word", "unused_b"));
    scene.wait_enabled(1);
    wait_until("the MOV to listen", SOON, || scene.client.consumers(SAID) == 1);
    (source, target)
}

fn say(scene: &Scene, body: &str) -> String {
    scene.client.publish(SAID, &Message::bare(body));
    scene.client.expect(HEARD, 1, SOON)[0].text()
}

fn log(scene: &Scene, pattern: &str) -> LogEntry {
    wait_until(&format!("the log {pattern}"), SOON, || scene.mov.logs_with(pattern).pop())
}

#[test]
fn numbers_and_letters_come_out_as_java_writes_them() {
    let scene = Scene::set();
    connect(&scene);
    let body = r#"{"word":"é€😀","n":[1.50,0.1e-3,12345678.5,1e22,-1e400,1e400,1e5,100000000000000000000]}"#;
    let expected = r#"{"word":"é€\uD83D\uDE00","n":[1.5,1.0E-4,1.23456785E7,1.0E22,"-Infinity","Infinity",100000.0,100000000000000000000]}"#;
    assert_eq!(say(&scene, body), expected);
}

#[test]
fn each_copy_leaves_two_logs_with_the_message() {
    let scene = Scene::set();
    connect(&scene);
    say(&scene, r#"{"word":"a","list":[1,{"b":[]}],"empty":{}}"#);
    let id = scene.mov.connections()[0].id.clone();
    let logs: Vec<LogEntry> = scene.mov.logs().into_iter().filter(|it| it.level == "DEBUG").collect();
    assert_eq!(logs.len(), 2, "{logs:#?}");
    assert!(logs[1].message.starts_with("Notified to the target of the connection "), "{}", logs[1].message);
    let pretty = "{\n  \"word\" : \"a\",\n  \"list\" : [ 1, {\n    \"b\" : [ ]\n  } ],\n  \"empty\" : { }\n}";
    for entry in &logs {
        assert!(entry.message.contains(&id), "{}", entry.message);
        assert_eq!(entry.payload.as_deref(), Some(pretty));
    }
}

#[test]
fn what_becomes_of_connections_is_logged_without_a_payload() {
    let scene = Scene::set();
    let (source, _) = connect(&scene);
    scene.send(UNREGISTER, &json!({ "component_id": source }));
    let level = |pattern: &str| {
        let entry = log(&scene, pattern);
        assert_eq!(entry.payload, None, "{}", entry.message);
        entry.level
    };
    assert_eq!(level("/^Removed the connection/"), "DEBUG");
    assert_eq!(
        (level("/^Created the connection/"), level("/^Enabled the connection/")),
        ("INFO".into(), "INFO".into())
    );
    let payload = log(&scene, "/^Unregistered the component/").payload;
    assert_eq!(payload, Some(format!("{{\n  \"component_id\" : \"{source}\"\n}}")));
}

#[test]
fn a_page_ends_with_its_query_and_carries_an_empty_table_of_headers() {
    let scene = Scene::set();
    for (queue, page) in
        [("valawai/component/query", "valawai/component/page"), ("valawai/topology/query", "valawai/topology/page")]
    {
        scene.client.declare(page);
        scene.send(queue, &json!({"id": "q", "limit": 1}));
        let answer = scene.client.expect(page, 1, SOON).remove(0);
        assert_eq!(answer.text(), r#"{"total":0,"query_id":"q"}"#);
        assert_eq!(answer.content_type(), Some("application/json"));
        assert!(answer.properties.headers().as_ref().is_some_and(FieldTable::is_empty), "{answer:?}");
    }
}

/// What comes out when so many messages wait for the MOV at once.
fn come_out(scene: &Scene, count: u64) -> Vec<u64> {
    connect(scene);
    scene.mov.process().signal(Signal::SIGSTOP);
    scene.client.publish_many(SAID, count, |number| Message::json(&json!({"word": number.to_string()})));
    scene.mov.process().signal(Signal::SIGCONT);
    let came = scene.client.expect(HEARD, usize::try_from(count).expect("few"), SOON);
    came.iter().map(|it| it.json()["word"].as_str().expect("a word").parse().expect("a number")).collect()
}

#[test]
fn messages_overtake_each_other_and_none_is_lost() {
    let scene = Scene::set();
    let mut came = come_out(&scene, 100);
    assert!(!came.is_sorted(), "they came in order");
    came.sort_unstable();
    assert!(came.into_iter().eq(0..100), "not each of them once");
}

#[test]
fn the_order_can_be_kept_for_a_test_that_is_about_something_else() {
    let vhost = Node::shared().vhost();
    let mov = Mov::start_with(Mov::launch(&vhost).env("SHUFFLE_SEED", 0));
    assert!(come_out(&Scene::at(vhost, mov), 100).is_sorted());
}
