//! The component at a MOV that is as strict as the real one, from registration to unregistration.

use serde_json::{Value, json};
use testkit::{Message, Mov, Node, wait_until};

use crate::peer;
use crate::test_bed::{INPUT, NAME, SOON, TestBed, wait_registered};

/// Asserts that the MOV neither refused a message nor was poisoned by one.
#[track_caller]
pub(crate) fn assert_nothing_refused(mov: &Mov) {
    assert_eq!(mov.poisoned(), [""; 0], "the MOV was poisoned");
    assert!(mov.refusals().is_empty(), "the MOV refused {:#?}", mov.refusals());
}

fn test_bed() -> TestBed {
    TestBed::on(Node::shared()).env("REGISTER_TIMEOUT", 2)
}

#[test]
fn it_registers_writes_its_health_file_and_unregisters() {
    let test_bed = test_bed();
    let mov = Mov::start(&test_bed.vhost);
    let component = test_bed.start();
    let id = wait_registered(&mov, &component);

    let text = component.wait_healthy();
    let notice: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(text, format!("{notice:#}\n"), "the keys are not sorted, or the indent is not two spaces");
    assert_eq!((&notice["name"], &notice["type"]), (&json!(NAME), &json!("C1")));
    assert_eq!(notice["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(notice["channels"].as_array().map(Vec::len), Some(3), "the MOV did not read all channels");

    test_bed.publish("hello");
    wait_until("the log of the echo", SOON, || !mov.logs_with("Sent Echoed message").is_empty());
    let logs = mov.logs_with("Sent Echoed message");
    assert_eq!(logs[0].component.as_ref().map(|component| &component.id), Some(&id), "the log entry has no component");

    let exit = component.stop(SOON);
    assert_eq!(exit.code(), Some(0));
    mov.wait_until("the component to be unregistered", SOON, |snapshot| snapshot.live.is_empty());
    assert!(!component.is_healthy(), "the health file was not removed");
    assert_eq!(mov.registrations().len(), 1, "it registered more than once");
    assert_nothing_refused(&mov);
}

#[test]
fn the_mov_connects_it_to_components_with_the_same_messages() {
    let test_bed = test_bed();
    let mov = Mov::start(&test_bed.vhost);
    let component = test_bed.start();
    wait_registered(&mov, &component);
    peer::register(&test_bed.client, &mov);
    peer::assert_forwarded(&test_bed.vhost, "through the MOV");
    assert_nothing_refused(&mov);
}

#[test]
fn stopped_before_the_notice_of_its_registration_it_unregisters_nevertheless() {
    let test_bed = test_bed();
    let mov = Mov::start(&test_bed.vhost);
    mov.process().signal(testkit::Signal::SIGSTOP);
    let component = test_bed.start();
    component.wait_output("registering with the MOV", SOON);
    component.terminate();
    mov.process().signal(testkit::Signal::SIGCONT);
    assert_eq!(component.wait_exit(SOON).code(), Some(0));
    mov.wait_until("the registration to be made and ended", SOON, |snapshot| {
        snapshot.registrations.len() == 1 && snapshot.live.is_empty()
    });
}

#[test]
fn no_message_makes_it_poison_the_mov() {
    let test_bed = test_bed().env("LOG_MOV_LEVEL", "DEBUG");
    let mov = Mov::start(&test_bed.vhost);
    let component = test_bed.start();
    wait_registered(&mov, &component);
    let deep = format!("{}{}", "[".repeat(3000), "]".repeat(3000));
    let bodies = [
        r#"{"content": "fine {0} 'quoted'", "deep": DEEP}"#.replace("DEEP", &deep),
        deep.clone(),
        r#"{"content": NaN}"#.to_owned(),
        format!(r#"{{"content": "{}"}}"#, "long ".repeat(100_000)),
        "\u{0}\u{1}".to_owned(),
        r#"{"content": "\ud83d\ude00 \u0000"}"#.to_owned(),
    ];
    for body in bodies {
        test_bed.client.publish(INPUT, &Message::bare(body));
    }
    test_bed.client.publish(INPUT, &Message::json(&json!({"content": "the last"})));
    let is_last = |entry: &testkit::mov::LogEntry| entry.payload.as_deref() == Some(r#"{"content":"the last"}"#);
    wait_until("the log of the last message", SOON, || mov.logs_with("Sent Echoed message").iter().any(is_last));
    assert_nothing_refused(&mov);
}
