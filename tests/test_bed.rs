//! The echo component on a virtual host of its own, with a client for its input and output.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};
use testkit::{Client, Message, Mov, Node, Process, ProcessBuilder, Received, Vhost, poll};

pub(crate) use testkit::mov::LOG_QUEUE as MOV_LOG;
pub(crate) use testkit::wait::{LONG, SOON};

pub(crate) const INPUT: &str = "valawai/c1/echo_example_with_rust_and_amiquip/data/received_message";
pub(crate) const OUTPUT: &str = "valawai/c1/echo_example_with_rust_and_amiquip/data/publish_message";
pub(crate) const REGISTERED: &str = "valawai/c1/echo_example_with_rust_and_amiquip/control/registered";
pub(crate) const DEAD_LETTERS: &str = "valawai/c1/echo_example_with_rust_and_amiquip/dead_letter/data/received_message";
pub(crate) const NAME: &str = "c1_echo_example_with_rust_and_amiquip";

pub(crate) struct TestBed {
    pub(crate) vhost: Vhost,
    pub(crate) client: Client,
    builder: ProcessBuilder,
}

impl TestBed {
    /// A test bed on `node`, with the queues that a connected consumer and the MOV would declare: the output and the log.
    pub(crate) fn on(node: &Node) -> Self {
        Self::in_vhost(node.vhost())
    }

    /// The same in a given virtual host.
    pub(crate) fn in_vhost(vhost: Vhost) -> Self {
        let test_bed = Self::without_output_queue(vhost);
        test_bed.client.declare(OUTPUT);
        test_bed.client.declare(MOV_LOG);
        test_bed
    }

    /// A test bed with neither the output queue nor the log queue.
    pub(crate) fn without_output_queue(vhost: Vhost) -> Self {
        let client = Client::connect(&vhost);
        client.declare(INPUT);
        let builder = ProcessBuilder::component(&vhost).env("RABBITMQ_RETRY_SLEEP", "0.2").env("RABBITMQ_HEARTBEAT", 5);
        Self { vhost, client, builder }
    }

    /// Sets a variable of the component.
    pub(crate) fn env(mut self, name: &str, value: impl ToString) -> Self {
        self.builder = self.builder.env(name, value);
        self
    }

    /// Has the component use TLS.
    pub(crate) fn with_tls(mut self) -> Self {
        self.builder = self.builder.tls(&self.vhost);
        self
    }

    /// Keeps only errors and warnings in the logs: the logs of tens of thousands of messages would take longer than echoing.
    pub(crate) fn with_quiet_logs(self) -> Self {
        self.env("LOG_MOV_LEVEL", "ERROR").env("LOG_FILE_LEVEL", "ERROR").env("LOG_CONSOLE_LEVEL", "WARN")
    }

    /// Starts the component, and waits until it consumes its input.
    pub(crate) fn start(&self) -> Process {
        let component = self.builder.start();
        component.wait_until("it to consume its input", SOON, || self.client.consumers(INPUT) > 0);
        component
    }

    /// Starts the component with `count` numbered messages in its input, and waits until it has echoed some of them.
    pub(crate) fn start_under_load(&self, count: u64) -> Process {
        self.publish_numbered(count);
        let component = self.start();
        component.wait_until("the first replies", SOON, || self.client.depth(OUTPUT) > 100);
        component
    }

    /// How the component is started.
    pub(crate) fn builder(&self) -> &ProcessBuilder {
        &self.builder
    }

    /// Publishes a message with this content to the component.
    pub(crate) fn publish(&self, content: &str) {
        self.client.publish(INPUT, &Message::json(&json!({ "content": content })));
    }

    /// Publishes `count` numbered messages to the component.
    pub(crate) fn publish_numbered(&self, count: u64) {
        self.client.publish_many(INPUT, count, numbered_message);
    }

    /// Receives the next reply.
    pub(crate) fn next_reply(&self) -> Received {
        self.client.receive(OUTPUT, 1, SOON).remove(0)
    }

    /// Publishes a message and asserts that the next reply has its content.
    #[track_caller]
    pub(crate) fn assert_echoes(&self, content: &str) {
        self.publish(content);
        let reply = self.next_reply();
        let start: String = reply.text().chars().take(200).collect();
        assert!(reply.json() == json!({ "content": content }), "the reply to {content:?} is {start}");
    }

    /// Receives the next entry of the MOV's log.
    pub(crate) fn log_entry(&self) -> Value {
        self.client.receive(MOV_LOG, 1, SOON).remove(0).json()
    }

    /// Waits until there are `count` dead letters.
    #[track_caller]
    pub(crate) fn wait_dead_letters(&self, count: u32, component: &Process) {
        component.wait_until(&format!("{count} dead letters"), LONG, || {
            self.client.queue_info(DEAD_LETTERS).is_some_and(|info| info.messages >= count)
        });
    }
}

/// Waits until the component has one live registration and its id is in the health file. Returns the id.
#[track_caller]
pub(crate) fn wait_registered(mov: &Mov, component: &Process) -> String {
    component.wait_until("the health file to have the id of the one live registration", SOON, || {
        let live = mov.live_of(NAME);
        let health_file = fs::read_to_string(component.health_file()).unwrap_or_default();
        (live.len() == 1 && health_file.contains(&live[0].id)).then(|| live[0].id.clone())
    })
}

/// The payload of a registration of the component with the version `version`.
pub(crate) fn registration(version: &str) -> Value {
    json!({"type": "C1", "name": NAME, "version": version, "asyncapi_yaml": include_str!("../asyncapi.yaml")})
}

/// A message whose content and message id are `number`.
pub(crate) fn numbered_message(number: u64) -> Message {
    Message::json(&json!({ "content": number.to_string() })).message_id(number.to_string())
}

/// How often each number was received. Asserts that the message id of each reply is its content.
#[track_caller]
pub(crate) fn count_by_number(received: &[Received]) -> BTreeMap<u64, usize> {
    let mut counts = BTreeMap::new();
    for message in received {
        let body = message.json();
        let content = body["content"].as_str().expect("a content");
        assert_eq!(message.message_id(), Some(content), "a reply has the message id of another message");
        *counts.entry(content.parse().expect("a number")).or_default() += 1;
    }
    counts
}

/// Receives replies until each number below `count` has arrived, and returns the number of duplicates so far. To count messages
/// would not do: with duplicates among them, the last ones may still be in flight.
#[track_caller]
pub(crate) fn receive_all_numbers(client: &Client, count: u64) -> usize {
    let mut counts = BTreeMap::new();
    poll(LONG, || {
        for (number, times) in count_by_number(&client.drain(OUTPUT)) {
            *counts.entry(number).or_default() += times;
        }
        (0..count).all(|number| counts.contains_key(&number))
    });
    assert_none_lost(&counts, count)
}

/// Asserts that each number below `count` was received, and returns the number of duplicates.
#[track_caller]
pub(crate) fn assert_none_lost(counts: &BTreeMap<u64, usize>, count: u64) -> usize {
    let lost: Vec<u64> = (0..count).filter(|number| !counts.contains_key(number)).collect();
    assert!(lost.is_empty(), "{} of {count} messages were lost, the first is number {}", lost.len(), lost[0]);
    counts.values().map(|times| times - 1).sum()
}
