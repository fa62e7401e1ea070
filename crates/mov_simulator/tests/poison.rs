//! What kills a stream of the MOV simulator, and what does not.

use std::time::Instant;

use serde_json::json;

use super::components::{LOG, REGISTER, SOON, Scene, asyncapi};
use testkit::{Message, Node, wait_until};

#[test]
fn one_poisonous_message_ends_its_queue_and_no_other() {
    let mut scene = Scene::set();
    assert_eq!(scene.mov.get("/q/health").0, 200);
    scene.send(LOG, &json!({"level": "INFO", "message": "before"}));
    scene.client.publish(LOG, &Message::bare("[1]").content_type("application/json"));
    scene.mov.wait_until("the poison to work", SOON, |snapshot| snapshot.poisoned.contains_key(LOG));
    wait_until("the consumer to go", SOON, || scene.client.consumers(LOG) == 0);
    scene.send(LOG, &json!({"level": "INFO", "message": "after"}));
    assert_eq!(scene.client.depth(LOG), 1, "nobody takes what comes after");
    let queue = Node::shared().queue(&scene.vhost, LOG).expect("the queue");
    assert_eq!((queue.messages_ready, queue.messages_unacknowledged), (1, 1), "the poison stays in hand");
    assert_eq!(scene.mov.get("/q/health").0, 503);
    scene.mov.process().wait_output(&format!("POISONED {LOG}"), SOON);
    scene.register("C1", "c1_echo", &asyncapi("c1", "echo", "heard", "said"));

    // The poison is delivered again to the next MOV, and kills it too.
    scene.mov.restart();
    scene.mov.wait_until("the poison to work again", SOON, |snapshot| snapshot.poisoned.contains_key(LOG));
    wait_until("the consumer to go again", SOON, || scene.client.consumers(LOG) == 0);
    assert_eq!(scene.client.consumers(REGISTER), 1);
}

#[test]
fn poison_is_whatever_is_not_strictly_a_json_object() {
    let json = |body: &str| Message::bare(body).content_type("application/json");
    let object = r#"{"level":"INFO","message":"x"}"#;
    let deep = |levels: usize| {
        format!(r#"{{"message":"x","level":"INFO","extra":{}{}}}"#, "[".repeat(levels), "]".repeat(levels))
    };
    let poisonous = [
        ("no content type", Message::bare(object)),
        ("another content type", Message::bare(object).content_type("application/json; charset=utf-8")),
        ("a content encoding", json(object).content_encoding("utf-8")),
        ("an array", json("[]")),
        ("a text", json("\"x\"")),
        ("a number", json("5")),
        ("nothing", json("")),
        ("broken JSON", json("{\"level\":")),
        ("NaN", json(r#"{"level":"INFO","message":"x","payload":NaN}"#)),
        ("a trailing token", json("{} {}")),
        ("a control character", json("{\"level\":\"INFO\",\"message\":\"a\nb\"}")),
        ("a number that begins with 0", json(r#"{"level":"INFO","message":01}"#)),
        ("too deep", json(&deep(1000))),
        ("not UTF-8", Message::bare(b"{\"message\":\"\xff\"}".to_vec()).content_type("application/json")),
    ];
    let mut scene = Scene::set();
    for (what, message) in poisonous {
        scene.client.publish(LOG, &message);
        scene.mov.wait_until(&format!("{what} to be poison"), SOON, |snapshot| snapshot.poisoned.contains_key(LOG));
        scene.mov.stop();
        wait_until("the queue to be free", SOON, || {
            Node::shared().queue(&scene.vhost, LOG).is_some_and(|it| it.messages_unacknowledged == 0)
        });
        scene.client.purge(LOG);
        scene.mov.start_again();
    }
    let harmless = [
        Message::bare(object).content_type("Application/JSON"),
        json(&format!("/* a comment */ {object} // another")),
        json(&deep(900)),
        json("null"),
        json(r#"{"level":"INFO","message":"\ud83d\ude00 \u00e9 \ud800"}"#),
    ];
    for message in &harmless {
        scene.client.publish(LOG, message);
    }
    scene.mov.wait_until("the harmless ones", SOON, |snapshot| snapshot.logs == 4);
    assert_eq!(scene.wait_refused(1), "null");
    assert!(scene.mov.poisoned().is_empty());
    assert_eq!(scene.mov.logs_with("/😀/").len(), 1);
}

#[test]
fn logs_are_taken_quickly() {
    let scene = Scene::set();
    let log = json!({"level": "INFO", "message": "Received a message to echo", "payload": "{\"content\":\"hello\"}"});
    let message = Message::json(&log);
    let began = Instant::now();
    scene.client.publish_many(LOG, 60_000, |_| message.clone());
    scene.mov.wait_until("60,000 logs", SOON, |snapshot| snapshot.logs == 60_000);
    println!("60,000 logs published and taken in {:?}", began.elapsed());
}
