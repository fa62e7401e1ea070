//! etcd's version 2: `GET /v2/keys/<prefix>?recursive=true`, and the same with `wait=true`.

use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::Error;
use super::entries::{Bounded, Entries, Invalid, MAX_KEYS, read_object};
use super::http::{Http, Request, SecretHeader, encode_path};
use super::login::Login;
use super::prefix::Client;

/// The error codes of version 2: the key is not there; the events since the index are no longer known.
const KEY_NOT_FOUND: u64 = 100;
const EVENTS_CLEARED: u64 = 401;

/// Reads the keys below one prefix.
#[derive(Debug)]
pub(super) struct Etcd2 {
    http: Http,
    /// The prefix with a slash at its beginning, as all keys have one, and without one at its end.
    prefix: String,
    login: Option<SecretHeader>,
    /// The store's index at the last read.
    index: u64,
}

impl Etcd2 {
    pub(super) fn new(http: Http, prefix: &str, login: Option<&Login>) -> Self {
        let prefix = format!("/{}", prefix.trim_matches('/'));
        Self { http, prefix, login: login.map(|login| ("Authorization", login.basic())), index: 0 }
    }

    fn path(&self, query: &str) -> String {
        format!("/v2/keys{}?recursive=true&{query}", encode_path(&self.prefix))
    }

    fn remedy(&self, status: u16) -> Option<String> {
        let prefix = &self.prefix;
        match status {
            401 | 403 => Some(format!(
                "the user or the password is wrong, or may not read the prefix {prefix}; grant one of its roles to read \
                 {prefix}*"
            )),
            404 => Some("it does not offer version 2; start it with `--enable-v2`, or choose version 3".to_owned()),
            _ => None,
        }
    }
}

impl Client for Etcd2 {
    fn read(&mut self, deadline: Instant) -> Result<Entries, Error> {
        let path = self.path("quorum=true");
        let request = Request { path: &path, login: self.login.as_ref(), json: None, deadline };
        let answer = self.http.call(&request)?;
        let entries = match answer.status {
            200 => parse(&answer.body, &self.prefix),
            404 if error_code(&answer.body) == Some(KEY_NOT_FOUND) => Ok(Entries::default()),
            status => return Err(self.http.status(&request, status, self.remedy(status))),
        };
        let result = entries.and_then(|entries| Ok((entries, answer.number("X-Etcd-Index")?)));
        let (entries, index) = result.map_err(|invalid| self.http.invalid(&request, invalid))?;
        self.index = index;
        Ok(entries)
    }

    fn wait(&mut self, limit: Duration) -> Result<Option<Entries>, Error> {
        let path = self.path(&format!("wait=true&waitIndex={}", self.index.saturating_add(1)));
        let deadline = Instant::now() + limit;
        let request = Request { path: &path, login: self.login.as_ref(), json: None, deadline };
        match self.http.call(&request) {
            // The limit has passed without a change. If the store does not answer at all, the next read notices.
            Err(Error::TimedOut { .. }) if Instant::now() >= deadline => Ok(None),
            Err(error) => Err(error),
            Ok(answer) => match (answer.status, read_object::<Changed>(&answer.body)) {
                (200, Ok(_)) => Ok(None),
                (200, Err(invalid)) => Err(self.http.invalid(&request, invalid)),
                (400, _) if error_code(&answer.body) == Some(EVENTS_CLEARED) => Ok(None),
                (status, _) => Err(self.http.status(&request, status, self.remedy(status))),
            },
        }
    }
}

#[derive(Deserialize)]
struct Changed {
    #[serde(rename = "action")]
    _action: IgnoredAny,
}

#[derive(Deserialize)]
struct Root {
    node: Node,
}

#[derive(Deserialize)]
struct Node {
    #[serde(default)]
    key: String,
    value: Option<String>,
    #[serde(default)]
    nodes: Bounded<Node>,
}

/// The keys below `prefix` in the answer to a recursive request.
///
/// # Errors
/// What is wrong with the answer.
pub(super) fn parse(body: &[u8], prefix: &str) -> Result<Entries, Invalid> {
    let Root { node } = read_object(body)?;
    let folder = format!("{}/", prefix.trim_end_matches('/'));
    let mut entries = Entries::default();
    let mut waiting = vec![node];
    let mut count = 0;
    while let Some(Node { key, value, nodes }) = waiting.pop() {
        count += 1;
        if count > MAX_KEYS + 1 {
            return Err(Invalid::TooManyKeys);
        }
        if let (Some(value), Some(path)) = (value, key.strip_prefix(&folder)) {
            entries.add(path.as_bytes(), value.into_bytes());
        }
        waiting.extend(nodes.all()?);
    }
    Ok(entries)
}

/// The code in an error.
fn error_code(body: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Refused {
        #[serde(rename = "errorCode")]
        code: u64,
    }

    read_object(body).ok().map(|Refused { code }| code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_keys_are_read() {
        let body = br#"{"action":"get","node":{"key":"/config/echo","dir":true,"nodes":[
            {"key":"/config/echo/workers","value":"2","modifiedIndex":4,"createdIndex":4},
            {"key":"/config/echo/empty","value":""},
            {"key":"/config/echo/nothing","dir":true},
            {"key":"/config/echo/channels","dir":true,"nodes":[
                {"key":"/config/echo/channels/data","dir":true,"nodes":[
                    {"key":"/config/echo/channels/data/prefetch","value":"10"}]}]},
            {"key":"/config/echoes","value":"3"}]}}"#;
        let values = parse(body, "/config/echo").unwrap().values;
        let expected = [("channels/data/prefetch", "10"), ("empty", ""), ("workers", "2")];
        assert!(values.iter().map(|(path, text)| (&**path, &**text)).eq(expected), "{values:?}");
    }

    #[test]
    fn the_whole_store_can_be_the_prefix() {
        let body = br#"{"action":"get","node":{"dir":true,"nodes":[{"key":"/workers","value":"2"}]}}"#;
        assert_eq!(parse(body, "/").unwrap().values["workers"], "2");
    }

    #[test]
    fn other_answers_are_errors() {
        let deep = format!("{}{}", r#"{"node":{"nodes":["#.repeat(1000), "}".repeat(1000));
        for body in ["", "<html>", "{}", "null", r#"{"node":7}"#, r#"{"node":{"nodes":{}}}"#, &deep] {
            assert!(parse(body.as_bytes(), "/a").is_err(), "{body} was accepted");
        }
        assert_eq!(error_code(br#"{"errorCode":100,"message":"Key not found","index":3}"#), Some(KEY_NOT_FOUND));
    }
}
