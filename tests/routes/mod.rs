//! Routes from configuration, from the outside: as a process, on real RabbitMQ nodes.

mod brokers;
mod check;
mod consumers;
mod delayed;
mod hostile;
mod producers;

use serde_json::{Value, json};
use testkit::{Node, Vhost};

pub(crate) use crate::operating::objects;
use crate::test_bed::TestBed;

/// The exchange and the queue of the sample's consumer.
const EXCHANGE: &str = "managed";
const QUEUE: &str = "requests_for_echo";

/// Its queues for dead letters and for retries.
const ROUTE_DEAD_LETTERS: &str = "valawai/c1/echo_example_with_rust_and_amiquip/dead_letter/route/requests";
const ROUTE_RETRIES: &str = "valawai/c1/echo_example_with_rust_and_amiquip/retry/route/requests";

/// The sample of the documentation.
fn sample(host: &str, port: u16) -> Value {
    json!({"queue_config": [
        {"name": "requests", "type": "consumer",
         "exchange": {"name": "managed", "type": "topic", "durable": true, "create": true, "arguments": {}},
         "queue": "requests_for_echo", "binding_key": "requested.#", "handler": "data/received_message",
         "host": host, "port": port.to_string(), "auth": {"user": "mov", "password": "hunter2"}},
        {"name": "done", "type": "producer", "exchange": {"name": "events", "type": "topic"},
         "binding_key": "echo.done", "of": ["reply"]},
        {"name": "error", "type": "producer", "exchange": {"name": "events"}, "binding_key": "echo.failed", "of": ["dead-letter"]},
        {"name": "store", "type": "producer", "queue": "store", "of": ["received", "reply", "retry", "dead-letter"]},
    ]})
}

/// The sample with the consumer on this broker.
fn sample_on(vhost: &Vhost) -> Value {
    let mut sample = sample(&vhost.host, vhost.port);
    sample["queue_config"][0]["auth"]["password"] = json!(vhost.password);
    sample["queue_config"][0]["vhost"] = json!(vhost.name);
    sample
}

/// A test bed on the shared node with these routes.
fn test_bed(routes: &Value) -> TestBed {
    with_routes(TestBed::on(Node::shared()), routes)
}

fn with_routes(test_bed: TestBed, routes: &Value) -> TestBed {
    test_bed.env("QUEUE_CONFIG", routes).env("LOG_MOV_LEVEL", "ERROR")
}

/// A producer to a queue of its own name.
fn queue_producer(name: &str, of: &[&str]) -> Value {
    json!({"name": name, "type": "producer", "queue": name, "of": of})
}
