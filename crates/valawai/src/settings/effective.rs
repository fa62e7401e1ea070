//! All settings with their values and sources, for operators.

use super::source::Found;
use super::{routes, url};
use crate::broker::amqp;

/// What is shown instead of a secret.
const MASKED: &str = "***";

/// The origin of a setting that is not set.
const DEFAULT: &str = "default";

/// All settings in the order of docs/settings.md, with what they are if they are not set; nothing stands for off.
const DEFAULTS: &[(&str, &str)] = &[
    ("RABBITMQ_URL", ""),
    ("RABBITMQ_HOST", "mov-mq"),
    ("RABBITMQ_PORT", "5672"),
    ("RABBITMQ_USERNAME", "mov"),
    ("RABBITMQ_PASSWORD", "password"),
    ("RABBITMQ_VHOST", "/"),
    ("RABBITMQ_HEARTBEAT", "10"),
    ("RABBITMQ_MAX_RETRIES", "100"),
    ("RABBITMQ_RETRY_SLEEP", "3"),
    ("RABBITMQ_PREFETCH", "1024"),
    ("MOV_URL", ""),
    ("REGISTER_TIMEOUT", "10"),
    ("WORKERS", "1"),
    ("SHUTDOWN_GRACE", "8"),
    ("SERVICE_CONTROL", "1"),
    ("LOG_DIR", "logs"),
    ("LOG_FILE_NAME", "log_messages.txt"),
    ("LOG_FILE_LEVEL", "DEBUG"),
    ("LOG_FILE_MAX_BYTES", "1000000"),
    ("LOG_FILE_BACKUP_COUNT", "5"),
    ("LOG_CONSOLE_LEVEL", "INFO"),
    ("LOG_MOV_LEVEL", "INFO"),
    ("COMPONENT_ID_FILE_NAME", "component_id.json"),
    ("MAX_RETRIES", "5"),
    ("RETRY_TTL", "5000"),
    ("RETRY_BACKOFF", "2"),
    ("RETRY_MAX_TTL", "300000"),
    ("DEAD_LETTER", "1"),
    ("KILL_SWITCH_RATIO", ""),
    ("QUEUE_CONFIG", ""),
    ("CHAOS_PERCENTAGE_SIMULATE_NACK", "0"),
    ("CHAOS_PERCENTAGE_SIMULATE_FAILURES", "0"),
    ("CHAOS_DELAY_BEFORE_HANDLER_SECONDS", "0"),
    ("CHAOS_PROTECTED_ROUTING_KEYS", ""),
    ("CHAOS_SEED", "0"),
];

/// A setting. It contains no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// The name of the variable.
    pub name: &'static str,
    /// The value, masked if it may contain a password.
    pub value: String,
    /// Where it was found.
    pub origin: String,
}

impl Effective {
    pub(super) fn explicit(name: &'static str, found: &Found) -> Self {
        Self { name, value: shown(name, &found.text), origin: found.origin.clone() }
    }

    /// Whether it is not set.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.origin == DEFAULT
    }
}

/// All settings: those that are set, the parts of a broker's URL, and the defaults of the others.
pub(super) fn all(explicit: &[Effective], broker: &amqp::Options) -> Vec<Effective> {
    let is_of = |setting: &&Effective, name: &str| canonical(setting.name) == name;
    let from_url =
        explicit.iter().find(|setting| setting.name.starts_with("RABBITMQ_") && setting.value.contains("://"));
    let of_url = |name| Some((part_of_url(name, broker)?, format!("{}, in {}", from_url?.name, from_url?.origin)));
    let effective = |&(name, default): &(&'static str, &str)| {
        // Of two spellings that are set, the last one that was read counts.
        if let Some(set) = explicit.iter().rev().find(|setting| is_of(setting, name)) {
            return set.clone();
        }
        let (value, origin) = of_url(name)
            .filter(|(value, _)| value != default)
            .unwrap_or_else(|| (shown(name, default), DEFAULT.to_owned()));
        Effective { name, value, origin }
    };
    DEFAULTS.iter().map(effective).collect()
}

/// What the URL of the broker replaces.
fn part_of_url(name: &str, broker: &amqp::Options) -> Option<String> {
    let host = broker.hosts.first()?;
    Some(match name {
        "RABBITMQ_HOST" => host.name.clone(),
        "RABBITMQ_PORT" => host.port.to_string(),
        "RABBITMQ_USERNAME" => broker.username.clone(),
        "RABBITMQ_PASSWORD" => MASKED.to_owned(),
        "RABBITMQ_VHOST" => broker.vhost.clone(),
        "RABBITMQ_HEARTBEAT" => broker.heartbeat.to_string(),
        _ => return None,
    })
}

/// The name under which docs/settings.md lists a setting that has several.
fn canonical(name: &str) -> &str {
    let name = ["EVENT_", "MESSAGE_"].iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
    if name == "COMPONET_ID_FILE_NAME" { "COMPONENT_ID_FILE_NAME" } else { name }
}

fn shown(name: &str, text: &str) -> String {
    if name.contains("PASSWORD") {
        return MASKED.to_owned();
    }
    if name == routes::NAME && !text.is_empty() {
        return crate::routes::masked(text);
    }
    match text.rsplit_once('@') {
        Some((_, host)) if url::is_url(text) => format!("amqp://{MASKED}@{host}"),
        // Something before an `@` may be a password.
        Some(_) => MASKED.to_owned(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::settings::{Settings, Source};

    struct Recording(RefCell<Vec<String>>);

    impl Source for Recording {
        fn get(&self, name: &str) -> Result<Option<String>, String> {
            self.0.borrow_mut().push(name.to_owned());
            Ok(None)
        }
    }

    fn value<'s>(settings: &'s Settings, name: &str) -> (&'s str, &'s str) {
        let setting = settings.effective.iter().find(|it| it.name == name).unwrap_or_else(|| panic!("no {name}"));
        (&setting.value, &setting.origin)
    }

    #[test]
    fn each_setting_that_is_read_has_its_default_here() {
        let recording = Recording(RefCell::default());
        let without = Settings::read(&recording).unwrap();
        for name in recording.0.borrow().iter().filter(|name| !name.ends_with("_FILE")) {
            let is_listed = DEFAULTS.iter().any(|(listed, _)| canonical(name) == *listed);
            assert!(is_listed, "{name} is not in DEFAULTS");
        }
        assert!(without.effective.iter().all(Effective::is_default));
        let defaults = Settings::read(&DEFAULTS).unwrap();
        let comparable = |settings| format!("{:?}", Settings { effective: Vec::new(), ..settings });
        assert_eq!(comparable(defaults), comparable(without), "a default is not what an unset variable means");
    }

    #[test]
    fn what_is_set_has_its_source() {
        let settings = Settings::read(&[
            ("WORKERS", "2"),
            ("EVENT_CHAOS_SEED", "7"),
            ("COMPONET_ID_FILE_NAME", "id.json"),
            ("RABBITMQ_URL", "amqp://me:hunter2@mq/ours"),
        ])
        .unwrap();
        assert_eq!(value(&settings, "WORKERS"), ("2", "the environment"));
        assert_eq!(value(&settings, "EVENT_CHAOS_SEED"), ("7", "the environment"));
        assert_eq!(value(&settings, "COMPONET_ID_FILE_NAME"), ("id.json", "the environment"));
        assert_eq!(value(&settings, "RABBITMQ_URL"), ("amqp://***@mq/ours", "the environment"));
        assert_eq!(value(&settings, "RABBITMQ_HOST"), ("mq", "RABBITMQ_URL, in the environment"));
        assert_eq!(value(&settings, "RABBITMQ_PASSWORD"), ("***", "RABBITMQ_URL, in the environment"));
        assert_eq!(value(&settings, "RABBITMQ_PORT"), ("5672", "default"));
        assert_eq!(settings.effective.len(), DEFAULTS.len());
        assert!(!format!("{:?}", settings.effective).contains("hunter2"));
    }

    #[test]
    fn a_value_that_may_contain_a_password_is_masked() {
        for (name, text, expected) in [
            ("RABBITMQ_PASSWORD", "secret", "***"),
            ("RABBITMQ_URL", "amqp://user:secret@host/vhost", "amqp://***@host/vhost"),
            ("RABBITMQ_URL", "amqp://user:sec@ret@host", "amqp://***@host"),
            ("RABBITMQ_USERNAME", "user:secret@host", "***"),
            ("RABBITMQ_HOST", "a,b:5673", "a,b:5673"),
            ("WORKERS", "2", "2"),
        ] {
            assert_eq!(shown(name, text), expected, "{name}={text}");
        }
    }
}
