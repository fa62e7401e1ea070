//! The JSON gateway of etcd's version 3: `/v3/kv/range`, `/v3/watch` and `/v3/auth/authenticate`.

mod session;
pub(super) mod watch;

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;

use self::session::Session;
use self::watch::Event;
use super::Error;
use super::entries::{Bounded, Entries, Invalid, MAX_KEYS, decode, read_object};
use super::http::{Http, Line, Lines, Request};
use super::login::Login;
use super::prefix::Client;

const RANGE: &str = "/v3/kv/range";
const WATCH: &str = "/v3/watch";

/// Reads the keys below one prefix.
#[derive(Debug)]
pub(super) struct Etcd3 {
    session: Session,
    /// The prefix with a slash at its end.
    prefix: String,
    /// The store's revision at the last read.
    revision: u64,
}

impl Etcd3 {
    pub(super) fn new(http: Http, prefix: &str, login: Option<Login>) -> Self {
        let prefix = format!("{}/", prefix.trim_end_matches('/'));
        Self { session: Session::new(http, login), prefix, revision: 0 }
    }

    /// The keys that begin with the prefix: those before the same prefix with the byte after the slash.
    fn range(&self) -> (String, String) {
        let end = format!("{}0", &self.prefix[..self.prefix.len() - 1]);
        (STANDARD.encode(&self.prefix), STANDARD.encode(end))
    }

    fn remedy(&self, status: u16) -> Option<String> {
        let prefix = &self.prefix;
        Some(match status {
            400 => "it may require a login, or the roles of the user were changed; check the user and the password"
                .to_owned(),
            401 => "the login expired; check the user and the password".to_owned(),
            403 => format!("the user may not read the prefix {prefix}; grant one of its roles to read this prefix"),
            404 | 405 | 501 => {
                "it has no JSON gateway of version 3; use etcd 3.4 or later, or choose version 2".to_owned()
            }
            _ => return None,
        })
    }

    /// Reads lines up to a change.
    fn follow(&self, lines: &mut Lines, request: &Request<'_>) -> Result<(), Error> {
        loop {
            let line = match lines.next() {
                Ok(Line::Text(line)) => line,
                Ok(Line::None) => return Ok(()),
                Err(invalid) => return Err(self.session.http.invalid(request, invalid)),
            };
            match watch::parse(&line).map_err(|invalid| self.session.http.invalid(request, invalid))? {
                Event::Quiet => {}
                // After a compaction the events since the last read are gone; the next read has their result.
                Event::Change | Event::Compacted => return Ok(()),
                Event::Canceled => {
                    // The gateway reports in the stream what other requests are answered with status 403.
                    return Err(self.session.http.status(request, 403, self.remedy(403)));
                }
            }
        }
    }
}

impl Client for Etcd3 {
    fn read(&mut self, deadline: Instant) -> Result<Entries, Error> {
        let (key, range_end) = self.range();
        let json = json!({ "key": key, "range_end": range_end, "limit": (MAX_KEYS + 1).to_string() });
        let answer = self.session.call(RANGE, &json, deadline)?;
        let request = Request { path: RANGE, login: None, json: None, deadline };
        if answer.status != 200 {
            return Err(self.session.http.status(&request, answer.status, self.remedy(answer.status)));
        }
        let (entries, revision) =
            parse(&answer.body, &self.prefix).map_err(|invalid| self.session.http.invalid(&request, invalid))?;
        self.revision = revision;
        Ok(entries)
    }

    fn wait(&mut self, limit: Duration) -> Result<Option<Entries>, Error> {
        let (key, range_end) = self.range();
        let start = (self.revision + 1).to_string();
        let json = json!({ "create_request": { "key": key, "range_end": range_end, "start_revision": start } });
        let login = self.session.token();
        let request =
            Request { path: WATCH, login: login.as_ref(), json: Some(json), deadline: Instant::now() + limit };
        match self.session.http.open(&request)? {
            None => {}
            Some(Ok(mut lines)) => self.follow(&mut lines, &request)?,
            Some(Err(answer)) => {
                return Err(self.session.http.status(&request, answer.status, self.remedy(answer.status)));
            }
        }
        Ok(None)
    }
}

/// The gateway writes 64-bit numbers as strings.
#[derive(Deserialize)]
struct Header {
    revision: String,
}

#[derive(Deserialize)]
struct Range {
    header: Header,
    #[serde(default)]
    kvs: Bounded<KeyValue>,
}

#[derive(Deserialize)]
struct KeyValue {
    key: String,
    #[serde(default)]
    value: String,
}

/// The keys below `prefix` in the answer to a range request, and the revision of the store.
///
/// # Errors
/// What is wrong with the answer.
pub(super) fn parse(body: &[u8], prefix: &str) -> Result<(Entries, u64), Invalid> {
    let Range { header, kvs } = read_object(body)?;
    let revision = header.revision.parse().map_err(|_| Invalid::Other("a revision that is not a number"))?;
    let mut entries = Entries::default();
    for KeyValue { key, value } in kvs.all()? {
        let (key, value) = (decode(&key)?, decode(&value)?);
        if let Some(path) = key.strip_prefix(prefix.as_bytes()) {
            entries.add(path, value);
        }
    }
    Ok((entries, revision))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_below_the_prefix_are_read() {
        let pairs = [("/config/echo/workers", "2"), ("/config/echo/empty", ""), ("/config/echoes/workers", "3")];
        let kvs: Vec<_> = pairs
            .iter()
            .map(|(key, value)| json!({"key": STANDARD.encode(key), "value": STANDARD.encode(value), "version": "1"}))
            .collect();
        let body = json!({"header": {"cluster_id": "1", "revision": "18446744073709551615"}, "kvs": kvs, "count": "3"});
        let (entries, revision) = parse(body.to_string().as_bytes(), "/config/echo/").unwrap();
        let expected = [("empty", ""), ("workers", "2")];
        assert!(entries.values.iter().map(|(path, text)| (&**path, &**text)).eq(expected), "{entries:?}");
        assert_eq!(revision, u64::MAX);
    }

    #[test]
    fn an_answer_without_keys_is_empty() {
        assert_eq!(parse(br#"{"header":{"revision":"7"}}"#, "a/"), Ok((Entries::default(), 7)));
    }

    #[test]
    fn other_answers_are_errors() {
        for body in [
            "",
            "<html>",
            "{}",
            "null",
            r#"{"header":{}}"#,
            r#"{"header":{"revision":7}}"#,
            r#"{"header":{"revision":"seven"}}"#,
            r#"{"header":{"revision":"7"},"kvs":{}}"#,
            r#"{"header":{"revision":"7"},"kvs":[{}]}"#,
            r#"{"header":{"revision":"7"},"kvs":[{"key":"%"}]}"#,
        ] {
            assert!(parse(body.as_bytes(), "a/").is_err(), "{body} was accepted");
        }
    }

    #[test]
    fn a_range_ends_before_names_that_only_begin_like_the_prefix() {
        let server = crate::store::Server {
            name: "etcd",
            address: crate::store::Address { host: "localhost".to_owned(), port: 1 },
        };
        for (prefix, key, end) in [("/config/p", "/config/p/", "/config/p0"), ("p/", "p/", "p0"), ("/", "/", "0")] {
            let etcd = Etcd3::new(Http::new(server.clone(), Duration::from_secs(1), None), prefix, None);
            assert_eq!(etcd.range(), (STANDARD.encode(key), STANDARD.encode(end)), "{prefix}");
        }
    }
}
