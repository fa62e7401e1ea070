//! HTTP calls with limits of time and size; without redirects and without a proxy.

use std::io::{BufRead, BufReader, Read};
use std::time::{Duration, Instant};

use serde_json::Value;
use ureq::http::{HeaderMap, Response};
use ureq::tls::TlsConfig;
use ureq::{Agent, Body};

use super::entries::Invalid;
use super::error::{Error, Server};
use crate::secret::Secret;
use crate::tls::https::{self, Https};
use crate::tls::{self, FileError};

/// The largest answer, and the longest line of a stream, in bytes.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// A header with a token or a login.
pub(super) type SecretHeader = (&'static str, Secret);

/// Calls a store.
#[derive(Debug)]
pub(super) struct Http {
    pub(super) timeout: Duration,
    server: Server,
    agent: Agent,
    https: Https,
}

/// What is requested: GET, or POST if there is JSON to send.
#[derive(Debug)]
pub(super) struct Request<'r> {
    pub(super) path: &'r str,
    pub(super) login: Option<&'r SecretHeader>,
    pub(super) json: Option<Value>,
    pub(super) deadline: Instant,
}

/// A whole answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    headers: HeaderMap,
}

/// An answer that is read line by line.
pub(super) struct Lines {
    reader: BufReader<ureq::BodyReader<'static>>,
}

/// A line of a stream, or why there is none.
#[derive(Debug)]
pub(super) enum Line {
    Text(Vec<u8>),
    /// The time limit has passed.
    None,
}

impl Http {
    /// Calls `server`, with `tls` or without. A connection must be established within `timeout`.
    pub(super) fn new(server: Server, timeout: Duration, tls: Option<tls::Options>) -> Self {
        let config = Agent::config_builder()
            .timeout_connect(Some(timeout))
            .timeout_resolve(Some(timeout))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // A connection that was kept would be dead after a restart of the store.
            .max_idle_connections(0)
            .proxy(None)
            .build();
        Self { timeout, server, agent: config.into(), https: Https::new(tls) }
    }

    /// The whole answer.
    pub(super) fn call(&self, request: &Request<'_>) -> Result<Answer, Error> {
        let began = Instant::now();
        let failed = |error| self.error(request, began, error);
        let mut response = self.send(self.tls()?, request).map_err(failed)?;
        let body = response.body_mut().with_config().limit(MAX_BYTES).read_to_vec().map_err(failed)?;
        if response.status() == 400 && https::is_wanted(&body) {
            let remedy = format!("it wants https; put https:// before the host of {}", self.server.name);
            return Err(self.status(request, 400, Some(remedy)));
        }
        Ok(Answer { status: response.status().as_u16(), body, headers: std::mem::take(response.headers_mut()) })
    }

    /// The beginning of an answer that is a stream; `Err` with the whole answer if its status is not 200. `None` if the
    /// deadline has passed.
    pub(super) fn open(&self, request: &Request<'_>) -> Result<Option<Result<Lines, Answer>>, Error> {
        let began = Instant::now();
        let failed = |error| self.error(request, began, error);
        let mut response = match self.send(self.tls()?, request) {
            Ok(response) => response,
            Err(ureq::Error::Timeout(ureq::Timeout::Global)) => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let status = response.status().as_u16();
        if status == 200 {
            let reader = BufReader::new(response.into_body().into_reader());
            return Ok(Some(Ok(Lines { reader })));
        }
        let body = response.body_mut().with_config().limit(MAX_BYTES).read_to_vec().map_err(failed)?;
        Ok(Some(Err(Answer { status, body, headers: HeaderMap::new() })))
    }

    fn tls(&self) -> Result<TlsConfig, Error> {
        let insecure = |error: FileError| Error::Insecure { server: self.server.clone(), reason: error.to_string() };
        self.https.config().map_err(insecure)
    }

    fn send(&self, tls: TlsConfig, request: &Request<'_>) -> Result<Response<Body>, ureq::Error> {
        let url = format!("{}://{}{}", self.https.scheme(), self.server.address, request.path);
        // A limit of zero would be none.
        let limit = request.deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        let (name, value) = request.login.map_or(("Accept", "*/*"), |(name, secret)| (*name, secret.reveal()));
        match &request.json {
            None => self
                .agent
                .get(url)
                .header(name, value)
                .config()
                .tls_config(tls)
                .timeout_global(Some(limit))
                .build()
                .call(),
            Some(json) => {
                let call = self.agent.post(url).header(name, value).content_type("application/json");
                call.config().tls_config(tls).timeout_global(Some(limit)).build().send(json.to_string())
            }
        }
    }

    fn error(&self, request: &Request<'_>, began: Instant, error: ureq::Error) -> Error {
        let (server, path) = (self.server.clone(), path_of(request));
        if let Some(reason) = self.https.failure(&error) {
            return Error::Insecure { server, reason };
        }
        match error {
            ureq::Error::Timeout(_) => Error::TimedOut { server, path, limit: began.elapsed() },
            ureq::Error::BodyExceedsLimit(limit) => Error::TooLarge { server, path, limit: format!("{limit} bytes") },
            ureq::Error::Protocol(_) => {
                Error::Invalid { server, path, invalid: Invalid::Other("something that is not HTTP") }
            }
            other => Error::Unreachable { server, reason: other.to_string() },
        }
    }

    pub(super) fn invalid(&self, request: &Request<'_>, invalid: Invalid) -> Error {
        let (server, path) = (self.server.clone(), path_of(request));
        match invalid {
            Invalid::TooManyKeys => {
                Error::TooLarge { server, path, limit: format!("{} keys", super::entries::MAX_KEYS) }
            }
            invalid => Error::Invalid { server, path, invalid },
        }
    }

    /// An answer with a status that means an error. `remedy` says what it means for this request, if anything special.
    pub(super) fn status(&self, request: &Request<'_>, status: u16, remedy: Option<String>) -> Error {
        let name = self.server.name;
        let remedy = remedy.unwrap_or_else(|| match status {
            300..=399 => format!("redirects are not followed; set the host and the port of {name} itself"),
            500..=599 => "look for the reason in its log; there may be no leader".to_owned(),
            _ => format!("check that the host and the port are those of {name}"),
        });
        Error::Status { server: self.server.clone(), path: path_of(request), status, remedy }
    }
}

/// The path without the query.
fn path_of(request: &Request<'_>) -> String {
    let path = request.path.split_once('?').map_or(request.path, |(path, _)| path);
    path.to_owned()
}

impl Answer {
    /// The number in a header.
    pub(super) fn number(&self, header: &'static str) -> Result<u64, Invalid> {
        let text = self.headers.get(header).and_then(|value| value.to_str().ok());
        text.and_then(|text| text.parse().ok()).ok_or(Invalid::Header(header))
    }
}

impl Lines {
    /// The next line.
    pub(super) fn next(&mut self) -> Result<Line, Invalid> {
        let mut line = Vec::new();
        let result = self.reader.by_ref().take(MAX_BYTES).read_until(b'\n', &mut line);
        match result {
            Ok(_) if line.ends_with(b"\n") => Ok(Line::Text(line)),
            Ok(_) if line.len() as u64 == MAX_BYTES => Err(Invalid::EndlessLine),
            Err(error) if is_timeout(&error) => {
                if line.is_empty() {
                    Ok(Line::None)
                } else {
                    Err(Invalid::EndlessLine)
                }
            }
            Ok(_) | Err(_) => Err(Invalid::EndOfStream),
        }
    }
}

fn is_timeout(error: &std::io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>());
    error.kind() == std::io::ErrorKind::TimedOut || matches!(inner, Some(ureq::Error::Timeout(_)))
}

/// Encodes a key for a path: everything except unreserved characters and slashes.
pub(super) fn encode_path(key: &str) -> String {
    key.bytes().fold(String::with_capacity(key.len()), |mut path, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.push('%');
            path.push_str(&crate::hex::encode(&[byte]));
        }
        path
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_cannot_add_to_a_query() {
        assert_eq!(encode_path("config/c1_echo"), "config/c1_echo");
        assert_eq!(encode_path("a b?c=d&e#%é"), "a%20b%3fc%3dd%26e%23%25%c3%a9");
    }
}
