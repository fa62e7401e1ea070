//! The broker's HTTP API, which is faster than `rabbitmqctl`. Its counts lag by the sampling interval, so counts are read
//! elsewhere.

use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::http::Response;

use crate::wait::poll;

/// `mov:password` in Base64.
const AUTHORIZATION: &str = "Basic bW92OnBhc3N3b3Jk";
/// The API may start later than AMQP.
const LIMIT: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub(crate) struct Management {
    agent: Agent,
    port: u16,
}

impl Management {
    pub(crate) fn new(port: u16) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(LIMIT))
            // A pooled connection would be dead after the node was killed.
            .max_idle_connections(0)
            .build();
        Self { agent: agent.into(), port }
    }

    pub(crate) fn put(&self, path: &[&str], body: &Value) {
        let url = self.url(path);
        Self::expect_success("PUT", &url, || {
            let request = self.agent.put(&url).header("Authorization", AUTHORIZATION);
            request.header("Content-Type", "application/json").send(body.to_string())
        });
    }

    pub(crate) fn delete(&self, path: &[&str]) {
        let url = self.url(path);
        Self::expect_success("DELETE", &url, || self.agent.delete(&url).header("Authorization", AUTHORIZATION).call());
    }

    /// Whether a GET request succeeds.
    pub(crate) fn is_ok(&self, path: &[&str]) -> bool {
        let request = self.agent.get(self.url(path)).header("Authorization", AUTHORIZATION);
        request.call().is_ok_and(|response| response.status().is_success())
    }

    fn expect_success(method: &str, url: &str, call: impl Fn() -> Result<Response<ureq::Body>, ureq::Error>) {
        let mut last = None;
        let response = poll(LIMIT, || match call() {
            Ok(response) => Some(response),
            Err(error) => {
                last = Some(error);
                None
            }
        });
        let Some(mut response) = response else { panic!("no answer to {method} {url}: {last:?}") };
        if !response.status().is_success() {
            let reason = response.body_mut().read_to_string().unwrap_or_default();
            panic!("{method} {url} returned {}: {reason}", response.status());
        }
    }

    fn url(&self, path: &[&str]) -> String {
        let encoded: Vec<String> = path.iter().map(|segment| percent_encode(segment)).collect();
        format!("http://127.0.0.1:{}/api/{}", self.port, encoded.join("/"))
    }
}

/// Percent-encodes a path segment: queue names contain slashes.
fn percent_encode(segment: &str) -> String {
    segment.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.extend(['%', hexadecimal(byte >> 4), hexadecimal(byte & 15)]);
        }
        encoded
    })
}

fn hexadecimal(digit: u8) -> char {
    char::from_digit(digit.into(), 16).expect("a value below 16").to_ascii_uppercase()
}
