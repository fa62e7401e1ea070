//! What operators ask and order.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The longest request that is read, in bytes.
pub const MAX_REQUEST: usize = 64 * 1024;

/// A question or an order of an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Request {
    /// Who is there?
    #[serde(rename = "valawai.service.v1.ping")]
    Ping {},
    /// What are you?
    #[serde(rename = "valawai.service.v1.info")]
    Info {},
    /// What have you done?
    #[serde(rename = "valawai.service.v1.stats")]
    Stats {},
    /// Consume a channel, or all data channels, no more.
    #[serde(rename = "valawai.service.v1.pause")]
    Pause {
        /// The short name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        channel: Option<String>,
        /// For how long; until it is resumed if this is missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seconds: Option<u64>,
    },
    /// Consume a channel, or all, again.
    #[serde(rename = "valawai.service.v1.resume")]
    Resume {
        /// The short name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        channel: Option<String>,
    },
    /// Change the level of the log.
    #[serde(rename = "valawai.service.v1.log_level")]
    LogLevel {
        /// The level, or `RESET` for the configured one.
        level: String,
        /// The module whose lines it is about; all if this is missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target: Option<String>,
        /// For how long; until it is changed if this is missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seconds: Option<u64>,
    },
    /// Read the configuration file and the key-value store now.
    #[serde(rename = "valawai.service.v1.reload")]
    Reload {},
    /// Change settings until the process ends.
    #[serde(rename = "valawai.service.v1.configure")]
    Configure {
        /// The values by the names or paths of the settings; null undoes an earlier change.
        settings: Map<String, Value>,
        /// The instance that has heard the change on `control/parameters`, and passes it on. Nobody is to answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<String>,
    },
    /// Stop, as after SIGTERM.
    #[serde(rename = "valawai.service.v1.stop")]
    Stop {},
    /// Send copies of what comes in and goes out, to where the answer goes.
    #[serde(rename = "valawai.service.v1.tap")]
    Tap {
        /// Whether of messages.
        messages: bool,
        /// Whether of log entries.
        logs: bool,
        /// For how long, unless the request is repeated. 0 ends it.
        seconds: u64,
    },
}

impl Request {
    /// The first word of the key that it is published with.
    #[must_use]
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Ping {} => "ping",
            Self::Info {} => "info",
            Self::Stats {} => "stats",
            Self::Tap { .. } => "tap",
            Self::Pause { .. }
            | Self::Resume { .. }
            | Self::LogLevel { .. }
            | Self::Reload {}
            | Self::Configure { .. }
            | Self::Stop {} => "control",
        }
    }
}

/// The verbs, with which the queue of a process is bound.
pub const VERBS: [&str; 5] = ["ping", "info", "stats", "control", "tap"];
