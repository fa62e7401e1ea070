//! The configuration of a contestant: a subset of the component's own environment variables, so that all contestants are
//! started alike.

use std::env;

use crate::wire::Address;

/// The queue that contestants consume.
pub const INPUT_QUEUE: &str = "valawai/c1/echo_example_with_rust_and_amiquip/data/received_message";

/// The queue that contestants publish echoes to.
pub const OUTPUT_QUEUE: &str = "valawai/c1/echo_example_with_rust_and_amiquip/data/publish_message";

/// The queue of the MOV's log.
pub const LOG_QUEUE: &str = "valawai/log/add";

/// How many messages a source publishes, after one that shows that it is connected.
pub const SOURCE_COUNT: u64 = 60_000;

/// The bytes of the body of each.
pub const SOURCE_BODY_SIZE: usize = 100;

/// A source prints this and the seconds that it took.
pub const SOURCE_FINISHED: &str = "published in ";

/// The configuration of a contestant.
#[derive(Debug)]
pub struct Config {
    /// The broker.
    pub address: Address,
    /// Deliveries that the broker may send ahead.
    pub prefetch: u16,
    /// Whether to publish two log messages for each echo.
    pub logs: bool,
}

impl Config {
    /// Reads the environment. Variables that are not set have the component's defaults.
    #[must_use]
    pub fn from_env() -> Self {
        let get = |name, default: &str| env::var(name).unwrap_or_else(|_| default.to_owned());
        Self {
            address: Address {
                host: get("RABBITMQ_HOST", "127.0.0.1"),
                port: get("RABBITMQ_PORT", "5672").parse().expect("RABBITMQ_PORT must be a port number"),
                username: get("RABBITMQ_USERNAME", "mov"),
                password: get("RABBITMQ_PASSWORD", "password"),
                vhost: get("RABBITMQ_VHOST", "/"),
            },
            prefetch: get("RABBITMQ_PREFETCH", "1024").parse().expect("RABBITMQ_PREFETCH must be a 16-bit number"),
            logs: get("LOG_MOV_LEVEL", "INFO") == "INFO",
        }
    }
}
