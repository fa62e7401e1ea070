//! All settings: their names and defaults, and when a change takes effect.

use std::collections::BTreeSet;

/// When a change of a setting takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// For the next message.
    AtOnce,
    /// Once the consumers that it concerns have finished what is in flight and have started again.
    RestartsConsumers,
    /// Once the component has finished what is in flight, and is registered on the other broker.
    Reconnects,
    /// When the process starts.
    AtStart,
    /// When the process starts; it cannot be set in a key-value store, because it is needed before the store is asked, or by
    /// `health`, which asks no store.
    BeforeTheStore,
}

impl Effect {
    /// The effect, for people.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::AtOnce => "at once",
            Self::RestartsConsumers => "restarts consumers",
            Self::Reconnects => "reconnects",
            Self::AtStart => "at the start",
            Self::BeforeTheStore => "at the start, not from a store",
        }
    }
}

/// A setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The name of the variable.
    pub name: &'static str,
    /// What it is if it is not set; nothing stands for off.
    pub default: &'static str,
    /// When a change takes effect.
    pub effect: Effect,
}

const fn row(name: &'static str, default: &'static str, effect: Effect) -> Row {
    Row { name, default, effect }
}

use Effect::{AtOnce, AtStart, BeforeTheStore, Reconnects, RestartsConsumers};

/// All settings, in the order of docs/configuration.md.
pub const SETTINGS: &[Row] = &[
    row("RABBITMQ_URL", "", Reconnects),
    row("RABBITMQ_HOST", "mov-mq", Reconnects),
    row("RABBITMQ_PORT", "5672", Reconnects),
    row("RABBITMQ_USERNAME", "mov", Reconnects),
    row("RABBITMQ_PASSWORD", "password", Reconnects),
    row("RABBITMQ_VHOST", "/", Reconnects),
    row("RABBITMQ_HEARTBEAT", "10", Reconnects),
    row("RABBITMQ_TLS", "0", Reconnects),
    row("RABBITMQ_CA_FILE", "", Reconnects),
    row("RABBITMQ_CERT_FILE", "", Reconnects),
    row("RABBITMQ_KEY_FILE", "", Reconnects),
    row("RABBITMQ_AUTH", "password", Reconnects),
    row("RABBITMQ_MAX_RETRIES", "100", AtStart),
    row("RABBITMQ_RETRY_SLEEP", "3", AtStart),
    row("RABBITMQ_PREFETCH", "1024", RestartsConsumers),
    row("WORKERS", "1", RestartsConsumers),
    row("MAX_RETRIES", "5", AtOnce),
    row("RETRY_TTL", "5000", AtOnce),
    row("RETRY_BACKOFF", "2", AtOnce),
    row("RETRY_MAX_TTL", "300000", AtOnce),
    row("DEAD_LETTER", "1", AtOnce),
    row("KILL_SWITCH_RATIO", "", AtOnce),
    row("QUEUE_CONFIG", "", RestartsConsumers),
    row("MOV_URL", "", AtStart),
    row("REGISTER_TIMEOUT", "10", AtStart),
    row("SHUTDOWN_GRACE", "8", AtOnce),
    row("SERVICE_CONTROL", "1", AtStart),
    row("TAP_MAX_RATE", "2000", AtOnce),
    row("TAP_MAX_BYTES", "16777216", AtOnce),
    row("METRICS_ADDRESS", "", BeforeTheStore),
    row("LOG_DIR", "logs", BeforeTheStore),
    row("LOG_FILE_NAME", "log_messages.txt", BeforeTheStore),
    row("LOG_FORMAT", "text", BeforeTheStore),
    row("LOG_CONSOLE_LEVEL", "INFO", AtOnce),
    row("LOG_FILE_LEVEL", "DEBUG", AtOnce),
    row("LOG_FILE_MAX_BYTES", "1000000", AtStart),
    row("LOG_FILE_BACKUP_COUNT", "5", AtStart),
    row("LOG_MOV_LEVEL", "INFO", AtOnce),
    row("LOGGING_CONFIG", "", AtOnce),
    row("COMPONENT_ID_FILE_NAME", "component_id.json", BeforeTheStore),
    row("CONFIG_FILE", "", BeforeTheStore),
    row("HTTPS_CA_FILE", "", BeforeTheStore),
    row("HTTPS_CERT_FILE", "", BeforeTheStore),
    row("HTTPS_KEY_FILE", "", BeforeTheStore),
    row("CONSUL_HOST", "", BeforeTheStore),
    row("CONSUL_PORT", "8500", BeforeTheStore),
    row("CONSUL_HTTP_TOKEN", "", BeforeTheStore),
    row("ETCD_HOST", "", BeforeTheStore),
    row("ETCD_PORT", "2379", BeforeTheStore),
    row("ETCD_USERNAME", "", BeforeTheStore),
    row("ETCD_PASSWORD", "", BeforeTheStore),
    row("ETCD_API", "3", BeforeTheStore),
    row("KV_PREFIX", "", BeforeTheStore),
    row("KV_PRECEDENCE", "store", BeforeTheStore),
    row("KV_TIMEOUT", "5", BeforeTheStore),
    row("RELOAD_ENABLED", "0", BeforeTheStore),
    row("RELOAD_CONFIG_PERIOD", "20", BeforeTheStore),
    row("REQUIRE_CONFIG", "0", BeforeTheStore),
    row("CHAOS_PERCENTAGE_SIMULATE_NACK", "0", AtOnce),
    row("CHAOS_PERCENTAGE_SIMULATE_FAILURES", "0", AtOnce),
    row("CHAOS_DELAY_BEFORE_HANDLER_SECONDS", "0", AtOnce),
    row("CHAOS_PROTECTED_ROUTING_KEYS", "", AtOnce),
    row("CHAOS_SEED", "0", AtOnce),
];

/// What can be set for one channel, as in `CHANNEL_DATA_RECEIVED_MESSAGE_PREFETCH`.
pub const OF_CHANNEL: &[(&str, Effect)] = &[
    ("PREFETCH", RestartsConsumers),
    ("WORKERS", RestartsConsumers),
    ("RETRIES", AtOnce),
    ("PAUSED", RestartsConsumers),
];

/// The name under which a setting is listed that has several.
#[must_use]
pub fn canonical(name: &str) -> &str {
    let name = ["EVENT_", "MESSAGE_"].iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
    match name {
        "COMPONET_ID_FILE_NAME" => "COMPONENT_ID_FILE_NAME",
        "CONSUL_PREFIX" | "ETCD_PREFIX" => "KV_PREFIX",
        _ => name,
    }
}

/// Whether there is a setting of this name, or one that names a file with its value.
#[must_use]
pub fn is_setting(name: &str) -> bool {
    let name = canonical(name.strip_suffix("_FILE").filter(|_| !is_listed(name)).unwrap_or(name));
    is_listed(name) || name.starts_with("LOGGING_CONFIG_")
}

fn is_listed(name: &str) -> bool {
    SETTINGS.iter().any(|row| row.name == canonical(name))
}

/// When a change of the setting takes effect.
#[must_use]
pub fn effect(name: &str) -> Effect {
    if let Some(row) = SETTINGS.iter().find(|row| row.name == canonical(name)) {
        return row.effect;
    }
    let of_channel = OF_CHANNEL.iter().find(|(what, _)| name.starts_with("CHANNEL_") && name.ends_with(what));
    of_channel.map_or(AtOnce, |(_, effect)| *effect)
}

/// The settings that cannot be set in a key-value store, under all their names.
pub(super) fn names_outside_of_stores() -> BTreeSet<String> {
    let excluded = SETTINGS.iter().filter(|row| row.effect == BeforeTheStore).map(|row| row.name.to_owned());
    excluded.chain(["COMPONET_ID_FILE_NAME".to_owned()]).collect()
}
