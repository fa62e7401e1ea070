//! `mov`: what the MOV knows and connects, by its REST interface and by its queues.

mod changes;

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Finished, Message, Mov, Node, ProcessBuilder, Signal, Vhost};

use super::{assert_no_control_characters, objects};
use crate::test_bed::{INPUT, LONG, NAME, OUTPUT, SOON, TestBed};

const PAGE: &str = "valawai/component/page";
const UNKNOWN: &str = "65a0b1c2d3e4f5061728394a";

/// A vhost with a simulator of the MOV and two registered components: the echo, and a C0 that it may be connected with.
struct Platform {
    test_bed: TestBed,
    mov: Mov,
}

impl Platform {
    fn start() -> Self {
        let test_bed = TestBed::on(Node::shared());
        let mov = Mov::start(&test_bed.vhost);
        let platform = Self { test_bed, mov };
        platform.register("C1", NAME, include_str!("../../../asyncapi.yaml"));
        platform.register("C0", "c0_ears", &contract("c0/ears/data/heard", "publish", "content: { type: string }"));
        platform
    }

    fn register(&self, level: &str, name: &str, contract: &str) {
        let body = json!({"type": level, "name": name, "version": "1.0.0", "asyncapi_yaml": contract});
        self.test_bed.client.publish("valawai/component/register", &Message::json(&body));
        self.mov.wait_registered(name, SOON);
    }

    fn program(&self, by_rest: bool, arguments: &str) -> ProcessBuilder {
        let program =
            arguments.split(' ').fold(ProcessBuilder::operator(&self.test_bed.vhost).arg("mov"), ProcessBuilder::arg);
        if by_rest { program.env("MOV_URL", self.mov.url()) } else { program }
    }

    #[track_caller]
    fn run(&self, by_rest: bool, arguments: &str, code: i32) -> Finished {
        let finished = self.program(by_rest, arguments).run(LONG);
        assert_eq!(finished.code, Some(code), "`mov {arguments}`, by REST: {by_rest}: {finished:?}");
        assert_no_control_characters(&finished.stdout);
        assert_no_control_characters(&finished.stderr);
        finished
    }

    #[track_caller]
    fn json(&self, by_rest: bool, arguments: &str) -> Vec<Value> {
        objects(&self.run(by_rest, &format!("{arguments} --json"), 0).stdout)
    }

    /// The connection from the C0 to the echo, which the MOV makes by itself.
    fn connection(&self) -> testkit::mov::Connection {
        let is_it = |it: &&testkit::mov::Connection| it.source.channel_name.contains("/ears/") && !it.deleted;
        self.mov.wait_until("the connection", SOON, |mov| mov.connections.iter().find(is_it).cloned())
    }
}

/// The contract of a component with one channel.
fn contract(channel: &str, direction: &str, fields: &str) -> String {
    format!(
        "channels: {{ valawai/{channel}: {{ {direction}: {{ message: {{ payload: {{ properties: {{ {fields} }} }} }} }} }} }}"
    )
}

#[test]
fn components_and_connections_are_listed() {
    let platform = Platform::start();
    let connection = platform.connection();
    for by_rest in [true, false] {
        let components = platform.json(by_rest, "components");
        let names: Vec<&str> = components.iter().filter_map(|it| it["name"].as_str()).collect();
        assert_eq!(names, [NAME, "c0_ears"], "by REST: {by_rest}");
        assert_eq!(platform.json(by_rest, "components --pattern c0_ears")[0]["type"], "C0");
        assert_eq!(platform.json(by_rest, "components --pattern /^nobody/"), [Value::Null; 0]);
        let found = platform.json(by_rest, "connections --pattern valawai/c0/ears/data/heard");
        assert_eq!((found.len(), &found[0]["id"], &found[0]["enabled"]), (1, &json!(connection.id), &json!(true)));
        assert_eq!(found[0]["target"]["channel"], INPUT);
        let people = platform.run(by_rest, "connections", 0).stdout;
        assert!(people.contains(&connection.id) && people.contains("enabled"), "{people}");
    }
}

#[test]
fn the_log_is_printed_with_the_newest_entry_last() {
    let platform = Platform::start();
    for number in 1..=3 {
        let entry =
            json!({"level": "ERROR", "message": format!("entry {number}\u{1b}[2J"), "payload": "{\n \"a\": 1}"});
        platform.test_bed.client.publish("valawai/log/add", &Message::json(&entry));
    }
    platform
        .mov
        .wait_until("the entries", SOON, |mov| mov.logs >= 3 && platform.mov.logs_with("/entry 3.*/").len() == 1);
    let entries = platform.json(true, "logs --level error -n 2");
    let messages: Vec<&Value> = entries.iter().map(|entry| &entry["message"]).collect();
    assert_eq!(messages, ["entry 2\u{1b}[2J", "entry 3\u{1b}[2J"]);
    let people = platform.run(true, "logs --pattern /entry.*/", 0).stdout;
    assert!(people.contains("ERROR") && people.contains(r#"{ "a": 1}"#), "{people}");
    assert!(platform.run(false, "logs", 78).stderr.contains("MOV_URL is not set"));
}

#[test]
fn pages_of_others_stay_in_their_queue() {
    let platform = Platform::start();
    platform.test_bed.client.declare(PAGE);
    let others = ["registrations-of-c1_other-1", "operator-1-abc", &format!("operator-{}-abc", u64::MAX / 2)];
    for query in others {
        platform.test_bed.client.publish(PAGE, &Message::json(&json!({"query_id": query, "total": 0})));
    }
    platform.test_bed.client.publish(PAGE, &Message::bare("no JSON"));
    assert_eq!(platform.json(false, "components").len(), 2);
    let left: Vec<String> = platform.test_bed.client.drain(PAGE).iter().map(testkit::Received::text).collect();
    // The answer to a command of long ago is nobody's.
    assert!(left.len() == 3 && !left.iter().any(|page| page.contains("operator-1-abc")), "{left:?}");
}

#[test]
fn what_is_no_identifier_or_does_not_exist_is_said_and_nothing_is_sent() {
    let platform = Platform::start();
    for id in ["5", "65a0b1c2d3e4f5061728394g", "65a0b1c2d3e4f5061728394a0"] {
        for action in ["enable", "disable", "remove", "notify"] {
            let finished = platform.run(true, &format!("{action} {id}"), 64);
            assert!(finished.stderr.contains("24 hexadecimal digits"), "{finished:?}");
        }
    }
    platform.run(true, &format!("connect 5:{OUTPUT} {INPUT}"), 64);
    platform.run(true, &format!("connect nonsense {INPUT}"), 64);
    platform.run(true, &format!("connect {OUTPUT} {INPUT} --converter /no/such/file"), 64);
    for by_rest in [true, false] {
        assert!(platform.run(by_rest, &format!("enable {UNKNOWN}"), 1).stderr.contains("no connection"));
    }
    assert_eq!((platform.mov.refusals(), platform.mov.poisoned()), (vec![], vec![]), "the MOV got something invalid");
}

/// A command for a MOV that is not there as it should be.
#[track_caller]
fn run_against(vhost: &Vhost, url: Option<&str>, code: i32) -> Finished {
    let program =
        ["mov", "components", "--timeout", "2s"].iter().fold(ProcessBuilder::operator(vhost), ProcessBuilder::arg);
    let finished = url.iter().fold(program, |program, url| program.env("MOV_URL", url)).run(SOON);
    assert_eq!(finished.code, Some(code), "{finished:?}");
    finished
}

#[test]
fn a_mov_that_is_down_or_frozen_is_said() {
    let test_bed = TestBed::on(Node::shared());
    let finished = run_against(&test_bed.vhost, None, 1);
    assert!(finished.stderr.contains("the MOV never ran on this broker"), "{finished:?}");
    assert_eq!(test_bed.client.queue_info("valawai/component/query"), None, "its queue was created");
    test_bed.client.declare("valawai/component/query");
    assert!(run_against(&test_bed.vhost, None, 1).stderr.contains("the MOV is down"));
    let mov = Mov::start(&test_bed.vhost);
    mov.process().signal(Signal::SIGSTOP);
    for url in [None, Some(mov.url())] {
        let finished = run_against(&test_bed.vhost, url, 75);
        assert!(finished.after < Duration::from_secs(10), "it took {:?}", finished.after);
    }
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    run_against(&test_bed.vhost, Some(&format!("http://{}", silent.local_addr().unwrap())), 75);
    mov.process().signal(Signal::SIGCONT);
}

#[test]
fn ctrl_c_while_the_mov_does_not_answer_ends_it() {
    let platform = Platform::start();
    platform.mov.process().signal(Signal::SIGSTOP);
    let process = platform.program(false, "components --timeout 60s").start();
    testkit::wait_until("the query", SOON, || {
        // It is delivered to the frozen MOV, so that only the queue of answers tells.
        platform.test_bed.client.queue_info(PAGE).is_some()
    });
    process.signal(Signal::SIGINT);
    assert_eq!(process.wait_exit(SOON).code(), Some(130), "{}", process.output());
    platform.mov.process().signal(Signal::SIGCONT);
}
