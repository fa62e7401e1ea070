//! What operators' commands need of the settings: a setting of the log or of the health file does not stop them.

use super::reader::Reader;
use super::source::{Found, Source};
use super::{Problems, Settings, url};
use crate::broker::amqp;
use crate::consumer::retry;
use crate::mov::rest;
use crate::routes::HandlerChannel;
use crate::secret::Secret;

/// The settings of the operators' commands.
#[derive(Debug, Clone)]
pub struct OperatorSettings {
    /// How to connect to the broker.
    pub broker: amqp::Options,
    /// `MAX_RETRIES`, `RETRY_TTL`, `RETRY_BACKOFF`, `RETRY_MAX_TTL`: which retry queues there may be.
    pub retry: retry::Options,
    /// `MOV_URL`: the address of the MOV's REST interface.
    pub mov_url: Option<rest::Options>,
}

impl OperatorSettings {
    /// Reads the settings from `source`; with the URL of a broker, that URL replaces the settings of the broker.
    ///
    /// # Errors
    /// All of these that are invalid.
    pub fn read(source: &dyn Source, broker: Option<&Secret>) -> Result<Self, Problems> {
        let with_broker = WithBroker { source, url: broker.map(Secret::reveal) };
        let mut reader = Reader::new(&with_broker);
        let settings = Self { broker: reader.broker(), retry: reader.retry(), mov_url: reader.mov_url() };
        reader.finish(settings)
    }

    /// Reads all settings, as the component would with the broker of the URL.
    ///
    /// # Errors
    /// All invalid settings.
    pub fn read_all(
        source: &dyn Source,
        handlers: Option<&[HandlerChannel]>,
        broker: Option<&Secret>,
    ) -> Result<Settings, Problems> {
        let source = WithBroker { source, url: broker.map(Secret::reveal) };
        handlers.map_or_else(|| Settings::read(&source), |handlers| Settings::read_for(&source, handlers))
    }

    /// Checks the URL of a broker.
    ///
    /// # Errors
    /// What was expected. It contains no part of the URL.
    pub fn check_broker_url(url: &Secret) -> Result<(), String> {
        url::parse(url.reveal()).map(drop)
    }
}

/// The settings of the broker come from a URL instead of the source. The login does if the URL has none.
struct WithBroker<'s> {
    source: &'s dyn Source,
    url: Option<&'s str>,
}

impl Source for WithBroker<'_> {
    fn find(&self, name: &str) -> Result<Option<Found>, String> {
        let Some(url) = self.url else { return self.source.find(name) };
        let has_login = url.contains('@');
        match name {
            "RABBITMQ_URL" => {
                let (text, origin) = (url.to_owned(), "the command line".to_owned());
                Ok(Some(Found { text, origin, priority: usize::MAX }))
            }
            "RABBITMQ_HOST" | "RABBITMQ_PORT" | "RABBITMQ_VHOST" | "RABBITMQ_TLS" => Ok(None),
            "RABBITMQ_USERNAME" | "RABBITMQ_PASSWORD" | "RABBITMQ_AUTH" if has_login => Ok(None),
            "RABBITMQ_AUTH" | "RABBITMQ_CA_FILE" | "RABBITMQ_CERT_FILE" | "RABBITMQ_KEY_FILE"
                if !url::is_encrypted(url) =>
            {
                Ok(None)
            }
            "RABBITMQ_HEARTBEAT" if url.contains("heartbeat=") => Ok(None),
            _ => self.source.find(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENVIRONMENT: [(&str, &str); 4] = [
        ("RABBITMQ_URL", "amqp://other:hunter2@elsewhere:1/x"),
        ("RABBITMQ_USERNAME", "me"),
        ("RABBITMQ_PASSWORD", "hunter3"),
        ("LOG_FILE_LEVEL", "LOUD"),
    ];

    #[test]
    fn the_url_of_the_command_line_replaces_the_settings_of_the_broker() {
        let url = Secret::new("amqp://you:hunter4@mq/y");
        let broker = OperatorSettings::read(&ENVIRONMENT, Some(&url)).unwrap().broker;
        assert_eq!((broker.hosts[0].to_string().as_str(), &*broker.username, &*broker.vhost), ("mq:5672", "you", "y"));
        assert_eq!(broker.password.reveal(), "hunter4");
    }

    #[test]
    fn a_url_without_a_login_uses_that_of_the_environment() {
        let broker = OperatorSettings::read(&ENVIRONMENT, Some(&Secret::new("amqp://mq"))).unwrap().broker;
        assert_eq!((&*broker.username, broker.password.reveal()), ("me", "hunter3"));
    }

    #[test]
    fn only_the_settings_that_commands_use_are_checked() {
        let source = [("LOG_FILE_LEVEL", "LOUD"), ("RABBITMQ_PORT", "x")];
        let problems = OperatorSettings::read(&source, None).unwrap_err().to_string();
        assert!(problems.contains("RABBITMQ_PORT") && !problems.contains("LOG_FILE_LEVEL"), "{problems}");
    }
}
