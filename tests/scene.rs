//! The examples of all levels as processes: the MOV connects them, and C2 disables a connection.

use serde_json::{Value, json};
use testkit::mov::Connection;
use testkit::{Client, Message, Mov, Node, Process, ProcessBuilder, Vhost};

use crate::test_bed::{LONG, SOON};

pub(crate) const READING: &str = "valawai/c0/thermometer/data/reading";
pub(crate) const REPORT: &str = "valawai/c1/word_count/data/report";
pub(crate) const COUNT: &str = "valawai/c1/word_count/data/count";
pub(crate) const VALUE: &str = "valawai/c2/treatment_values/data/value";

pub(crate) fn start(vhost: &Vhost, example: &str) -> Process {
    ProcessBuilder::example(example, vhost).env("RABBITMQ_RETRY_SLEEP", "0.2").env("RABBITMQ_HEARTBEAT", 5).start()
}

/// The connection from the thermometer to the word count.
pub(crate) fn connection(mov: &Mov) -> Option<Connection> {
    let is_it = |it: &Connection| it.source.channel_name == READING && it.target.channel_name == REPORT && !it.deleted;
    mov.connections().into_iter().find(is_it)
}

pub(crate) fn words_of(messages: &[Value]) -> Vec<u64> {
    messages.iter().filter_map(|count| count["total_words"].as_u64()).collect()
}

pub(crate) fn numbers(client: &Client, queue: &str) -> Vec<Value> {
    client.drain(queue).iter().map(testkit::Received::json).collect()
}

/// Starts the components in this order, and waits until C2 has disabled the connection.
fn play(order: [&str; 3]) {
    let vhost = Node::shared().vhost();
    let client = Client::connect(&vhost);
    client.declare(COUNT);
    client.declare(VALUE);
    let mov = Mov::start(&vhost);
    let mut processes = Vec::new();
    for example in order {
        let process = start(&vhost, example);
        process.wait_healthy();
        processes.push(process);
    }
    mov.wait_until("C2 to disable the connection", LONG, |_| {
        connection(&mov).is_some_and(|it| !it.enabled && it.notifications.len() == 1)
    });
    let values = numbers(&client, VALUE);
    let alignments: Vec<f64> = values.iter().filter_map(|value| value["alignment"].as_f64()).collect();
    assert!(alignments.last().is_some_and(|alignment| *alignment < -0.5), "{order:?}: {alignments:?}");
    let totals = words_of(&numbers(&client, COUNT));
    assert!(!totals.is_empty() && totals.is_sorted(), "{order:?}: the words were not counted: {totals:?}");
    for process in processes {
        assert_eq!(process.stop(SOON).code(), Some(0));
    }
    mov.wait_until("all components to be unregistered", SOON, |snapshot| snapshot.live.is_empty());
}

#[test]
fn a_c2_component_that_came_first_values_and_disables() {
    play(["c2_treatment_values", "c1_word_count", "c0_thermometer"]);
}

#[test]
fn a_c2_component_that_came_late_enables_its_notifications() {
    play(["c0_thermometer", "c1_word_count", "c2_treatment_values"]);
}

#[test]
fn a_c2_component_that_crashed_early_enables_its_notifications_when_it_is_back() {
    const NAME: &str = "c2_treatment_values";
    let vhost = Node::shared().vhost();
    let client = Client::connect(&vhost);
    let mov = Mov::start(&vhost);
    let _others = ["c0_thermometer", "c1_word_count"].map(|example| {
        let process = start(&vhost, example);
        process.wait_healthy();
        process
    });
    let c2 = start(&vhost, NAME);
    let registration = mov.wait_registered(NAME, SOON);
    c2.kill();
    let what_is_observed = |what: &str, enabled: bool| {
        mov.wait_until(what, SOON, |_| {
            connection(&mov).filter(|it| it.notifications.first().is_some_and(|it| it.enabled == enabled))
        })
    };
    mov.wait_until("the notification", SOON, |_| connection(&mov).is_some_and(|it| it.notifications.len() == 1));
    let observed = connection(&mov).expect("a connection");
    let target = &observed.notifications[0].target;
    // As the MOV stored it, in case that the process was not killed fast enough.
    let target = json!({ "component_id": target.component_id, "channel_name": target.channel_name });
    let disable = json!({ "action": "DISABLE", "connection_id": observed.id, "target": target });
    client.publish("valawai/topology/notification/change", &Message::json(&disable));
    what_is_observed("the notification to be disabled", false);
    let _c2 = start(&vhost, NAME);
    what_is_observed("the notification to be enabled", true);
    assert_eq!(mov.wait_registered(NAME, SOON).id, registration.id, "it registered again");
}
