//! Consul's KV store: `GET /v1/kv/<prefix>/?recurse`, and the same as a blocking query.

use std::time::{Duration, Instant};

use serde::Deserialize;

use super::Error;
use super::entries::{Bounded, Entries, Invalid, decode, read_json};
use super::http::{Answer, Http, Request, SecretHeader, encode_path};
use super::prefix::Client;
use crate::secret::Secret;

/// Reads the keys below one prefix.
#[derive(Debug)]
pub(super) struct Consul {
    http: Http,
    /// The prefix with a slash at its end, and without one at its beginning: no key of Consul begins with one.
    prefix: String,
    login: Option<SecretHeader>,
    /// The store's index at the last read; none, if the next query must not block.
    index: Option<u64>,
}

impl Consul {
    pub(super) fn new(http: Http, prefix: &str, token: Option<Secret>) -> Self {
        let prefix = match prefix.trim_matches('/') {
            "" => String::new(),
            prefix => format!("{prefix}/"),
        };
        Self { http, prefix, login: token.map(|token| ("X-Consul-Token", token)), index: None }
    }

    fn query(&mut self, wait: &str, deadline: Instant) -> Result<Entries, Error> {
        let path = format!("/v1/kv/{}?recurse=true{wait}", encode_path(&self.prefix));
        let request = Request { path: &path, login: self.login.as_ref(), json: None, deadline };
        let answer = self.http.call(&request)?;
        let (index, entries) = match answer.status {
            // Consul answers so if there is no key. Other servers send no index.
            404 => (index_of(&answer), Ok(Entries::default())),
            200 => (index_of(&answer), parse(&answer.body, &self.prefix)),
            status => return Err(self.http.status(&request, status, self.remedy(status))),
        };
        let result = index.and_then(|index| Ok((index, entries?)));
        let (index, entries) = result.map_err(|invalid| self.http.invalid(&request, invalid))?;
        // The index begins again when the store lost its data.
        self.index = Some(index).filter(|index| *index > 0 && self.index.is_none_or(|last| *index >= last));
        Ok(entries)
    }

    fn remedy(&self, status: u16) -> Option<String> {
        let prefix = &self.prefix;
        matches!(status, 401 | 403).then(|| {
            format!(
                "the token is not known or may not read the prefix {prefix}; set a token with a policy that has \
                 key_prefix \"{prefix}\" {{ policy = \"read\" }}"
            )
        })
    }
}

fn index_of(answer: &Answer) -> Result<u64, Invalid> {
    answer.number("X-Consul-Index")
}

impl Client for Consul {
    fn read(&mut self, deadline: Instant) -> Result<Entries, Error> {
        self.index = None;
        self.query("", deadline)
    }

    fn wait(&mut self, limit: Duration) -> Result<Option<Entries>, Error> {
        let wait = self.index.map_or_else(String::new, |index| format!("&index={index}&wait={}ms", limit.as_millis()));
        // Consul adds up to a sixteenth to the limit.
        self.query(&wait, Instant::now() + limit + limit / 16 + self.http.timeout).map(Some)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Pair {
    key: String,
    value: Option<String>,
}

/// The keys below `prefix` in the answer to a query.
///
/// # Errors
/// What is wrong with the answer.
pub(super) fn parse(body: &[u8], prefix: &str) -> Result<Entries, Invalid> {
    let mut entries = Entries::default();
    for Pair { key, value } in read_json::<Bounded<Pair>>(body)?.all()? {
        // An empty value is null.
        let value = decode(&value.unwrap_or_default())?;
        if let Some(path) = key.strip_prefix(prefix) {
            entries.add(path.as_bytes(), value);
        }
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_below_the_prefix_are_read() {
        let body = br#"[
            {"LockIndex":0,"Key":"config/echo/","Flags":0,"Value":null,"CreateIndex":1,"ModifyIndex":1},
            {"Key":"config/echo/workers","Value":"Mg=="},
            {"Key":"config/echo/channels/data/a/prefetch","Value":"MTA="},
            {"Key":"config/echo/empty","Value":null},
            {"Key":"config/echo/folder/","Value":null},
            {"Key":"config/echoes/workers","Value":"Mw=="}
        ]"#;
        let values = parse(body, "config/echo/").unwrap().values;
        let expected = [("channels/data/a/prefetch", "10"), ("empty", ""), ("workers", "2")];
        assert!(values.iter().map(|(path, text)| (&**path, &**text)).eq(expected), "{values:?}");
    }

    #[test]
    fn other_answers_are_errors() {
        for body in ["", "<html>", "[", "{}", "null", r#"[{"Key":"a/b"},1]"#, r#"[{"Key":1}]"#, r#"[{"Value":"Mg=="}]"#]
        {
            assert!(parse(body.as_bytes(), "a/").is_err(), "{body} was accepted");
        }
        assert_eq!(parse(br#"[{"Key":"a/b","Value":"%"}]"#, "a/"), Err(Invalid::Base64));
    }
}
