//! The settings of the broker: its URL, a setting for each part of the URL, or some of both.

use super::hosts::{self, HostAddress};
use super::parse::{self, Expected};
use super::problems::Problem;
use super::reader::Reader;
use super::url::{self, BrokerUrl};
use crate::broker::amqp;
use crate::secret::Secret;
use crate::tls;

const DEFAULT_HOST: &str = "mov-mq";

impl Reader<'_> {
    pub(super) fn broker(&mut self) -> amqp::Options {
        let url = self.get("RABBITMQ_URL", None, |text| url::parse(text).map(Some));
        let host = self.get("RABBITMQ_HOST", None, |text| parse_host(text).map(Some));
        let (url_name, addresses, url) = match (url, host) {
            (Some(url), Some(host)) if self.priority("RABBITMQ_HOST") > self.priority("RABBITMQ_URL") => match host {
                Host::Url(host) => ("RABBITMQ_HOST", vec![host.address()], host),
                Host::Addresses(addresses) => ("RABBITMQ_URL", addresses, url),
            },
            (Some(url), host) => {
                let same_source = self.priority("RABBITMQ_HOST") == self.priority("RABBITMQ_URL");
                if host.is_some_and(|host| same_source && !host.matches(&url)) {
                    self.add_conflict("RABBITMQ_HOST", "RABBITMQ_URL");
                }
                ("RABBITMQ_URL", vec![url.address()], url)
            }
            (None, Some(Host::Url(url))) => ("RABBITMQ_HOST", vec![url.address()], url),
            (None, Some(Host::Addresses(addresses))) => ("RABBITMQ_HOST", addresses, BrokerUrl::default()),
            (None, None) => ("RABBITMQ_HOST", vec![(DEFAULT_HOST.to_owned(), None)], BrokerUrl::default()),
        };
        let port = self.part(url_name, url.port, "RABBITMQ_PORT", parse::number(1..=u16::MAX));
        let username = self.part(url_name, url.username, "RABBITMQ_USERNAME", parse::text);
        let password = self.part(url_name, url.password, "RABBITMQ_PASSWORD", parse_secret);
        let vhost = self.part(url_name, url.vhost, "RABBITMQ_VHOST", parse::text);
        let heartbeat = self.part(url_name, url.heartbeat, "RABBITMQ_HEARTBEAT", parse::number(parse::HEARTBEAT));
        let is_encrypted = self.part(url_name, url.is_encrypted, "RABBITMQ_TLS", parse::yes_or_no).unwrap_or_default();
        let tls = self.tls(&tls::BROKER);
        let external = self.get("RABBITMQ_AUTH", false, parse::is_external);
        if external && !(is_encrypted && tls.identity.is_some()) {
            self.add_problem(Problem::new(
                "RABBITMQ_AUTH",
                "TLS, RABBITMQ_CERT_FILE and RABBITMQ_KEY_FILE with `external`".to_owned(),
            ));
        }
        let host = |(name, own_port): HostAddress| {
            let port = own_port.or(port).unwrap_or(amqp::default_port(is_encrypted));
            amqp::Host { name, port }
        };
        amqp::Options {
            hosts: addresses.into_iter().map(host).collect(),
            username: username.unwrap_or_else(|| "mov".to_owned()),
            password: password.unwrap_or_else(|| Secret::new("password")),
            vhost: vhost.unwrap_or_else(|| "/".to_owned()),
            heartbeat: heartbeat.unwrap_or(10),
            is_encrypted,
            tls,
            external,
            client: String::new(),
        }
    }

    /// One part of the URL, from the URL in the setting `url_name` or from the setting `name`. If both contain it, the higher
    /// source counts; in one source they must be the same.
    fn part<T: PartialEq>(
        &mut self,
        url_name: &'static str,
        in_url: Option<T>,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, Expected>,
    ) -> Option<T> {
        let own = self.get(name, None, |text| parse(text).map(Some));
        match (own, in_url) {
            (Some(own), Some(in_url)) => {
                let (own_priority, url_priority) = (self.priority(name), self.priority(url_name));
                if own_priority == url_priority && own != in_url {
                    self.add_conflict(name, url_name);
                }
                Some(if own_priority > url_priority { own } else { in_url })
            }
            (own, in_url) => own.or(in_url),
        }
    }
}

/// The value of `RABBITMQ_HOST`.
enum Host {
    Url(BrokerUrl),
    Addresses(Vec<HostAddress>),
}

impl Host {
    fn matches(&self, url: &BrokerUrl) -> bool {
        match self {
            Self::Url(other) => other == url,
            Self::Addresses(addresses) => {
                matches!(&addresses[..], [(name, port)] if *name == url.host && (port.is_none() || *port == url.port))
            }
        }
    }
}

fn parse_host(text: &str) -> Result<Host, Expected> {
    if url::is_url(text) { url::parse(text).map(Host::Url) } else { hosts::parse(text).map(Host::Addresses) }
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of a parser")]
fn parse_secret(text: &str) -> Result<Secret, Expected> {
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use crate::settings::{Document, Layers, Problems, Settings};

    const URL: &str = "amqp://me:hunter2@mq:1/%2Fours?heartbeat=7";

    fn broker<const N: usize>(source: [(&str, &str); N]) -> Result<crate::broker::amqp::Options, Problems> {
        Settings::read(&source).map(|settings| settings.broker)
    }

    #[test]
    fn either_setting_may_contain_the_whole_url() {
        for name in ["RABBITMQ_URL", "RABBITMQ_HOST"] {
            let broker = broker([(name, URL)]).unwrap();
            assert_eq!(broker.hosts[0].to_string(), "mq:1");
            assert_eq!((&*broker.username, broker.password.reveal()), ("me", "hunter2"));
            assert_eq!((&*broker.vhost, broker.heartbeat), ("/ours", 7));
        }
    }

    #[test]
    fn parts_that_the_url_does_not_contain_come_from_their_own_settings() {
        let broker =
            broker([("RABBITMQ_URL", "amqp://mq"), ("RABBITMQ_PORT", "9"), ("RABBITMQ_USERNAME", "me")]).unwrap();
        assert_eq!(broker.hosts[0].to_string(), "mq:9");
        assert_eq!((&*broker.username, broker.password.reveal()), ("me", "password"));
        assert_eq!((&*broker.vhost, broker.heartbeat), ("/", 10));
    }

    #[test]
    fn tls_is_in_the_address_or_in_a_setting_and_has_a_port_of_its_own() {
        for (settings, expected) in [
            ([("RABBITMQ_URL", "amqps://mq"), ("RABBITMQ_TLS", "")], (true, "mq:5671")),
            ([("RABBITMQ_URL", "amqps://mq:1"), ("RABBITMQ_TLS", "1")], (true, "mq:1")),
            ([("RABBITMQ_HOST", "mq"), ("RABBITMQ_TLS", "1")], (true, "mq:5671")),
            ([("RABBITMQ_HOST", "mq:2"), ("RABBITMQ_TLS", "true")], (true, "mq:2")),
            ([("RABBITMQ_URL", "amqp://mq"), ("RABBITMQ_TLS", "0")], (false, "mq:5672")),
        ] {
            let broker = broker(settings).unwrap();
            assert_eq!((broker.is_encrypted, &*broker.hosts[0].to_string()), expected, "{settings:?}");
        }
        let problems = broker([("RABBITMQ_URL", "amqp://mq"), ("RABBITMQ_TLS", "1")]).unwrap_err().to_string();
        assert!(problems.contains("RABBITMQ_TLS: expected the same as in RABBITMQ_URL"), "{problems}");
    }

    #[test]
    fn files_without_tls_are_a_mistake_unless_a_source_above_them_turned_it_off() {
        let ca_file: &'static str = testkit::Authority::shared().ca_file().to_str().unwrap().to_owned().leak();
        let read = |in_environment: &'static str, in_store: &str| {
            let environment = [("RABBITMQ_TLS", in_environment), ("RABBITMQ_CA_FILE", ca_file)];
            let store = Document::new("Consul", json!({ "rabbitmq_tls": in_store }).as_object().unwrap());
            let layers = Layers::read(Arc::new(environment), Document::default()).unwrap().with_store(store);
            Settings::read(&layers).map(|settings| settings.broker.is_encrypted)
        };
        assert_eq!((read("1", "1"), read("0", "1"), read("1", "0")), (Ok(true), Ok(true), Ok(false)));
        let problems = broker([("RABBITMQ_TLS", "0"), ("RABBITMQ_CA_FILE", ca_file)]).unwrap_err().to_string();
        assert!(problems.contains("RABBITMQ_CA_FILE: expected RABBITMQ_TLS=1"), "{problems}");
    }

    #[test]
    fn a_setting_may_repeat_a_part_of_the_url() {
        let same = [
            ("RABBITMQ_URL", URL),
            ("RABBITMQ_HOST", "mq:1"),
            ("RABBITMQ_PORT", "1"),
            ("RABBITMQ_USERNAME", "me"),
            ("RABBITMQ_PASSWORD", "hunter2"),
            ("RABBITMQ_VHOST", "/ours"),
            ("RABBITMQ_HEARTBEAT", "7"),
        ];
        assert!(broker(same).is_ok());
        assert!(broker([("RABBITMQ_URL", URL), ("RABBITMQ_HOST", URL)]).is_ok());
    }

    #[test]
    fn a_setting_of_a_higher_source_replaces_a_part_of_the_url_or_all_of_it() {
        let environment = [("RABBITMQ_URL", URL), ("RABBITMQ_USERNAME", "me")];
        let read = |store: serde_json::Value| {
            let store = Document::new("Consul", store.as_object().unwrap());
            let layers = Layers::read(Arc::new(environment), Document::default()).unwrap().with_store(store);
            Settings::read(&layers).unwrap().broker
        };
        let moved = read(json!({ "rabbitmq_host": "other:2", "rabbitmq_password": "hunter3" }));
        assert_eq!((moved.hosts[0].to_string(), moved.password.reveal()), ("other:2".to_owned(), "hunter3"));
        assert_eq!((&*moved.username, &*moved.vhost), ("me", "/ours"));
        let url = read(json!({ "rabbitmq_url": "amqp://you:hunter4@third/" }));
        assert_eq!(
            (url.hosts[0].to_string(), &*url.username, url.password.reveal()),
            ("third:5672".into(), "you", "hunter4")
        );
    }

    #[test]
    fn a_setting_that_contradicts_the_url_is_a_problem() {
        for (name, value) in [
            ("RABBITMQ_HOST", "other"),
            ("RABBITMQ_HOST", "mq:2"),
            ("RABBITMQ_HOST", "mq,other"),
            ("RABBITMQ_HOST", "amqp://mq"),
            ("RABBITMQ_PORT", "2"),
            ("RABBITMQ_USERNAME", "you"),
            ("RABBITMQ_PASSWORD", "hunter3"),
            ("RABBITMQ_VHOST", "/"),
            ("RABBITMQ_HEARTBEAT", "8"),
        ] {
            let problems = broker([("RABBITMQ_URL", URL), (name, value)]).expect_err(value).to_string();
            let expected = format!("{name}: expected the same as in RABBITMQ_URL, or only one of the two");
            assert!(problems.contains(&expected), "{problems}");
            assert!(!problems.contains("hunter"), "{problems}");
        }
    }
}
