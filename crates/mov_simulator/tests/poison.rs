//! Poison messages, which end the MOV's consumption of a queue.

use std::time::Instant;

use serde_json::json;

use super::test_bed::{LOG, REGISTER, SOON, TestBed, asyncapi};
use testkit::{Message, Node, wait_until};

#[test]
fn a_poison_message_ends_its_queue_and_no_other() {
    let mut test_bed = TestBed::start();
    assert_eq!(test_bed.mov.get("/q/health").0, 200);
    test_bed.send(LOG, &json!({"level": "INFO", "message": "before"}));
    test_bed.client.publish(LOG, &Message::bare("[1]").content_type("application/json"));
    test_bed.mov.wait_until("the queue to be poisoned", SOON, |snapshot| snapshot.poisoned.contains_key(LOG));
    wait_until("the consumer to end", SOON, || test_bed.client.consumers(LOG) == 0);
    test_bed.send(LOG, &json!({"level": "INFO", "message": "after"}));
    assert_eq!(test_bed.client.depth(LOG), 1, "a message after the poison message was consumed");
    let queue = Node::shared().queue(&test_bed.vhost, LOG).expect("the queue");
    assert_eq!((queue.messages_ready, queue.messages_unacknowledged), (1, 1), "the poison message is not in flight");
    assert_eq!(test_bed.mov.get("/q/health").0, 503);
    test_bed.mov.process().wait_output(&format!("POISONED {LOG}"), SOON);
    test_bed.register("C1", "c1_echo", &asyncapi("c1", "echo", "question", "answer"));

    // The poison message is delivered again to the next MOV.
    test_bed.mov.restart();
    test_bed.mov.wait_until("the queue to be poisoned again", SOON, |snapshot| snapshot.poisoned.contains_key(LOG));
    wait_until("the consumer to end again", SOON, || test_bed.client.consumers(LOG) == 0);
    assert_eq!(test_bed.client.consumers(REGISTER), 1);
}

#[test]
fn every_message_but_a_strict_json_object_is_poison() {
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
    let mut test_bed = TestBed::start();
    for (what, message) in poisonous {
        test_bed.client.publish(LOG, &message);
        test_bed
            .mov
            .wait_until(&format!("{what} to poison the queue"), SOON, |snapshot| snapshot.poisoned.contains_key(LOG));
        test_bed.mov.stop();
        wait_until("the poison message to be requeued", SOON, || {
            Node::shared().queue(&test_bed.vhost, LOG).is_some_and(|it| it.messages_unacknowledged == 0)
        });
        test_bed.client.purge(LOG);
        test_bed.mov.start_again();
    }
    let harmless = [
        Message::bare(object).content_type("Application/JSON"),
        json(&format!("/* a comment */ {object} // another")),
        json(&deep(900)),
        json("null"),
        json(r#"{"level":"INFO","message":"\ud83d\ude00 \u00e9 \ud800"}"#),
    ];
    for message in &harmless {
        test_bed.client.publish(LOG, message);
    }
    test_bed.mov.wait_until("the logs of the harmless messages", SOON, |snapshot| snapshot.logs == 4);
    assert_eq!(test_bed.wait_refused(1), "null");
    assert!(test_bed.mov.poisoned().is_empty());
    assert_eq!(test_bed.mov.logs_with("/😀/").len(), 1);
}

#[test]
fn sixty_thousand_logs_are_consumed_in_time() {
    let test_bed = TestBed::start();
    let log = json!({"level": "INFO", "message": "Received a message to echo", "payload": "{\"content\":\"hello\"}"});
    let message = Message::json(&log);
    let began = Instant::now();
    test_bed.client.publish_many(LOG, 60_000, |_| message.clone());
    test_bed.mov.wait_until("60,000 logs", SOON, |snapshot| snapshot.logs == 60_000);
    println!("published and consumed 60,000 logs in {:?}", began.elapsed());
}
