//! The settings of the process, read once into types. No other module knows the name of a variable.

mod broker;
mod channels;
mod document;
mod effective;
mod file;
mod hosts;
mod layers;
mod operator;
mod parse;
mod problems;
mod reader;
mod routes;
mod source;
mod store;
pub mod table;
mod tls;
mod url;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use log::LevelFilter;

pub use channels::ChannelSettings;
pub use document::{Document, name_of};
pub use effective::{Effective, shown};
pub use layers::Layers;
pub use operator::OperatorSettings;
pub use problems::Problems;
pub use routes::read_routes_text;
pub use source::{Environment, Source};
#[cfg(any(feature = "internals", fuzzing))]
pub use source::{Found, Variables};

use self::reader::Reader;
use crate::broker::amqp;
use crate::consumer::{fault_injection, retry};
use crate::health::health_file::HealthFile;
use crate::logs;
use crate::mov::rest;
use crate::operations::tap;
use crate::routes::{HandlerChannel, Routes};
use crate::telemetry;

/// All settings. The options types of the modules document them.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct Settings {
    /// `RABBITMQ_URL`, or `RABBITMQ_HOST`, `RABBITMQ_PORT`, `RABBITMQ_USERNAME`, `RABBITMQ_PASSWORD`, `RABBITMQ_VHOST`,
    /// `RABBITMQ_HEARTBEAT` and `RABBITMQ_TLS`; `RABBITMQ_AUTH` and the files of TLS.
    pub broker: amqp::Options,
    /// `RABBITMQ_MAX_RETRIES`: maximum number of attempts to open the first session. Defaults to 100.
    pub first_attempts: u32,
    /// `RABBITMQ_RETRY_SLEEP`: seconds between these attempts. Defaults to 3.
    pub retry_sleep: Duration,
    /// `RABBITMQ_PREFETCH`: maximum number of deliveries in flight for each consumer. Defaults to 1024.
    pub prefetch: u16,
    /// `KILL_SWITCH_RATIO`: the failure ratio above which a consumer pauses. Off by default.
    pub circuit_breaker: Option<f64>,
    /// `MAX_RETRIES`, `RETRY_TTL`, `RETRY_BACKOFF`, `RETRY_MAX_TTL`.
    pub retry: retry::Options,
    /// `DEAD_LETTER`: whether messages that cannot be processed are kept in a dead-letter queue. Defaults to 1.
    pub dead_letters: bool,
    /// `CHAOS_…`: fault injection. Off by default.
    pub faults: fault_injection::Options,
    /// `LOG_DIR`, `LOG_FILE_NAME`, `LOG_CONSOLE_LEVEL`, `LOG_FILE_LEVEL`, `LOG_FILE_MAX_BYTES`, `LOG_FILE_BACKUP_COUNT`, and
    /// `LOGGING_CONFIG` with the levels of modules.
    pub logs: logs::Options,
    /// `LOG_MOV_LEVEL`: the level of the MOV's log. Defaults to INFO.
    pub mov_level: LevelFilter,
    /// `COMPONET_ID_FILE_NAME` (sic) or `COMPONENT_ID_FILE_NAME`: the health file, in `LOG_DIR`. Defaults to
    /// `component_id.json`.
    pub health: HealthFile,
    /// `MOV_URL`: the address of the MOV's REST interface. Not set by default.
    pub mov_url: Option<rest::Options>,
    /// `WORKERS`: consumer threads; more than one loses the order of the messages. Defaults to 1.
    pub workers: usize,
    /// `SHUTDOWN_GRACE`: maximum seconds for a stop. Defaults to 8.
    pub grace: Duration,
    /// `REGISTER_TIMEOUT`: maximum seconds until the MOV answers a registration. Defaults to 10.
    pub register_timeout: Duration,
    /// `SERVICE_CONTROL`: whether operators can talk to the process through the broker. Defaults to 1.
    pub service: bool,
    /// `METRICS_ADDRESS`: where metrics and the health are served. Off by default.
    pub metrics_address: Option<telemetry::Address>,
    /// `TAP_MAX_RATE`, `TAP_MAX_BYTES`: how much is copied for observers.
    pub tap: tap::Limits,
    /// `CONSUL_…`, `ETCD_…`, `KV_…`: the key-value store, if there is one.
    pub store: Option<crate::store::Options>,
    /// `RELOAD_ENABLED`: whether changes of the store and of the configuration file take effect at once. Off by default.
    pub reload: bool,
    /// `RELOAD_CONFIG_PERIOD`: the longest time between two looks at the store or the file. Defaults to 20 s.
    pub reload_period: Duration,
    /// `REQUIRE_CONFIG`: whether consuming starts only when the store has been read. Off by default.
    pub require_config: bool,
    /// `CHANNEL_…`: the settings of single channels, by their short names.
    pub channels: BTreeMap<String, ChannelSettings>,
    /// `QUEUE_CONFIG`: consumers and producers beyond the channels of the component. None by default.
    pub routes: Routes,
    /// All settings as texts, with their sources.
    pub effective: Vec<Effective>,
}

impl Settings {
    /// Reads the settings from `source`.
    ///
    /// # Errors
    /// All invalid settings.
    pub fn read(source: &dyn Source) -> Result<Self, Problems> {
        let mut reader = Reader::new(source);
        let settings = reader.settings();
        reader.finish(settings)
    }

    /// Reads the settings of a component with these `handlers`: those of their channels, and routes that may feed them.
    ///
    /// # Errors
    /// All invalid settings.
    pub fn read_for(source: &dyn Source, handlers: &[HandlerChannel]) -> Result<Self, Problems> {
        let mut reader = Reader::new(source).with_handlers(handlers);
        let settings = reader.settings();
        reader.finish(settings)
    }

    /// Moves the log and the health file to `folder`.
    #[must_use]
    pub fn in_folder(mut self, folder: &Path) -> Self {
        folder.clone_into(&mut self.logs.folder);
        self.health = self.health.in_folder(folder);
        self
    }

    /// Reads only the settings of the key-value store.
    ///
    /// # Errors
    /// All of these that are invalid.
    pub fn read_store(source: &dyn Source) -> Result<Option<crate::store::Options>, Problems> {
        let mut reader = Reader::new(source);
        let store = reader.store();
        reader.finish(store)
    }

    /// Reads only the settings of the health file.
    ///
    /// # Errors
    /// All of these that are invalid.
    pub fn read_health_file(source: &dyn Source) -> Result<HealthFile, Problems> {
        let mut reader = Reader::new(source);
        let health = reader.health_file();
        reader.finish(health)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_have_defaults() {
        let settings = Settings::read(&[]).unwrap();
        assert_eq!(settings.broker.hosts[0].to_string(), "mov-mq:5672");
        assert_eq!(settings.broker.password.reveal(), "password");
        assert_eq!(settings.prefetch, 1024);
        assert_eq!(settings.health.path(), Path::new("logs/component_id.json"));
        assert_eq!(settings.mov_url, None);
    }

    #[test]
    fn all_problems_are_reported_together_without_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "from-the-file\n").unwrap();
        let secret = secret.to_str().unwrap();
        let problems = Settings::read(&[
            ("RABBITMQ_PORT", "5672."),
            ("LOG_CONSOLE_LEVEL", "LOUD"),
            ("RABBITMQ_PASSWORD", "hunter2"),
            ("RABBITMQ_PASSWORD_FILE", secret),
        ])
        .unwrap_err()
        .to_string();
        for expected in [
            "RABBITMQ_PORT: expected a number from 1 to 65535; found `5672.` in the environment",
            "LOG_CONSOLE_LEVEL: expected a level",
            "RABBITMQ_PASSWORD: expected either RABBITMQ_PASSWORD or RABBITMQ_PASSWORD_FILE, not both",
        ] {
            assert!(problems.contains(expected), "{problems} do not contain {expected:?}");
        }
        assert!(!problems.contains("hunter2") && !problems.contains("from-the-file"), "{problems} contain a secret");
    }

    #[test]
    fn a_setting_is_read_from_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        std::fs::write(&path, "s e c r e t\r\n").unwrap();
        let settings = Settings::read(&[("RABBITMQ_PASSWORD_FILE", path.to_str().unwrap())]).unwrap();
        assert_eq!(settings.broker.password.reveal(), "s e c r e t");
        assert!(!format!("{settings:?}").contains("s e c r e t"), "`Debug` prints the password");
    }

    #[test]
    fn an_unreadable_file_is_a_problem() {
        let missing = Settings::read(&[("RABBITMQ_PASSWORD_FILE", "/no/such/file")]).unwrap_err().to_string();
        let expected =
            "RABBITMQ_PASSWORD: expected a readable file; the file that RABBITMQ_PASSWORD_FILE names cannot be read";
        assert!(missing.contains(expected), "{missing}");
    }

    #[test]
    fn the_health_file_is_set_by_either_spelling() {
        for name in ["COMPONET_ID_FILE_NAME", "COMPONENT_ID_FILE_NAME"] {
            let health = Settings::read_health_file(&[(name, "id.json"), ("LOG_DIR", "/tmp/x")]).unwrap();
            assert_eq!(health.path(), Path::new("/tmp/x/id.json"));
        }
    }

    #[test]
    fn an_empty_variable_counts_as_not_set() {
        let settings = Settings::read(&[("RABBITMQ_HOST", "")]).unwrap();
        assert_eq!(settings.broker.hosts[0].name, "mov-mq");
    }
}
