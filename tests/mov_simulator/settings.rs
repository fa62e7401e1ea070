//! Where the broker is and where to answer HTTP, from the environment.

use std::env;
use std::str::FromStr;
use std::time::Duration;

#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) username: String,
    pub(crate) password: String,
    pub(crate) vhost: String,
    pub(crate) http_address: String,
    /// 0 takes any free one.
    pub(crate) http_port: u16,
    /// How long the MOV consumes already before it finishes everybody and opens its HTTP port.
    pub(crate) start_up: Duration,
    /// Between two attempts to consume the MOV's own queues again; the real one takes 10 s.
    pub(crate) reconnect_pause: Duration,
    /// How long a broker may be away before the shared client gives up for ever.
    pub(crate) give_up_after: Duration,
    /// Whether queries are answered; a page that is not sent looks to a component like one that another component took.
    pub(crate) answers_queries: bool,
}

impl Settings {
    /// Reads them; a number that is none ends the program with a word about it.
    pub(crate) fn read() -> Result<Self, String> {
        Ok(Self {
            host: text("RABBITMQ_HOST", "mov-mq"),
            port: number("RABBITMQ_PORT", 5672)?,
            username: text("RABBITMQ_USERNAME", "mov"),
            password: text("RABBITMQ_PASSWORD", "password"),
            vhost: text("RABBITMQ_VHOST", "/"),
            http_address: text("HTTP_ADDRESS", "127.0.0.1"),
            http_port: number("HTTP_PORT", 8080)?,
            start_up: Duration::from_millis(number("START_UP_MS", 200)?),
            reconnect_pause: Duration::from_millis(number("RECONNECT_MS", 300)?),
            give_up_after: Duration::from_millis(number("GIVE_UP_AFTER_MS", 108_000)?),
            answers_queries: flag("ANSWER_QUERIES", true)?,
        })
    }
}

fn text(name: &str, default: &str) -> String {
    env::var(name).unwrap_or_else(|_| default.to_owned())
}

fn number<T: FromStr>(name: &str, default: T) -> Result<T, String> {
    match env::var(name) {
        Ok(value) => value.parse().map_err(|_| format!("{name} is {value:?}, but must be a number")),
        Err(_) => Ok(default),
    }
}

fn flag(name: &str, default: bool) -> Result<bool, String> {
    match env::var(name) {
        Ok(value) => value.parse().map_err(|_| format!("{name} is {value:?}, but must be true or false")),
        Err(_) => Ok(default),
    }
}
