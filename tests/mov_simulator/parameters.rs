//! The parameters of a request, and the page that they ask for.

use std::collections::BTreeMap;

use super::json::{Json, Members};
use super::pattern::Pattern;

const DEFAULT_LIMIT: i64 = 20;

#[derive(Debug)]
pub(crate) struct Parameters {
    values: BTreeMap<String, String>,
    offset: usize,
    limit: usize,
}

/// What is wrong with a number among them.
#[derive(Debug)]
pub(crate) enum Unreadable {
    NoNumber,
    TooSmall(&'static str),
}

impl Parameters {
    pub(crate) fn read(query: &str) -> Result<Self, Unreadable> {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let values: BTreeMap<String, String> = pairs.map(|(name, value)| (name.to_owned(), decode(value))).collect();
        let number = |name: &str, missing: i64| match values.get(name) {
            Some(value) => value.parse().map_err(|_| Unreadable::NoNumber),
            None => Ok(missing),
        };
        let offset = usize::try_from(number("offset", 0)?).map_err(|_| Unreadable::TooSmall("`offset` is below 0"))?;
        let limit = usize::try_from(number("limit", DEFAULT_LIMIT)?).unwrap_or_default();
        if limit == 0 {
            return Err(Unreadable::TooSmall("`limit` is below 1"));
        }
        Ok(Self { values, offset, limit })
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    pub(crate) fn pattern(&self, name: &str) -> Pattern {
        Pattern::of(self.values.get(name).cloned())
    }

    pub(crate) fn page(&self, name: &str, items: Vec<Json>) -> Json {
        Members::new()
            .number("total", items.len())
            .number("offset", self.offset)
            .list(name, items.into_iter().skip(self.offset).take(self.limit))
            .object()
    }
}

/// Percent signs and pluses become what they stand for.
fn decode(value: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = value.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = (*first == b'%').then(|| after.get(..2)).flatten();
        let byte = escaped.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        if let Some(byte) = byte {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(if *first == b'+' { b' ' } else { *first });
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
