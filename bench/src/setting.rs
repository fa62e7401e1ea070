//! What a contestant is told. It reads the component's own variables, so all are started in the same way.

use std::env;

use crate::wire::Address;

/// The queue that is heard.
pub const HEARD: &str = "valawai/c1/echo_example_with_rust_and_amiquip/data/received_message";

/// The queue that the answers go to.
pub const SAID: &str = "valawai/c1/echo_example_with_rust_and_amiquip/data/publish_message";

/// The MOV's log.
pub const LOG: &str = "valawai/log/add";

/// What a contestant is told.
#[derive(Debug)]
pub struct Setting {
    /// The broker.
    pub address: Address,
    /// Messages in hand.
    pub prefetch: u16,
    /// Whether two messages are logged for each echo.
    pub logs: bool,
}

impl Setting {
    /// Reads it.
    #[must_use]
    pub fn from_environment() -> Self {
        let get = |name, default: &str| env::var(name).unwrap_or_else(|_| default.to_owned());
        Self {
            address: Address {
                host: get("RABBITMQ_HOST", "127.0.0.1"),
                port: get("RABBITMQ_PORT", "5672").parse().expect("RABBITMQ_PORT is a port"),
                username: get("RABBITMQ_USERNAME", "mov"),
                password: get("RABBITMQ_PASSWORD", "password"),
                vhost: get("RABBITMQ_VHOST", "/"),
            },
            prefetch: get("RABBITMQ_PREFETCH", "1024").parse().expect("RABBITMQ_PREFETCH is a number"),
            logs: get("LOG_MOV_LEVEL", "INFO") == "INFO",
        }
    }
}
