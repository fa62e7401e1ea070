//! The settings of the key-value store. Consul is used if both stores are set.

use std::time::Duration;

use super::hosts;
use super::parse::{self, Expected};
use super::problems::Problem;
use super::reader::Reader;
use crate::secret::{Secret, holds_credentials};
use crate::store::{Address, Api, Login, Options};
use crate::tls;

/// The maximum number of prefixes: each is watched by a thread.
const MAX_PREFIXES: usize = 16;

impl Reader<'_> {
    /// The store whose host is set.
    pub(super) fn store(&mut self) -> Option<Options> {
        let consul = self.get("CONSUL_HOST", None, |text| host(text).map(Some));
        let etcd = self.get("ETCD_HOST", None, |text| host(text).map(Some));
        let tls = self.tls(&tls::HTTPS);
        let consul_port = self.get("CONSUL_PORT", 8500, parse::number(1..=u16::MAX));
        let etcd_port = self.get("ETCD_PORT", 2379, parse::number(1..=u16::MAX));
        let token = self.get("CONSUL_HTTP_TOKEN", None, |text| header_text(text).map(Some));
        let login = self.login();
        let version = self.get("ETCD_API", 3, parse::number(2..=3));
        let prefixes = self.prefixes();
        let timeout = self.get("KV_TIMEOUT", Duration::from_secs(5), parse::seconds(0.1..=60.0));
        let period = self.reload_period();
        let ((is_encrypted, host), port, api) = match (consul, etcd) {
            (Some(host), _) => (host, consul_port, Api::Consul { token }),
            (None, Some(host)) if version == 2 => (host, etcd_port, Api::Etcd2 { login }),
            (None, Some(host)) => (host, etcd_port, Api::Etcd3 { login }),
            (None, None) => return None,
        };
        let tls = is_encrypted.then_some(tls);
        Some(Options { address: Address { host, port }, tls, api, prefixes, timeout, period })
    }

    pub(super) fn reload_period(&mut self) -> Duration {
        self.get("RELOAD_CONFIG_PERIOD", Duration::from_secs(20), parse::seconds(1.0..=240.0))
    }

    /// The user of etcd, who needs a password.
    fn login(&mut self) -> Option<Login> {
        let username = self.get("ETCD_USERNAME", None, |text| parse::text(text).map(Some));
        let password = self.get("ETCD_PASSWORD", None, |text| Ok(Some(Secret::new(text))));
        match (username, password) {
            (Some(username), Some(password)) => return Some(Login { username, password }),
            (None, None) => {}
            (Some(_), None) => {
                self.add_problem(Problem::new("ETCD_PASSWORD", "a password for ETCD_USERNAME".to_owned()));
            }
            (None, Some(_)) => {
                self.add_problem(Problem::new("ETCD_USERNAME", "a user for ETCD_PASSWORD".to_owned()));
            }
        }
        None
    }

    /// The prefixes under the last of the names that is set; none if they depend on the name of the component.
    fn prefixes(&mut self) -> Vec<String> {
        let names = ["ETCD_PREFIX", "CONSUL_PREFIX", "KV_PREFIX"];
        let set = names.map(|name| self.get(name, Vec::new(), prefixes));
        set.into_iter().rfind(|prefixes| !prefixes.is_empty()).unwrap_or_default()
    }
}

/// One host, and whether it is reached with TLS. Its port has a setting of its own.
fn host(text: &str) -> Result<(bool, String), Expected> {
    let with_tls = text.strip_prefix("https://");
    match hosts::host_and_port(with_tls.or_else(|| text.strip_prefix("http://")).unwrap_or(text)) {
        Some((name, None)) => Ok((with_tls.is_some(), name)),
        _ => Err("a host without a port and a login, as in consul, 10.0.0.1 or https://consul".to_owned()),
    }
}

/// Prefixes that are separated by commas.
fn prefixes(text: &str) -> Result<Vec<String>, Expected> {
    let is_prefix =
        |prefix: &str| !prefix.is_empty() && !prefix.contains(char::is_control) && !holds_credentials(prefix);
    let prefixes: Vec<String> = text.split(',').map(|prefix| prefix.trim().to_owned()).collect();
    let are_valid = prefixes.len() <= MAX_PREFIXES && prefixes.iter().all(|prefix| is_prefix(prefix));
    let expected =
        || format!("up to {MAX_PREFIXES} prefixes separated by commas, as in /config/shared,/config/c1_echo");
    are_valid.then_some(prefixes).ok_or_else(expected)
}

/// A secret that is sent in a header.
fn header_text(text: &str) -> Result<Secret, Expected> {
    let is_valid = text.bytes().all(|byte| byte.is_ascii_graphic());
    is_valid.then(|| Secret::new(text)).ok_or_else(|| "a token without spaces and control characters".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Problems, Settings};

    fn store<const N: usize>(source: [(&str, &str); N]) -> Result<Option<Options>, Problems> {
        Settings::read(&source).map(|settings| settings.store)
    }

    fn login() -> Option<Login> {
        Some(Login { username: "me".to_owned(), password: Secret::new("hunter2") })
    }

    #[test]
    fn there_is_no_store_without_a_host() {
        assert_eq!(store([("CONSUL_PORT", "1"), ("ETCD_PORT", "1"), ("KV_PREFIX", "/a")]), Ok(None));
    }

    #[test]
    fn a_host_is_enough() {
        let consul = store([("CONSUL_HOST", "consul")]).unwrap().unwrap().for_component("c1_echo");
        let address = Address { host: "consul".to_owned(), port: 8500 };
        let expected = Options {
            address,
            tls: None,
            api: Api::Consul { token: None },
            prefixes: vec!["/config/c1_echo".to_owned()],
            timeout: Duration::from_secs(5),
            period: Duration::from_secs(20),
        };
        assert_eq!(consul, expected);
        let etcd = store([("ETCD_HOST", "::1")]).unwrap().unwrap();
        assert_eq!((etcd.address.to_string(), etcd.api), ("[::1]:2379".to_owned(), Api::Etcd3 { login: None }));
    }

    #[test]
    fn all_settings_of_a_store_are_read() {
        let settings = [
            ("ETCD_HOST", "etcd"),
            ("ETCD_PORT", "1"),
            ("ETCD_USERNAME", "me"),
            ("ETCD_PASSWORD", "hunter2"),
            ("KV_PREFIX", "/config/shared, config/echo/"),
            ("KV_TIMEOUT", "0.5"),
            ("RELOAD_CONFIG_PERIOD", "2"),
        ];
        let options = store(settings).unwrap().unwrap();
        assert_eq!(options.address.to_string(), "etcd:1");
        assert_eq!(options.api, Api::Etcd3 { login: login() });
        assert_eq!(options.prefixes, ["/config/shared", "config/echo/"]);
        assert_eq!(options.prefixes, options.clone().for_component("c1_other").prefixes);
        assert_eq!((options.timeout, options.period), (Duration::from_millis(500), Duration::from_secs(2)));
        let version_2 = store([settings[0], settings[2], settings[3], ("ETCD_API", "2")]).unwrap().unwrap();
        assert_eq!(version_2.api, Api::Etcd2 { login: login() });
    }

    #[test]
    fn consul_is_used_if_both_are_set() {
        let options = store([("ETCD_HOST", "etcd"), ("CONSUL_HOST", "consul"), ("CONSUL_HTTP_TOKEN", "t")]);
        let options = options.unwrap().unwrap();
        assert_eq!(options.name(), "Consul");
        assert_eq!(options.api, Api::Consul { token: Some(Secret::new("t")) });
        assert_eq!(options.address.to_string(), "consul:8500");
    }

    #[test]
    fn a_prefix_is_accepted_under_the_names_of_the_stores() {
        for name in ["KV_PREFIX", "CONSUL_PREFIX", "ETCD_PREFIX"] {
            let options = store([("CONSUL_HOST", "consul"), (name, "/a,/b")]).unwrap().unwrap();
            assert_eq!(options.prefixes, ["/a", "/b"], "{name}");
            let settings = Settings::read(&[(name, "/a,/b")]).unwrap();
            let shown = settings.effective.iter().find(|setting| setting.name == name).map(|setting| &*setting.value);
            assert_eq!(shown, Some("/a,/b"), "{name} in `config show`");
        }
    }

    #[test]
    fn false_is_false() {
        let settings = Settings::read(&[("RELOAD_ENABLED", "false"), ("REQUIRE_CONFIG", "true")]).unwrap();
        assert!(!settings.reload && settings.require_config);
    }

    #[test]
    fn invalid_settings_of_a_store_are_reported_without_secrets() {
        for (name, value, expected) in [
            ("CONSUL_HOST", "consul:8500", "CONSUL_HOST: expected a host without a port and a login"),
            ("ETCD_HOST", "ftp://hunter2", "ETCD_HOST: expected a host without a port and a login"),
            ("ETCD_HOST", "https://me:hunter2@etcd", "ETCD_HOST: expected a host without a port and a login"),
            ("CONSUL_HTTP_TOKEN", "hunter2 ", "CONSUL_HTTP_TOKEN: expected a token without spaces"),
            ("ETCD_API", "4", "ETCD_API: expected a number from 2 to 3; found `4`"),
            ("KV_PREFIX", "/a,,/b", "KV_PREFIX: expected up to 16 prefixes separated by commas"),
            ("KV_PREFIX", "me:hunter2@/a", "KV_PREFIX: expected up to 16 prefixes"),
            ("ETCD_PASSWORD", "hunter2", "ETCD_USERNAME: expected a user for ETCD_PASSWORD"),
            ("ETCD_USERNAME", "me", "ETCD_PASSWORD: expected a password for ETCD_USERNAME"),
            ("KV_TIMEOUT", "0", "KV_TIMEOUT: expected a number from 0.1 to 60, in seconds"),
            ("RELOAD_ENABLED", "maybe", "RELOAD_ENABLED: expected 1 or 0"),
        ] {
            let problems = Settings::read(&[(name, value)]).expect_err(value).to_string();
            assert!(problems.contains(expected), "{problems} does not contain {expected}");
            assert!(!problems.contains("hunter2"), "{problems} contains a secret");
        }
    }
}
