//! The settings of the process: read once, into types. Nothing else knows a variable's name.

mod parse;
mod source;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use log::LevelFilter;

pub use source::{Environment, Source};

use crate::broker::amqp;
use crate::health::HealthFile;
use crate::secret::Secret;
use crate::{chaos, logs, retry};
use source::find;

/// Everything that can be set, with its meaning where it is used.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `RABBITMQ_HOST`, `RABBITMQ_PORT`, `RABBITMQ_USERNAME`, `RABBITMQ_PASSWORD`, `RABBITMQ_VHOST`, `RABBITMQ_HEARTBEAT`.
    pub broker: amqp::Options,
    /// `RABBITMQ_MAX_RETRIES`: tries for the first connection. Defaults to 100.
    pub first_tries: u32,
    /// `RABBITMQ_RETRY_SLEEP`: seconds between them. Defaults to 3.
    pub retry_sleep: Duration,
    /// `RABBITMQ_PREFETCH`: deliveries in hand for each worker. Defaults to 1024.
    pub prefetch: u16,
    /// `KILL_SWITCH_RATIO`: the part of failures above which a worker pauses. Off by default.
    pub kill_switch: Option<f64>,
    /// `MAX_RETRIES`, `RETRY_TTL`, `RETRY_BACKOFF`, `RETRY_MAX_TTL`.
    pub retry: retry::Options,
    /// `DEAD_LETTER`: whether messages that nobody will process are kept. Defaults to 1.
    pub dead_letters: bool,
    /// `CHAOS_…`, off by default.
    pub chaos: chaos::Options,
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
        let mut reader = Reader { source, problems: Vec::new() };
        let settings = reader.settings();
        if reader.problems.is_empty() { Ok(settings) } else { Err(Problems(reader.problems)) }
    }

    /// Reads only where the health file is.
    ///
    /// # Errors
    /// What is wrong with that.
    pub fn read_health_file(source: &dyn Source) -> Result<HealthFile, Problems> {
        let mut reader = Reader { source, problems: Vec::new() };
        let health = reader.health_file();
        if reader.problems.is_empty() { Ok(health) } else { Err(Problems(reader.problems)) }
    }
}

/// The platform's services in other languages have these under two prefixes.
macro_rules! prefixed {
    ($name:literal) => {
        [$name, concat!("EVENT_", $name), concat!("MESSAGE_", $name)]
    };
}
const CHAOS_NACK: [&str; 3] = prefixed!("CHAOS_PERCENTAGE_SIMULATE_NACK");
const CHAOS_FAIL: [&str; 3] = prefixed!("CHAOS_PERCENTAGE_SIMULATE_FAILURES");
const CHAOS_DELAY: [&str; 3] = prefixed!("CHAOS_DELAY_BEFORE_HANDLER_SECONDS");
const CHAOS_SPARED: [&str; 3] = prefixed!("CHAOS_PROTECTED_ROUTING_KEYS");
const CHAOS_SEED: [&str; 3] = prefixed!("CHAOS_SEED");

/// Reads one variable after another, and remembers what is wrong with each.
struct Reader<'s> {
    source: &'s dyn Source,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn settings(&mut self) -> Settings {
        Settings {
            broker: self.broker(),
            first_tries: self.get("RABBITMQ_MAX_RETRIES", 100, parse::number(1..=1_000_000)),
            retry_sleep: self.get("RABBITMQ_RETRY_SLEEP", Duration::from_secs(3), parse::seconds(0.0..=3600.0)),
            prefetch: self.get("RABBITMQ_PREFETCH", 1024, parse::number(1..=u16::MAX)),
            kill_switch: self.get("KILL_SWITCH_RATIO", None, |text| parse::ratio(text).map(Some)),
            retry: self.retry(),
            dead_letters: self.get("DEAD_LETTER", true, parse::yes_or_no),
            chaos: self.chaos(),
            logs: self.logs(),
            mov_level: self.get("LOG_MOV_LEVEL", LevelFilter::Info, parse::level),
            health: self.health_file(),
            mov_url: self.get("MOV_URL", None, |text| parse::http_url(text).map(Some)),
            workers: self.get("WORKERS", 1, parse::number(1..=64)),
            grace: self.get("SHUTDOWN_GRACE", Duration::from_secs(8), parse::seconds(1.0..=600.0)),
            register_timeout: self.get("REGISTER_TIMEOUT", Duration::from_secs(10), parse::seconds(1.0..=3600.0)),
        }
    }

    fn broker(&mut self) -> amqp::Options {
        let port = self.get("RABBITMQ_PORT", 5672, parse::number(1..=u16::MAX));
        let default_host = amqp::Host { name: "mov-mq".to_owned(), port };
        amqp::Options {
            hosts: self.get("RABBITMQ_HOST", vec![default_host], |text| parse::hosts(text, port)),
            username: self.get("RABBITMQ_USERNAME", "mov".to_owned(), any_text),
            password: self.get_secret("RABBITMQ_PASSWORD", "password"),
            vhost: self.get("RABBITMQ_VHOST", "/".to_owned(), any_text),
            heartbeat: self.get("RABBITMQ_HEARTBEAT", 10, parse::number(1..=3600)),
            client: String::new(),
        }
    }

    fn retry(&mut self) -> retry::Options {
        let default = retry::Options::default();
        retry::Options {
            most: self.get("MAX_RETRIES", default.most, parse::number(0..=1000)),
            first: self.get("RETRY_TTL", default.first, parse::milliseconds(1..=86_400_000)),
            factor: self.get("RETRY_BACKOFF", default.factor, parse::number(1.0..=100.0)),
            longest: self.get("RETRY_MAX_TTL", default.longest, parse::milliseconds(1..=86_400_000)),
        }
    }

    fn chaos(&mut self) -> chaos::Options {
        let words = |text: &str| Ok(text.split(',').map(|word| word.trim().to_owned()).collect());
        chaos::Options {
            nack: self.get_prefixed(&CHAOS_NACK, 0.0, parse::ratio),
            fail: self.get_prefixed(&CHAOS_FAIL, 0.0, parse::ratio),
            delay: self.get_prefixed(&CHAOS_DELAY, Duration::ZERO, parse::seconds(0.0..=60.0)),
            spared: self.get_prefixed(&CHAOS_SPARED, Vec::new(), words),
            seed: self.get_prefixed(&CHAOS_SEED, 0, parse::number(0..=u64::MAX)),
        }
    }

    /// The first of several names that is set.
    fn get_prefixed<T>(
        &mut self,
        names: &[&'static str; 3],
        default: T,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> T {
        let is_set = |name: &&&'static str| !matches!(find(self.source, name), Ok(None));
        let name = names.iter().find(is_set).unwrap_or(&names[0]);
        self.get(name, default, parse)
    }

    fn logs(&mut self) -> logs::Options {
        logs::Options {
            folder: self.log_folder(),
            file_name: self.get("LOG_FILE_NAME", "log_messages.txt".to_owned(), parse::file_name),
            console: self.get("LOG_CONSOLE_LEVEL", LevelFilter::Info, parse::level),
            file: self.get("LOG_FILE_LEVEL", LevelFilter::Debug, parse::level),
            file_max_bytes: self.get("LOG_FILE_MAX_BYTES", 1_000_000, parse::number(1_000..=u64::from(u32::MAX))),
            file_backups: self.get("LOG_FILE_BACKUP_COUNT", 5, parse::number(0..=1000)),
        }
    }

    fn health_file(&mut self) -> HealthFile {
        // The platform's own spelling first; it is in every Compose file there is.
        let misspelt = self.get("COMPONET_ID_FILE_NAME", None, |text| parse::file_name(text).map(Some));
        let spelt = self.get("COMPONENT_ID_FILE_NAME", None, |text| parse::file_name(text).map(Some));
        let name = spelt.or(misspelt).unwrap_or_else(|| "component_id.json".to_owned());
        HealthFile::new(self.log_folder().join(name))
    }

    fn log_folder(&mut self) -> PathBuf {
        self.get("LOG_DIR", "logs".into(), |text| Ok(text.into()))
    }

    fn get_secret(&mut self, name: &'static str, default: &str) -> Secret {
        match find(self.source, name) {
            Ok(found) => Secret::new(found.map_or_else(|| default.to_owned(), |found| found.text)),
            Err(expected) => {
                self.problems.push(Problem { name, expected, found: None });
                Secret::new(default)
            }
        }
    }

    fn get<T>(&mut self, name: &'static str, default: T, parse: impl Fn(&str) -> Result<T, String>) -> T {
        let problem = match find(self.source, name) {
            Ok(None) => return default,
            Ok(Some(found)) => match parse(&found.text) {
                Ok(value) => return value,
                Err(expected) => Problem { name, expected, found: Some((found.text, found.origin)) },
            },
            Err(expected) => Problem { name, expected, found: None },
        };
        if !self.problems.iter().any(|other| other.name == name) {
            self.problems.push(problem);
        }
        default
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it stands where parsers stand")]
fn any_text(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

/// What is wrong with one variable.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Problem {
    name: &'static str,
    expected: String,
    /// What was found, and where; nothing of a secret.
    found: Option<(String, String)>,
}

/// All that is wrong with the settings: a line for each variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the settings are wrong:")?;
        for Problem { name, expected, found } in &self.0 {
            write!(formatter, "\n  {name}: expected {expected}")?;
            if let Some((text, origin)) = found {
                let text: String = text.chars().take(80).collect();
                write!(formatter, "; found `{}` in {origin}", text.escape_debug())?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

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
        assert!(missing.contains("RABBITMQ_PASSWORD: expected a readable file"), "{missing}");
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
