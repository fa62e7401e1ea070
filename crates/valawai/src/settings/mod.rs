//! The settings of the process: read once, into types. Nothing else knows a variable's name.

mod broker;
mod parse;
mod problems;
mod reader;
mod source;
mod url;

use std::path::Path;
use std::time::Duration;

use log::LevelFilter;

pub use problems::Problems;
pub use source::{Environment, Source};

use self::reader::Reader;
use crate::broker::amqp;
use crate::consumer::{fault_injection, retry};
use crate::health::health_file::HealthFile;
use crate::logs;

/// Everything that can be set, with its meaning where it is used.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `RABBITMQ_URL`, or `RABBITMQ_HOST`, `RABBITMQ_PORT`, `RABBITMQ_USERNAME`, `RABBITMQ_PASSWORD`, `RABBITMQ_VHOST` and
    /// `RABBITMQ_HEARTBEAT`.
    pub broker: amqp::Options,
    /// `RABBITMQ_MAX_RETRIES`: tries for the first connection. Defaults to 100.
    pub first_tries: u32,
    /// `RABBITMQ_RETRY_SLEEP`: seconds between them. Defaults to 3.
    pub retry_sleep: Duration,
    /// `RABBITMQ_PREFETCH`: deliveries in hand for each worker. Defaults to 1024.
    pub prefetch: u16,
    /// `KILL_SWITCH_RATIO`: the part of failures above which a worker pauses. Off by default.
    pub circuit_breaker: Option<f64>,
    /// `MAX_RETRIES`, `RETRY_TTL`, `RETRY_BACKOFF`, `RETRY_MAX_TTL`.
    pub retry: retry::Options,
    /// `DEAD_LETTER`: whether messages that nobody will process are kept. Defaults to 1.
    pub dead_letters: bool,
    /// `CHAOS_…`, off by default.
    pub faults: fault_injection::Options,
    /// `LOG_DIR`, `LOG_FILE_NAME`, `LOG_CONSOLE_LEVEL`, `LOG_FILE_LEVEL`, `LOG_FILE_MAX_BYTES`, `LOG_FILE_BACKUP_COUNT`.
    pub logs: logs::Options,
    /// `LOG_MOV_LEVEL`: what also goes to the MOV's log. Defaults to INFO.
    pub mov_level: LevelFilter,
    /// `COMPONET_ID_FILE_NAME` (sic) or `COMPONENT_ID_FILE_NAME`, in `LOG_DIR`. Defaults to `component_id.json`.
    pub health: HealthFile,
    /// `MOV_URL`: the MOV's REST interface. Not set by default.
    pub mov_url: Option<String>,
    /// `WORKERS`: loops that hear and answer. Defaults to 1.
    pub workers: usize,
    /// `SHUTDOWN_GRACE`: seconds that a stop may take. Defaults to 8.
    pub grace: Duration,
    /// `REGISTER_TIMEOUT`: seconds that the MOV has to answer a registration. Defaults to 10.
    pub register_timeout: Duration,
}

impl Settings {
    /// Reads the settings from `source`.
    ///
    /// # Errors
    /// All that is wrong with them, at once.
    pub fn read(source: &dyn Source) -> Result<Self, Problems> {
        let mut reader = Reader::new(source);
        let settings = reader.settings();
        if reader.problems.is_empty() { Ok(settings) } else { Err(Problems(reader.problems)) }
    }

    /// The same with the log and the health file in `folder`.
    #[must_use]
    pub fn in_folder(mut self, folder: &Path) -> Self {
        folder.clone_into(&mut self.logs.folder);
        self.health = self.health.in_folder(folder);
        self
    }

    /// Reads only where the health file is.
    ///
    /// # Errors
    /// What is wrong with that.
    pub fn read_health_file(source: &dyn Source) -> Result<HealthFile, Problems> {
        let mut reader = Reader::new(source);
        let health = reader.health_file();
        if reader.problems.is_empty() { Ok(health) } else { Err(Problems(reader.problems)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_variable_everything_has_its_default() {
        let settings = Settings::read(&[]).unwrap();
        assert_eq!(settings.broker.hosts[0].to_string(), "mov-mq:5672");
        assert_eq!(settings.broker.password.reveal(), "password");
        assert_eq!(settings.prefetch, 1024);
        assert_eq!(settings.health.path(), std::path::Path::new("logs/component_id.json"));
        assert_eq!(settings.mov_url, None);
    }

    #[test]
    fn all_problems_are_told_at_once_and_no_secret_is() {
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
        for expected in
            ["RABBITMQ_PORT: expected a number from 1 to 65535; found `5672.`", "LOG_CONSOLE_LEVEL", "not both"]
        {
            assert!(problems.contains(expected), "{expected:?} is not in {problems}");
        }
        assert!(!problems.contains("hunter2") && !problems.contains("from-the-file"), "a secret is in {problems}");
    }

    #[test]
    fn a_secret_may_be_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        std::fs::write(&path, "s e c r e t\r\n").unwrap();
        let settings = Settings::read(&[("RABBITMQ_PASSWORD_FILE", path.to_str().unwrap())]).unwrap();
        assert_eq!(settings.broker.password.reveal(), "s e c r e t");
        assert!(!format!("{settings:?}").contains("s e c r e t"), "the settings print the password");
        let missing = Settings::read(&[("RABBITMQ_PASSWORD_FILE", "/no/such/file")]).unwrap_err().to_string();
        assert!(
            missing.contains("RABBITMQ_PASSWORD: expected a readable file, but what RABBITMQ_PASSWORD_FILE names"),
            "{missing}"
        );
    }

    #[test]
    fn both_spellings_of_the_health_file_are_known_and_an_empty_variable_is_none() {
        for name in ["COMPONET_ID_FILE_NAME", "COMPONENT_ID_FILE_NAME"] {
            let settings = Settings::read(&[(name, "id.json"), ("LOG_DIR", "/tmp/x"), ("RABBITMQ_HOST", "")]).unwrap();
            assert_eq!(settings.health.path(), std::path::Path::new("/tmp/x/id.json"));
            assert_eq!(settings.broker.hosts[0].name, "mov-mq");
        }
    }
}
