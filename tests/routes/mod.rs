//! Routes from configuration, from the outside: as a process, on real RabbitMQ nodes.

mod check;

use serde_json::{Value, json};

pub(crate) use crate::operating::objects;

/// The sample of the documentation, with the consumer on this broker.
fn sample(host: &str, port: u16) -> Value {
    json!({"queue_config": [
        {"name": "requests", "type": "consumer",
         "exchange": {"name": "managed", "type": "topic", "durable": true, "create": true, "arguments": {}},
         "queue": "requests_for_echo", "binding_key": "requested.#", "handler": "data/received_message",
         "host": host, "port": port.to_string(), "auth": {"user": "guest", "password": "guest"}},
        {"name": "done", "type": "producer", "exchange": {"name": "events", "type": "topic"},
         "binding_key": "echo.done", "of": ["reply"]},
        {"name": "error", "type": "producer", "exchange": {"name": "events"}, "binding_key": "echo.failed", "of": ["dead-letter"]},
        {"name": "store", "type": "producer", "queue": "store", "of": ["received", "reply", "retry", "dead-letter"]},
    ]})
}
