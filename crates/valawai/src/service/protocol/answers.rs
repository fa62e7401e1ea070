//! What processes answer.

use serde::{Deserialize, Serialize};

use crate::operations::stats::ChannelStats;

/// The answer of one process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The name of the component.
    pub component: String,
    /// Identifies the process.
    pub instance: String,
    /// The version of the component.
    pub version: String,
    /// What it says.
    #[serde(flatten)]
    pub content: Content,
}

/// What a process says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Content {
    /// It is there.
    #[serde(rename = "valawai.service.v1.pong")]
    Pong {},
    /// What it is.
    #[serde(rename = "valawai.service.v1.info_answer")]
    Info(Box<Info>),
    /// What it has done.
    #[serde(rename = "valawai.service.v1.stats_answer")]
    Stats(Box<Stats>),
    /// It has carried out the order.
    #[serde(rename = "valawai.service.v1.done")]
    Done {
        /// What has changed, for people.
        message: String,
    },
    /// It has not carried out the order.
    #[serde(rename = "valawai.service.v1.refused")]
    Refused {
        /// Why.
        reason: String,
    },
    /// A copy for a tap. It has no `correlation_id`.
    #[serde(rename = "valawai.service.v1.copy")]
    Copy(Box<Copied>),
    /// Copies that were dropped, because there were too many. It has no `correlation_id`.
    #[serde(rename = "valawai.service.v1.dropped")]
    Dropped {
        /// How many, since the last such message.
        copies: u64,
    },
}

/// What a process is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// C0, C1 or C2.
    pub level: String,
    /// All channels.
    pub channels: Vec<ChannelInfo>,
    /// The identifier of its registration at the MOV.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mov_id: Option<String>,
    /// When it started, in seconds since 1970.
    pub since: u64,
    /// The name of its host.
    pub host: String,
    /// Its process id on that host.
    pub pid: u32,
    /// The levels of its log, for people.
    pub log_levels: String,
    /// The settings that are not left to their defaults.
    pub settings: Vec<Setting>,
}

/// A channel of a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelInfo {
    /// The queue.
    pub name: String,
    /// `consumes` or `publishes`.
    pub direction: String,
}

/// A setting that is not left to its default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// The name of the variable.
    pub name: String,
    /// The value, masked if it may contain a password.
    pub value: String,
    /// Where it was found.
    pub origin: String,
}

/// What a process has done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stats {
    /// By channel.
    pub channels: Vec<ChannelStats>,
    /// Deliveries that are not acknowledged, about.
    pub in_flight: usize,
    /// How often the connection was opened again.
    pub reconnects: u64,
    /// Messages that were published to queues that do not exist.
    pub unroutable: u64,
    /// How many operators get copies of messages or log entries.
    #[serde(default)]
    pub observers: usize,
    /// Whether the broker accepts no messages for now.
    pub blocked: bool,
    /// Resident memory, in kB.
    pub memory_kb: u64,
    /// CPU time, in milliseconds.
    pub cpu_ms: u64,
    /// Seconds since the start.
    pub uptime_s: u64,
}

/// A copy of a message or of a log entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copied {
    /// `received`, `published` or `log`.
    pub what: String,
    /// The queue of a message, or the severity of a log entry.
    pub source: String,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// The identifier of the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// The body, if it is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The body in hexadecimal digits, if it is not text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hex: Option<String>,
}
