//! Periodic publishing on RabbitMQ.

use serde_json::json;

use valawai::internals::asyncapi::sample;
use valawai::{Component, Context};

use super::{EXISTS, IS_MISSING, OFTEN};
use crate::running_app::RunningApp;
use testkit::wait::SOON;
use testkit::{Client, Node, log_capture, wait_until};

const HEARTBEAT: &str = "valawai/c1/real/data/heartbeat";

#[test]
fn a_missing_queue_is_reported_and_a_lost_connection_is_reopened() {
    let node = Node::shared();
    let vhost = node.vhost();
    let client = Client::connect(&vhost);
    let heartbeat = |_: &Context| Ok(Some(json!({})));
    let contract = sample("c1/real", &["publish data/heartbeat"]);
    let component = Component::new("1.0.0", contract).every(OFTEN).publish("data/heartbeat", heartbeat);
    let _running = RunningApp::on_rabbitmq(&component, &vhost, &[]);
    let is_logged = |level, text| !log_capture::lines_containing(&[level, text, HEARTBEAT]).is_empty();

    wait_until("the warning", SOON, || is_logged("[WARN]", IS_MISSING));
    client.declare(HEARTBEAT);
    wait_until("heartbeats", SOON, || client.depth(HEARTBEAT) > 2);
    wait_until("the end of the warning", SOON, || is_logged("[INFO]", EXISTS));

    node.close_connections_of(&vhost);
    let client = Client::connect(&vhost);
    let before = client.depth(HEARTBEAT);
    wait_until("heartbeats in another session", SOON, || client.depth(HEARTBEAT) > before + 2);
}
