//! Reads one variable after another; it and `broker` are the only places that know their names and defaults.

use std::path::PathBuf;
use std::time::Duration;

use log::LevelFilter;

use super::Settings;
use super::parse::{self, Expected};
use super::problems::Problem;
use super::source::{Source, find};
use crate::consumer::{fault_injection, retry};
use crate::health::health_file::HealthFile;
use crate::logs;

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
pub(super) struct Reader<'s> {
    source: &'s dyn Source,
    pub(super) problems: Vec<Problem>,
}

impl<'s> Reader<'s> {
    pub(super) fn new(source: &'s dyn Source) -> Self {
        Self { source, problems: Vec::new() }
    }

    pub(super) fn settings(&mut self) -> Settings {
        Settings {
            broker: self.broker(),
            first_tries: self.get("RABBITMQ_MAX_RETRIES", 100, parse::number(1..=1_000_000)),
            retry_sleep: self.get("RABBITMQ_RETRY_SLEEP", Duration::from_secs(3), parse::seconds(0.0..=3600.0)),
            prefetch: self.get("RABBITMQ_PREFETCH", 1024, parse::number(1..=u16::MAX)),
            circuit_breaker: self.get("KILL_SWITCH_RATIO", None, |text| parse::ratio(text).map(Some)),
            retry: self.retry(),
            dead_letters: self.get("DEAD_LETTER", true, parse::yes_or_no),
            faults: self.faults(),
            logs: self.logs(),
            mov_level: self.get("LOG_MOV_LEVEL", LevelFilter::Info, parse::level),
            health: self.health_file(),
            mov_url: self.get("MOV_URL", None, |text| parse::http_url(text).map(Some)),
            workers: self.get("WORKERS", 1, parse::number(1..=64)),
            grace: self.get("SHUTDOWN_GRACE", Duration::from_secs(8), parse::seconds(1.0..=600.0)),
            register_timeout: self.get("REGISTER_TIMEOUT", Duration::from_secs(10), parse::seconds(1.0..=3600.0)),
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

    fn faults(&mut self) -> fault_injection::Options {
        fault_injection::Options {
            nack: self.get_prefixed(&CHAOS_NACK, 0.0, parse::ratio),
            fail: self.get_prefixed(&CHAOS_FAIL, 0.0, parse::ratio),
            delay: self.get_prefixed(&CHAOS_DELAY, Duration::ZERO, parse::seconds(0.0..=600.0)),
            excluded: self.get_prefixed(&CHAOS_SPARED, Vec::new(), parse::words),
            seed: self.get_prefixed(&CHAOS_SEED, 0, parse::number(0..=u64::MAX)),
        }
    }

    /// The first of several names that is set.
    fn get_prefixed<T>(
        &mut self,
        names: &[&'static str; 3],
        default: T,
        parse: impl Fn(&str) -> Result<T, Expected>,
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

    pub(super) fn health_file(&mut self) -> HealthFile {
        // The platform's own spelling first; it is in every Compose file there is.
        let misspelt = self.get("COMPONET_ID_FILE_NAME", None, |text| parse::file_name(text).map(Some));
        let spelt = self.get("COMPONENT_ID_FILE_NAME", None, |text| parse::file_name(text).map(Some));
        let name = spelt.or(misspelt).unwrap_or_else(|| "component_id.json".to_owned());
        HealthFile::new(self.log_folder().join(name))
    }

    fn log_folder(&mut self) -> PathBuf {
        self.get("LOG_DIR", "logs".into(), parse::folder)
    }

    /// The setting `name` as `parse` reads it, or `default` when it is not set, or wrong.
    pub(super) fn get<T>(&mut self, name: &'static str, default: T, parse: impl Fn(&str) -> Result<T, Expected>) -> T {
        let problem = match find(self.source, name) {
            Ok(None) => return default,
            Ok(Some(found)) => match parse(&found.text) {
                Ok(value) => return value,
                Err(expected) => Problem::with_value(name, expected, &found),
            },
            Err(expected) => Problem::new(name, expected),
        };
        self.note(problem);
        default
    }

    /// Remembers that the setting `name` is not what was expected.
    pub(super) fn expect(&mut self, name: &'static str, expected: Expected) {
        self.note(Problem::new(name, expected));
    }

    /// One problem for each setting is enough.
    fn note(&mut self, problem: Problem) {
        if !self.problems.iter().any(|other| other.name == problem.name) {
            self.problems.push(problem);
        }
    }
}
