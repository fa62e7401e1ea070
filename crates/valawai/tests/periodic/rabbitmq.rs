//! Periodic publishing on RabbitMQ.

use std::sync::Arc;

use serde_json::json;

use valawai::internals::asyncapi::sample;
use valawai::internals::broker::{Session, amqp};
use valawai::internals::process::App;
use valawai::internals::settings::Settings;
use valawai::internals::shutdown;
use valawai::{Component, Context};

use super::{EXISTS, IS_MISSING, OFTEN};
use testkit::wait::SOON;
use testkit::{Client, Node, log_capture, wait_until};

const HEARTBEAT: &str = "valawai/c1/real/data/heartbeat";

#[test]
fn a_missing_queue_is_reported_and_a_lost_connection_is_reopened() {
    log_capture::start();
    let (node, folder) = (Node::shared(), tempfile::tempdir().unwrap());
    let vhost = node.vhost();
    let client = Client::connect(&vhost);
    let heartbeat = |_: &Context| Ok(Some(json!({})));
    let contract = sample("c1/real", &["publish data/heartbeat"]);
    let component = Component::new("1.0.0", contract).every(OFTEN).publish("data/heartbeat", heartbeat);
    let url = format!(
        "amqp://{}:{}@{}:{}/{}",
        vhost.username,
        vhost.password,
        vhost.host,
        vhost.port,
        vhost.name.replace('/', "%2F")
    );
    let settings =
        Settings::read(&[("LOG_DIR", folder.path().to_str().unwrap()), ("RABBITMQ_URL", &url)]).expect("settings");
    let broker = settings.broker.clone();
    let connect = Arc::new(move |number| Ok(Box::new(amqp::connect(&broker, number)?) as Box<dyn Session>));
    let app = App::new(&component.check().unwrap(), &settings, connect);
    let (handle, shutdown) = shutdown::channel();
    let running = std::thread::spawn(move || app.run(&shutdown));
    let is_logged = |level, text| !log_capture::lines_containing(&[level, text, HEARTBEAT]).is_empty();

    wait_until("the warning", SOON, || is_logged("[WARN]", IS_MISSING));
    client.declare(HEARTBEAT);
    wait_until("heartbeats", SOON, || client.depth(HEARTBEAT) > 2);
    wait_until("the end of the warning", SOON, || is_logged("[INFO]", EXISTS));

    node.close_connections_of(&vhost);
    let client = Client::connect(&vhost);
    let before = client.depth(HEARTBEAT);
    wait_until("heartbeats in another session", SOON, || client.depth(HEARTBEAT) > before + 2);
    drop(handle);
    assert!(matches!(running.join(), Ok(Ok(()))), "the component did not stop in order");
}
