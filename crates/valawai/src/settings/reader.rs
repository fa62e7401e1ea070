//! Reads the variables. Only this module and `broker` know their names and defaults.

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

use log::LevelFilter;

use super::Settings;
use super::effective::{self, Effective};
use super::hosts;
use super::parse::{self, Expected};
use super::problems::{Problem, Problems};
use super::source::{Found, Source};
use crate::consumer::{fault_injection, retry};
use crate::health::health_file::HealthFile;
use crate::logs::{self, Format};
use crate::mov::rest;
use crate::operations::tap;
use crate::routes::HandlerChannel;
use crate::tls;

/// The three names of a variable: services of the platform in other languages use it with either prefix.
macro_rules! prefixed {
    ($name:literal) => {
        [$name, concat!("EVENT_", $name), concat!("MESSAGE_", $name)]
    };
}
const CHAOS_NACK: [&str; 3] = prefixed!("CHAOS_PERCENTAGE_SIMULATE_NACK");
const CHAOS_FAIL: [&str; 3] = prefixed!("CHAOS_PERCENTAGE_SIMULATE_FAILURES");
const CHAOS_DELAY: [&str; 3] = prefixed!("CHAOS_DELAY_BEFORE_HANDLER_SECONDS");
const CHAOS_EXCLUDED: [&str; 3] = prefixed!("CHAOS_PROTECTED_ROUTING_KEYS");
const CHAOS_SEED: [&str; 3] = prefixed!("CHAOS_SEED");

/// Reads variables and collects their problems.
pub(super) struct Reader<'s> {
    pub(super) source: &'s dyn Source,
    pub(super) problems: Vec<Problem>,
    /// Those that routes may feed, if they are known.
    pub(super) handlers: Option<&'s [HandlerChannel]>,
    /// What is not left to its default.
    explicit: Vec<Effective>,
}

impl<'s> Reader<'s> {
    pub(super) fn new(source: &'s dyn Source) -> Self {
        Self { source, problems: Vec::new(), handlers: None, explicit: Vec::new() }
    }

    pub(super) fn with_handlers(self, handlers: &'s [HandlerChannel]) -> Self {
        Self { handlers: Some(handlers), ..self }
    }

    /// Returns `value` if nothing that was read is invalid.
    pub(super) fn finish<T>(self, value: T) -> Result<T, Problems> {
        if self.problems.is_empty() { Ok(value) } else { Err(Problems(self.problems)) }
    }

    pub(super) fn settings(&mut self) -> Settings {
        let settings = self.read_settings();
        self.check_use_of_tls(settings.broker.is_encrypted || settings.routes.use_tls());
        let effective = effective::all(&self.explicit, &settings.broker);
        Settings { effective, ..settings }
    }

    fn read_settings(&mut self) -> Settings {
        Settings {
            broker: self.broker(),
            first_attempts: self.get("RABBITMQ_MAX_RETRIES", 100, parse::number(1..=1_000_000)),
            retry_sleep: self.get("RABBITMQ_RETRY_SLEEP", Duration::from_secs(3), parse::seconds(0.0..=3600.0)),
            prefetch: self.get("RABBITMQ_PREFETCH", 1024, parse::number(1..=u16::MAX)),
            circuit_breaker: self.get("KILL_SWITCH_RATIO", None, |text| parse::ratio(text).map(Some)),
            retry: self.retry(),
            dead_letters: self.get("DEAD_LETTER", true, parse::yes_or_no),
            faults: self.faults(),
            logs: self.logs(),
            mov_level: self.get("LOG_MOV_LEVEL", LevelFilter::Info, parse::level),
            health: self.health_file(),
            mov_url: self.mov_url(),
            workers: self.get("WORKERS", 1, parse::number(1..=64)),
            grace: self.get("SHUTDOWN_GRACE", Duration::from_secs(8), parse::seconds(1.0..=600.0)),
            register_timeout: self.get("REGISTER_TIMEOUT", Duration::from_secs(10), parse::seconds(1.0..=3600.0)),
            service: self.get("SERVICE_CONTROL", true, parse::yes_or_no),
            metrics_address: self.get("METRICS_ADDRESS", None, |text| hosts::listen_address(text).map(Some)),
            tap: self.tap(),
            store: self.store(),
            reload: self.get("RELOAD_ENABLED", false, parse::yes_or_no),
            reload_period: self.reload_period(),
            require_config: self.get("REQUIRE_CONFIG", false, parse::yes_or_no),
            channels: self.channels(),
            routes: self.routes(),
            effective: Vec::new(),
        }
    }

    pub(super) fn mov_url(&mut self) -> Option<rest::Options> {
        let url = self.get("MOV_URL", None, |text| parse::http_url(text).map(Some));
        let tls = self.tls(&tls::HTTPS);
        url.map(|url| rest::Options { url, tls })
    }

    pub(super) fn retry(&mut self) -> retry::Options {
        let default = retry::Options::default();
        retry::Options {
            max_retries: self.get("MAX_RETRIES", default.max_retries, parse::number(0..=1000)),
            first_delay: self.get("RETRY_TTL", default.first_delay, parse::milliseconds(1..=86_400_000)),
            factor: self.get("RETRY_BACKOFF", default.factor, parse::number(1.0..=100.0)),
            max_delay: self.get("RETRY_MAX_TTL", default.max_delay, parse::milliseconds(1..=86_400_000)),
        }
    }

    fn faults(&mut self) -> fault_injection::Options {
        fault_injection::Options {
            nack: self.get_prefixed(&CHAOS_NACK, 0.0, parse::ratio),
            fail: self.get_prefixed(&CHAOS_FAIL, 0.0, parse::ratio),
            delay: self.get_prefixed(&CHAOS_DELAY, Duration::ZERO, parse::seconds(0.0..=600.0)),
            excluded: self.get_prefixed(&CHAOS_EXCLUDED, Vec::new(), parse::words),
            seed: self.get_prefixed(&CHAOS_SEED, 0, parse::number(0..=u64::MAX)),
        }
    }

    fn tap(&mut self) -> tap::Limits {
        let default = tap::Limits::default();
        tap::Limits {
            rate: self.get("TAP_MAX_RATE", default.rate, parse::number(1..=1_000_000)),
            bytes: self.get("TAP_MAX_BYTES", default.bytes, parse::number(1..=1 << 30)),
        }
    }

    /// The setting under the first of its names that is set.
    fn get_prefixed<T>(
        &mut self,
        names: &[&'static str; 3],
        default: T,
        parse: impl Fn(&str) -> Result<T, Expected>,
    ) -> T {
        let is_set = |name: &&&'static str| !matches!(self.source.find(name), Ok(None));
        let name = names.iter().find(is_set).unwrap_or(&names[0]);
        self.get(*name, default, parse)
    }

    fn logs(&mut self) -> logs::Options {
        logs::Options {
            folder: self.log_folder(),
            file_name: self.get("LOG_FILE_NAME", "log_messages.txt".to_owned(), parse::file_name),
            console: self.get("LOG_CONSOLE_LEVEL", LevelFilter::Info, parse::level),
            file: self.get("LOG_FILE_LEVEL", LevelFilter::Debug, parse::level),
            targets: self.get("LOGGING_CONFIG", Vec::new(), parse::levels),
            file_max_bytes: self.get("LOG_FILE_MAX_BYTES", 1_000_000, parse::number(1_000..=u64::from(u32::MAX))),
            format: self.get("LOG_FORMAT", Format::Text, parse::log_format),
            file_backups: self.get("LOG_FILE_BACKUP_COUNT", 5, parse::number(0..=1000)),
        }
    }

    pub(super) fn health_file(&mut self) -> HealthFile {
        // The platform's Compose files use the misspelled name.
        let misspelled = self.get("COMPONET_ID_FILE_NAME", None, |text| parse::file_name(text).map(Some));
        let correct = self.get("COMPONENT_ID_FILE_NAME", None, |text| parse::file_name(text).map(Some));
        let name = correct.or(misspelled).unwrap_or_else(|| "component_id.json".to_owned());
        HealthFile::new(self.log_folder().join(name))
    }

    fn log_folder(&mut self) -> PathBuf {
        self.get("LOG_DIR", "logs".into(), parse::folder)
    }

    /// The setting `name`, parsed; `default` if it is not set or is invalid.
    pub(super) fn get<T>(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        default: T,
        parse: impl Fn(&str) -> Result<T, Expected>,
    ) -> T {
        let name = name.into();
        let problem = match self.source.find(&name) {
            Ok(None) => return default,
            Ok(Some(found)) => match parse(&found.text) {
                Ok(value) => {
                    self.add_explicit(name, &found);
                    return value;
                }
                Err(expected) => Problem::invalid(name, expected, &found),
            },
            Err(expected) => Problem::new(name, expected),
        };
        self.add_problem(problem);
        default
    }

    /// How far up the source of the setting is; nothing if it is not set.
    pub(super) fn priority(&self, name: &str) -> Option<usize> {
        self.source.find(name).ok().flatten().map(|found| found.priority)
    }

    pub(super) fn add_explicit(&mut self, name: Cow<'static, str>, found: &Found) {
        // The folder of the logs is read twice.
        if !self.explicit.iter().any(|other| other.name == name) {
            self.explicit.push(Effective::explicit(name, found));
        }
    }

    /// Adds the problem that the setting `name` contradicts the setting `other`.
    pub(super) fn add_conflict(&mut self, name: &'static str, other: &str) {
        if let Ok(Some(found)) = self.source.find(name) {
            self.add_problem(Problem::conflict(name, other, &found));
        }
    }

    /// Adds a problem unless the setting has one already.
    pub(super) fn add_problem(&mut self, problem: Problem) {
        if !self.problems.iter().any(|other| other.name == problem.name) {
            self.problems.push(problem);
        }
    }
}
