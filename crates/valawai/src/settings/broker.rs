//! Where the broker is: an address that says all at once, or one setting for each part, or some of both.

use super::parse::{self, Expected, Place};
use super::reader::Reader;
use super::url::{self, BrokerUrl};
use crate::broker::amqp;
use crate::secret::Secret;

const DEFAULT_HOST: &str = "mov-mq";
const DEFAULT_PORT: u16 = 5672;

impl Reader<'_> {
    pub(super) fn broker(&mut self) -> amqp::Options {
        let url = self.get("RABBITMQ_URL", None, |text| url::read(text).map(Some));
        let host = self.get("RABBITMQ_HOST", None, |text| host(text).map(Some));
        let (name, url, places) = match (url, host) {
            (Some(url), host) => {
                if host.is_some_and(|host| !host.agrees_with(&url)) {
                    self.conflict("RABBITMQ_HOST", "RABBITMQ_URL");
                }
                ("RABBITMQ_URL", Some(url), Vec::new())
            }
            (None, Some(Host::Url(url))) => ("RABBITMQ_HOST", Some(url), Vec::new()),
            (None, Some(Host::Places(places))) => ("RABBITMQ_HOST", None, places),
            (None, None) => ("RABBITMQ_HOST", None, vec![(DEFAULT_HOST.to_owned(), None)]),
        };
        let places = url.iter().map(|url| (url.host.clone(), url.port)).chain(places).collect::<Vec<Place>>();
        let port = self.part(name, url.as_ref().and_then(|url| url.port), "RABBITMQ_PORT", parse::number(1..=u16::MAX));
        let hosts = places.into_iter().map(|(name, own)| {
            let port = own.or(port).unwrap_or(DEFAULT_PORT);
            amqp::Host { name, port }
        });
        let username =
            self.part(name, url.as_ref().and_then(|url| url.username.clone()), "RABBITMQ_USERNAME", parse::text);
        let password = self.part(name, url.as_ref().and_then(|url| url.password.clone()), "RABBITMQ_PASSWORD", secret);
        let vhost = self.part(name, url.as_ref().and_then(|url| url.vhost.clone()), "RABBITMQ_VHOST", parse::text);
        let heartbeat = url.as_ref().and_then(|url| url.heartbeat);
        let heartbeat = self.part(name, heartbeat, "RABBITMQ_HEARTBEAT", parse::number(parse::HEARTBEAT));
        amqp::Options {
            hosts: hosts.collect(),
            username: username.unwrap_or_else(|| "mov".to_owned()),
            password: password.unwrap_or_else(|| Secret::new("password")),
            vhost: vhost.unwrap_or_else(|| "/".to_owned()),
            heartbeat: heartbeat.unwrap_or(10),
            client: String::new(),
        }
    }

    /// One part of the address: as the setting `url_name` has it, or as its own setting `name` does. Both may say the same.
    fn part<T: PartialEq>(
        &mut self,
        url_name: &'static str,
        in_url: Option<T>,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, Expected>,
    ) -> Option<T> {
        let own = self.get(name, None, |text| parse(text).map(Some));
        if in_url.is_some() && own.is_some() && own != in_url {
            self.conflict(name, url_name);
        }
        in_url.or(own)
    }

    fn conflict(&mut self, name: &'static str, url_name: &str) {
        self.expect(name, format!("the same as {url_name} says, or only one of the two"));
    }
}

/// What `RABBITMQ_HOST` may hold.
enum Host {
    Url(BrokerUrl),
    Places(Vec<Place>),
}

impl Host {
    fn agrees_with(&self, url: &BrokerUrl) -> bool {
        match self {
            Self::Url(other) => other == url,
            Self::Places(places) => {
                matches!(&places[..], [(name, port)] if *name == url.host && (port.is_none() || *port == url.port))
            }
        }
    }
}

fn host(text: &str) -> Result<Host, Expected> {
    if url::is_url(text) { url::read(text).map(Host::Url) } else { parse::hosts(text).map(Host::Places) }
}

#[expect(clippy::unnecessary_wraps, reason = "it stands where parsers stand")]
fn secret(text: &str) -> Result<Secret, Expected> {
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use crate::settings::{Problems, Settings};

    const URL: &str = "amqp://me:hunter2@mq:1/%2Fours?heartbeat=7";

    fn broker<const N: usize>(source: [(&str, &str); N]) -> Result<crate::broker::amqp::Options, Problems> {
        Settings::read(&source).map(|settings| settings.broker)
    }

    #[test]
    fn an_address_says_all_of_it_in_either_setting() {
        for name in ["RABBITMQ_URL", "RABBITMQ_HOST"] {
            let broker = broker([(name, URL)]).unwrap();
            assert_eq!(broker.hosts[0].to_string(), "mq:1");
            assert_eq!((&*broker.username, broker.password.reveal()), ("me", "hunter2"));
            assert_eq!((&*broker.vhost, broker.heartbeat), ("/ours", 7));
        }
    }

    #[test]
    fn what_an_address_leaves_open_is_for_the_other_settings() {
        let broker =
            broker([("RABBITMQ_URL", "amqp://mq"), ("RABBITMQ_PORT", "9"), ("RABBITMQ_USERNAME", "me")]).unwrap();
        assert_eq!(broker.hosts[0].to_string(), "mq:9");
        assert_eq!((&*broker.username, broker.password.reveal()), ("me", "password"));
        assert_eq!((&*broker.vhost, broker.heartbeat), ("/", 10));
    }

    #[test]
    fn saying_the_same_twice_is_no_conflict_and_anything_else_is_one() {
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
            assert!(problems.contains(&format!("{name}: expected the same as RABBITMQ_URL says")), "{problems}");
            assert!(!problems.contains("hunter"), "{problems}");
        }
    }
}
