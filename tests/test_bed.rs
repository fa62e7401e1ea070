//! The echo component on a virtual host of its own, with a client that talks to it.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

pub(crate) use testkit::mov::LOG_QUEUE as MOV_LOG;
pub(crate) use testkit::wait::{LONG, SOON};
use testkit::{Client, Launch, Message, Mov, Node, Process, Received, Vhost};

pub(crate) const HEARD: &str = "valawai/c1/echo_example_with_rust_and_amiquip/data/received_message";
pub(crate) const SAID: &str = "valawai/c1/echo_example_with_rust_and_amiquip/data/publish_message";
pub(crate) const REGISTERED: &str = "valawai/c1/echo_example_with_rust_and_amiquip/control/registered";
pub(crate) const NAME: &str = "c1_echo_example_with_rust_and_amiquip";

pub(crate) struct TestBed {
    pub(crate) vhost: Vhost,
    pub(crate) client: Client,
    launch: Launch,
}

impl TestBed {
    /// A test_bed on `node`, with the queues that the MOV would make: somebody listens to the echo, and to the logs.
    pub(crate) fn on(node: &Node) -> Self {
        Self::at(node.vhost())
    }

    /// The same in a virtual host that the test has made.
    pub(crate) fn at(vhost: Vhost) -> Self {
        let test_bed = Self::without_listeners_at(vhost);
        test_bed.client.declare(SAID);
        test_bed.client.declare(MOV_LOG);
        test_bed
    }

    /// A test_bed where nobody listens to what the component says.
    pub(crate) fn without_listeners(node: &Node) -> Self {
        Self::without_listeners_at(node.vhost())
    }

    fn without_listeners_at(vhost: Vhost) -> Self {
        let client = Client::connect(&vhost);
        client.declare(HEARD);
        let launch = Launch::component(&vhost).env("RABBITMQ_RETRY_SLEEP", "0.2").env("RABBITMQ_HEARTBEAT", 5);
        Self { vhost, client, launch }
    }

    /// With another setting for the component.
    pub(crate) fn env(mut self, name: &str, value: impl ToString) -> Self {
        self.launch = self.launch.env(name, value);
        self
    }

    /// Starts the component, and waits until it hears its queue.
    pub(crate) fn start(&self) -> Process {
        let echo = self.launch.start();
        echo.wait_until("it to hear its queue", SOON, || self.client.consumers(HEARD) > 0);
        echo
    }

    /// How the component is started.
    pub(crate) fn launch(&self) -> &Launch {
        &self.launch
    }

    /// Says `content` to the component.
    pub(crate) fn say(&self, content: &str) {
        self.client.publish(HEARD, &Message::json(&json!({ "content": content })));
    }

    /// Says `count` numbered messages to the component.
    pub(crate) fn say_numbers(&self, count: u64) {
        self.client.publish_many(HEARD, count, numbered);
    }

    /// The next echo.
    pub(crate) fn echo(&self) -> Received {
        self.client.expect(SAID, 1, SOON).remove(0)
    }

    /// Says something, and sees it come back: the component works.
    pub(crate) fn assert_echoes(&self, content: &str) {
        self.say(content);
        let echo = self.echo();
        let came: String = echo.text().chars().take(200).collect();
        assert!(echo.json() == json!({ "content": content }), "{content:?} was said, and {came} came back");
    }

    /// The next entry of the MOV's log.
    pub(crate) fn log_entry(&self) -> Value {
        self.client.expect(MOV_LOG, 1, SOON).remove(0).json()
    }
}

/// Waits until the health file carries the one live registration that the MOV has of the component.
#[track_caller]
pub(crate) fn settled(mov: &Mov, echo: &Process) -> String {
    echo.wait_until("the health file to tell of the one live registration", SOON, || {
        let live = mov.live_of(NAME);
        let shown = fs::read_to_string(echo.health_file()).unwrap_or_default();
        (live.len() == 1 && shown.contains(&live[0].id)).then(|| live[0].id.clone())
    })
}

/// The message of number `number`: it carries it in its body and in its identifier.
pub(crate) fn numbered(number: u64) -> Message {
    Message::json(&json!({ "content": number.to_string() })).message_id(number.to_string())
}

/// How often each number came out, and whether each body and its identifier still belong together.
pub(crate) fn count_numbers(received: &[Received]) -> BTreeMap<u64, usize> {
    let mut counts = BTreeMap::new();
    for message in received {
        let body = message.json();
        let content = body["content"].as_str().expect("a content");
        assert_eq!(message.message_id(), Some(content), "an echo carries another message's identifier");
        *counts.entry(content.parse().expect("a number")).or_default() += 1;
    }
    counts
}

/// Asserts that each of the numbers below `count` came out, and returns how many came out more than once.
#[track_caller]
pub(crate) fn assert_all_came_out(counts: &BTreeMap<u64, usize>, count: u64) -> usize {
    let missing: Vec<u64> = (0..count).filter(|number| !counts.contains_key(number)).collect();
    assert!(missing.is_empty(), "{} of {count} messages were lost, the first is {}", missing.len(), missing[0]);
    counts.values().map(|times| times - 1).sum()
}
