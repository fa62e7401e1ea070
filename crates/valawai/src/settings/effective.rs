//! All settings with their values and sources, for operators.

use std::borrow::Cow;

use super::source::Found;
use super::table::{Row, SETTINGS, canonical};
use super::{routes, url};
use crate::broker::amqp;

/// What is shown instead of a secret.
const MASKED: &str = "***";

/// The names of settings with these words are secrets.
const SECRETS: [&str; 4] = ["PASSWORD", "TOKEN", "SECRET", "API_KEY"];

/// The origin of a setting that is not set.
const DEFAULT: &str = "default";

/// A setting. It contains no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// The name of the variable.
    pub name: Cow<'static, str>,
    /// The value, masked if it may contain a password.
    pub value: String,
    /// Where it was found.
    pub origin: String,
}

impl Effective {
    pub(super) fn explicit(name: Cow<'static, str>, found: &Found) -> Self {
        let value = shown(&name, &found.text);
        Self { name, value, origin: found.origin.clone() }
    }

    /// A setting that has no default here, with what was `found`.
    #[must_use]
    pub fn of(name: String, found: Option<&Found>) -> Self {
        match found {
            Some(found) => Self::explicit(name.into(), found),
            None => Self { name: name.into(), value: String::new(), origin: DEFAULT.to_owned() },
        }
    }

    /// Whether it is not set.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.origin == DEFAULT
    }
}

/// All settings: those that are set, the parts of a broker's URL, and the defaults of the others. Those of single channels are
/// included if they are set.
pub(super) fn all(explicit: &[Effective], broker: &amqp::Options) -> Vec<Effective> {
    let is_of = |setting: &&Effective, name: &str| canonical(&setting.name) == name;
    let from_url =
        explicit.iter().find(|setting| setting.name.starts_with("RABBITMQ_") && setting.value.contains("://"));
    let of_url = |name| Some((part_of_url(name, broker)?, format!("{}, {}", from_url?.name, place(&from_url?.origin))));
    let effective = |&Row { name, default, .. }: &Row| {
        // Of two spellings that are set, the last one that was read counts.
        if let Some(set) = explicit.iter().rev().find(|setting| is_of(setting, name)) {
            return set.clone();
        }
        let (value, origin) = of_url(name)
            .filter(|(value, _)| value != default)
            .unwrap_or_else(|| (shown(name, default), DEFAULT.to_owned()));
        Effective { name: name.into(), value, origin }
    };
    let of_channels = explicit.iter().filter(|setting| setting.name.starts_with("CHANNEL_")).cloned();
    SETTINGS.iter().map(effective).chain(of_channels).collect()
}

/// Where something is that has this origin.
fn place(origin: &str) -> String {
    let preposition = if origin == "the command line" { "on" } else { "in" };
    format!("{preposition} {origin}")
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
        "RABBITMQ_TLS" => u8::from(broker.is_encrypted).to_string(),
        _ => return None,
    })
}

/// The text, masked if it may contain a password.
#[must_use]
pub fn shown(name: &str, text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    if SECRETS.iter().any(|secret| name.contains(secret)) {
        return MASKED.to_owned();
    }
    if name == routes::NAME && !text.is_empty() {
        return crate::routes::masked(text);
    }
    match text.rsplit_once('@') {
        Some((_, host)) if url::is_encrypted(text) => format!("amqps://{MASKED}@{host}"),
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
    use crate::settings::{Settings, Variables};

    struct Recording(RefCell<Vec<String>>);

    impl Variables for Recording {
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
            let is_listed = SETTINGS.iter().any(|row| canonical(name) == row.name);
            assert!(is_listed, "{name} is not in SETTINGS");
        }
        assert!(without.effective.iter().all(Effective::is_default));
        let defaults: Vec<(&str, &str)> = SETTINGS.iter().map(|row| (row.name, row.default)).collect();
        let defaults = Settings::read(&&defaults[..]).unwrap();
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
        assert_eq!(settings.effective.len(), SETTINGS.len());
        assert!(!format!("{:?}", settings.effective).contains("hunter2"));
    }

    #[test]
    fn a_value_that_may_contain_a_password_is_masked() {
        for (name, text, expected) in [
            ("RABBITMQ_PASSWORD", "secret", "***"),
            ("ETCD_PASSWORD", "secret", "***"),
            ("CONSUL_HTTP_TOKEN", "secret", "***"),
            ("CONSUL_HTTP_TOKEN", "", ""),
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
