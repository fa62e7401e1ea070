//! From registering to unregistering, at a MOV that is as unforgiving as the real one.

use std::time::Duration;

use serde_json::{Value, json};

use crate::test_bed::{HEARD, NAME, REGISTERED, SAID, SOON, TestBed, settled};
use testkit::{Client, Message, Mov, Node, wait_until};

/// Nothing that the component sent was refused by the MOV or stopped it.
fn assert_content(mov: &Mov) {
    assert_eq!(mov.poisoned(), [""; 0], "the MOV was poisoned");
    assert!(mov.refusals().is_empty(), "the MOV refused {:#?}", mov.refusals());
}

fn test_bed() -> TestBed {
    TestBed::on(Node::shared()).env("REGISTER_TIMEOUT", 2)
}

#[test]
fn it_registers_shows_its_health_and_unregisters() {
    let test_bed = test_bed();
    let mov = Mov::start(&test_bed.vhost);
    let echo = test_bed.start();
    let id = settled(&mov, &echo);

    let text = echo.wait_healthy();
    let notice: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(text, format!("{notice:#}\n"), "the keys are not sorted, or the indent is not two spaces");
    assert_eq!((&notice["name"], &notice["type"]), (&json!(NAME), &json!("C1")));
    assert_eq!(notice["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(notice["channels"].as_array().map(Vec::len), Some(3), "the MOV did not read all channels");

    test_bed.say("hello");
    wait_until("the log of the echo", SOON, || !mov.logs_with("Sent Echoed message").is_empty());
    let logs = mov.logs_with("Sent Echoed message");
    assert_eq!(logs[0].component.as_ref().map(|component| &component.id), Some(&id), "a log without its component");

    let exit = echo.stop(SOON);
    assert_eq!(exit.code(), Some(0));
    mov.wait_until("it to be unregistered", SOON, |snapshot| snapshot.live.is_empty());
    assert!(!echo.is_healthy(), "it left its health file");
    assert_eq!(mov.registrations().len(), 1, "it registered more than once");
    assert_content(&mov);
}

#[test]
fn the_mov_connects_it_to_others_of_its_kind_of_messages() {
    let test_bed = test_bed();
    let mov = Mov::start(&test_bed.vhost);
    let echo = test_bed.start();
    settled(&mov, &echo);
    let payload = json!({"type": "object", "properties": {"content": {"type": "string"}}});
    let asyncapi = json!({"channels": {
        "valawai/c0/mouth/data/said": {"publish": {"message": {"payload": payload}}},
        "valawai/c0/mouth/data/heard": {"subscribe": {"message": {"payload": {
            "type": "object", "properties": {"content": {"type": "string"}, "extra": {"type": "string"}}}}}},
    }});
    test_bed.client.declare("valawai/c0/mouth/data/heard");
    let register = json!({"type": "C0", "name": "c0_mouth", "version": "1.0.0", "asyncapi_yaml": asyncapi.to_string()});
    test_bed.client.publish("valawai/component/register", &Message::json(&register));
    mov.wait_until("two enabled connections", SOON, |snapshot| {
        snapshot.connections.iter().filter(|connection| connection.enabled).count() == 2
    });
    let said = "valawai/c0/mouth/data/said";
    wait_until("the MOV to listen", SOON, || test_bed.client.consumers(said) == 1);
    test_bed.client.publish(said, &Message::json(&json!({"content": "through the MOV"})));
    let back = test_bed.client.expect("valawai/c0/mouth/data/heard", 1, SOON).remove(0);
    assert_eq!(back.json(), json!({"content": "through the MOV"}));
    assert_content(&mov);
}

#[test]
fn a_mov_that_comes_late_finds_it_working_and_waiting() {
    let test_bed = test_bed();
    let echo = test_bed.start();
    test_bed.assert_echoes("nobody knows me");
    assert!(!echo.is_healthy(), "it looks healthy, and nobody registered it");
    let mov = Mov::start(&test_bed.vhost);
    settled(&mov, &echo);
    assert_eq!(mov.registrations().len(), 1, "it registered more than once");
    assert_content(&mov);
}

#[test]
fn a_mov_that_restarted_is_told_again() {
    let test_bed = test_bed();
    let mut mov = Mov::start(&test_bed.vhost);
    let echo = test_bed.start();
    let first = settled(&mov, &echo);
    mov.stop();
    echo.wait_output("the MOV is down", SOON);
    test_bed.assert_echoes("while the MOV is away");
    mov.start_again();
    let second = settled(&mov, &echo);
    assert_ne!(first, second);
}

#[test]
fn a_mov_that_forgets_it_without_a_restart_is_told_again_if_its_address_is_known() {
    let test_bed = test_bed();
    let mov = Mov::start(&test_bed.vhost);
    let test_bed = test_bed.env("MOV_URL", mov.url());
    let echo = test_bed.start();
    let first = settled(&mov, &echo);
    // Somebody ends the registration behind its back.
    let unregister = json!({ "component_id": first });
    test_bed.client.publish("valawai/component/unregister", &Message::json(&unregister));
    mov.wait_until("it to be forgotten", SOON, |snapshot| snapshot.live.is_empty());
    let second = settled(&mov, &echo);
    assert_ne!(first, second);
}

#[test]
fn a_process_that_starts_after_a_crash_keeps_the_registration() {
    let test_bed = test_bed();
    let mov = Mov::start(&test_bed.vhost);
    let echo = test_bed.start();
    let first = settled(&mov, &echo);
    echo.kill();
    assert!(echo.is_healthy(), "a killed process cannot remove its file");
    let echo = test_bed.start();
    echo.wait_output("that registration is kept", SOON);
    assert_eq!(settled(&mov, &echo), first);
    assert_eq!(mov.registrations().len(), 1, "it registered anew, and lost what was connected by hand");
    assert_content(&mov);
}

#[test]
fn a_process_of_another_version_registers_anew_and_then_ends_the_old_registration() {
    let test_bed = test_bed();
    let mov = Mov::start(&test_bed.vhost);
    test_bed.client.declare(REGISTERED);
    let register = json!({"type": "C1", "name": NAME, "version": "0.0.1",
        "asyncapi_yaml": include_str!("../asyncapi.yaml")});
    test_bed.client.publish("valawai/component/register", &Message::json(&register));
    let old = mov.wait_registered(NAME, SOON).id;
    let echo = test_bed.start();
    echo.wait_output("registered at the MOV as", SOON);
    let new = settled(&mov, &echo);
    assert_ne!(new, old);
    assert_content(&mov);
}

#[test]
fn a_registration_that_waited_from_an_earlier_run_is_kept() {
    let test_bed = test_bed();
    let mov = Mov::start(&test_bed.vhost);
    test_bed.client.declare(REGISTERED);
    // A process registered and died before its notice came.
    let asyncapi = include_str!("../asyncapi.yaml");
    let register = json!({"type": "C1", "name": NAME, "version": env!("CARGO_PKG_VERSION"), "asyncapi_yaml": asyncapi});
    test_bed.client.publish("valawai/component/register", &Message::json(&register));
    wait_until("the notice to wait", SOON, || test_bed.client.depth(REGISTERED) == 1);
    let left = mov.wait_registered(NAME, SOON).id;
    let echo = test_bed.start();
    assert_eq!(settled(&mov, &echo), left);
    assert_content(&mov);
}

#[test]
fn a_forged_notice_neither_replaces_nor_ends_a_registration() {
    let test_bed = test_bed();
    let mov = Mov::start(&test_bed.vhost);
    let echo = test_bed.start();
    let own = settled(&mov, &echo);
    let victim = json!({"type": "C0", "name": "c0_victim", "version": "1.0.0",
        "asyncapi_yaml": r#"{"channels": {}}"#});
    test_bed.client.publish("valawai/component/register", &Message::json(&victim));
    let victim = mov.wait_registered("c0_victim", SOON).id;
    let forged = json!({"id": victim, "name": NAME, "type": "C1", "version": "1.0.0"});
    test_bed.client.publish(REGISTERED, &Message::json(&forged));
    wait_until("the question whether it is true", SOON, || !mov.logs_with("/Found the page.*/").is_empty());
    wait_until("the notice to be settled", SOON, || test_bed.client.depth(REGISTERED) == 0);
    assert_eq!(settled(&mov, &echo), own);
    assert_eq!(echo.stop(SOON).code(), Some(0));
    mov.wait_until("only the victim to stay", SOON, |snapshot| snapshot.live.iter().map(|it| &it.id).eq([&victim]));
    assert_content(&mov);
}

#[test]
fn after_a_lost_connection_the_health_file_goes_and_comes_back() {
    let node = Node::start();
    let test_bed = TestBed::on(&node).env("REGISTER_TIMEOUT", 2);
    let mov = Mov::start(&test_bed.vhost);
    let echo = test_bed.start();
    settled(&mov, &echo);
    node.kill();
    echo.wait_unhealthy(SOON);
    assert!(echo.is_running());
    node.start_again();
    settled(&mov, &echo);
    let client = Client::connect(&test_bed.vhost);
    client.publish(HEARD, &Message::json(&json!({"content": "again"})));
    assert_eq!(client.expect(SAID, 1, SOON)[0].json(), json!({"content": "again"}));
    assert_eq!(echo.stop(SOON).code(), Some(0));
    mov.wait_until("it to be unregistered", SOON, |snapshot| snapshot.live.is_empty());
}

#[test]
fn a_memory_alarm_that_lasts_makes_it_unhealthy_until_it_ends() {
    let node = Node::start();
    // Slow enough to have something to say throughout: a broker tells only those who publish of its alarm.
    let test_bed = TestBed::on(&node).env("LOG_MOV_LEVEL", "ERROR").env("CHAOS_DELAY_BEFORE_HANDLER_SECONDS", 0.1);
    let mov = Mov::start(&test_bed.vhost);
    let echo = test_bed.start();
    let id = settled(&mov, &echo);
    test_bed.say_numbers(1_000);
    node.memory_alarm(true);
    echo.wait_output("the broker has taken no messages for 10s", SOON);
    echo.wait_unhealthy(SOON);
    node.memory_alarm(false);
    assert_eq!(settled(&mov, &echo), id, "it registered anew, though it was never gone");
}

#[test]
fn a_connection_that_was_lost_for_a_moment_keeps_its_registration() {
    let node = Node::shared();
    let test_bed = test_bed();
    let mov = Mov::start(&test_bed.vhost);
    let echo = test_bed.start();
    let first = settled(&mov, &echo);
    let of_component = |line: &&str| line.contains(&test_bed.vhost.name) && line.contains(NAME);
    let list = node.ctl(&["-q", "list_connections", "pid", "vhost", "client_properties"]);
    for line in list.lines().filter(of_component) {
        let pid = line.split_whitespace().next().expect("a connection's process");
        node.ctl(&["close_connection", pid, "by a test"]);
    }
    echo.wait_output("reconnecting", SOON);
    let again = settled(&mov, &echo);
    assert_eq!((first, mov.registrations().len()), (again, 1), "it registered anew, and lost what was wired by hand");
}

#[test]
fn stopped_before_the_notice_of_its_registration_came_it_leaves_none_behind() {
    let test_bed = test_bed();
    let mov = Mov::start(&test_bed.vhost);
    mov.process().signal(testkit::Signal::SIGSTOP);
    let echo = test_bed.start();
    echo.wait_output("registering at the MOV", SOON);
    echo.terminate();
    mov.process().signal(testkit::Signal::SIGCONT);
    assert_eq!(echo.wait_exit(SOON).code(), Some(0));
    mov.wait_until("the registration to come and go", SOON, |snapshot| {
        snapshot.registrations.len() == 1 && snapshot.live.is_empty()
    });
}

#[test]
fn whatever_it_hears_the_mov_is_not_poisoned() {
    let test_bed = test_bed().env("LOG_MOV_LEVEL", "DEBUG");
    let mov = Mov::start(&test_bed.vhost);
    let echo = test_bed.start();
    settled(&mov, &echo);
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
        test_bed.client.publish(HEARD, &Message::bare(body));
    }
    test_bed.client.publish(HEARD, &Message::json(&json!({"content": "the last"})));
    let is_last = |entry: &testkit::snapshot::LogEntry| entry.payload.as_deref() == Some(r#"{"content":"the last"}"#);
    wait_until("the log of the last one", SOON, || mov.logs_with("Sent Echoed message").iter().any(is_last));
    assert_content(&mov);
    assert!(mov.process().is_running() && Duration::ZERO < mov.process().age());
}
