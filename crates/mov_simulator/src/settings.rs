//! The settings, from environment variables.

use std::env;
use std::str::FromStr;
use std::time::Duration;

#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) username: String,
    pub(crate) password: String,
    pub(crate) vhost: String,
    pub(crate) http_address: String,
    /// 0 selects a free port.
    pub(crate) http_port: u16,
    /// How long the MOV consumes before it finishes early registrations and opens its HTTP port.
    pub(crate) start_up: Duration,
    /// The pause between two attempts to consume the MOV's own queues again; 10 s in the real MOV.
    pub(crate) reconnect_pause: Duration,
    /// How long an outage of the broker may last before the shared client gives up permanently.
    pub(crate) give_up_after: Duration,
    /// Determines how forwarded messages are reordered; 0 keeps their order.
    pub(crate) shuffle_seed: u64,
    /// Whether pages are sent. To a component, a page that is not sent looks like one that another component consumed.
    pub(crate) answers_queries: bool,
}

impl Settings {
    /// Reads the environment. The error names the variable, its value and what is expected.
    pub(crate) fn from_env() -> Result<Self, String> {
        Ok(Self {
            host: text("RABBITMQ_HOST", "mov-mq"),
            port: parsed("RABBITMQ_PORT", 5672, "a number")?,
            username: text("RABBITMQ_USERNAME", "mov"),
            password: text("RABBITMQ_PASSWORD", "password"),
            vhost: text("RABBITMQ_VHOST", "/"),
            http_address: text("HTTP_ADDRESS", "127.0.0.1"),
            http_port: parsed("HTTP_PORT", 8080, "a number")?,
            start_up: milliseconds("START_UP_MS", 200)?,
            reconnect_pause: milliseconds("RECONNECT_MS", 300)?,
            give_up_after: milliseconds("GIVE_UP_AFTER_MS", 108_000)?,
            shuffle_seed: parsed("SHUFFLE_SEED", 1, "a number")?,
            answers_queries: parsed("ANSWER_QUERIES", true, "true or false")?,
        })
    }
}

fn text(name: &str, default: &str) -> String {
    env::var(name).unwrap_or_else(|_| default.to_owned())
}

fn milliseconds(name: &str, default: u64) -> Result<Duration, String> {
    parsed(name, default, "a number").map(Duration::from_millis)
}

fn parsed<T: FromStr>(name: &str, default: T, expected: &str) -> Result<T, String> {
    match env::var(name) {
        Ok(value) => value.parse().map_err(|_| format!("{name} is {value:?}, but must be {expected}")),
        Err(_) => Ok(default),
    }
}
