//! What an answer of a store contains, within limits.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::error::Category;

use super::Values;
use crate::escaped::Escaped;

/// The maximum number of keys below a prefix.
pub(super) const MAX_KEYS: usize = 10_000;

/// The longest value, in bytes.
const MAX_VALUE_BYTES: usize = 64 * 1024;

/// What a store holds below a prefix.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Entries {
    /// The values by their paths below the prefix.
    pub(super) values: Values,
    /// Why keys are ignored.
    pub(super) ignored: BTreeMap<String, String>,
}

/// What is wrong with an answer. It contains no part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invalid {
    /// It is not the JSON that was expected.
    Json {
        /// What it is instead.
        what: &'static str,
        /// Where it was found.
        line: usize,
        /// Where it was found in the line.
        column: usize,
    },
    /// A text is not Base64.
    Base64,
    /// A header is missing or is not a number.
    Header(&'static str),
    /// There are more than 10,000 keys.
    TooManyKeys,
    /// A stream has a line that does not end.
    EndlessLine,
    /// A stream ended.
    EndOfStream,
    /// Something else.
    Other(&'static str),
}

impl Entries {
    /// Adds the key at `path` below the prefix. An empty path and folders (Consul has keys that end with a slash) hold no
    /// setting.
    pub(super) fn add(&mut self, path: &[u8], value: Vec<u8>) {
        if path.is_empty() || path.ends_with(b"/") {
            return;
        }
        let Ok(name) = str::from_utf8(path) else {
            let shown = Escaped(&*String::from_utf8_lossy(path)).to_string();
            self.ignored.insert(shown, "its name is not UTF-8".to_owned());
            return;
        };
        if value.len() > MAX_VALUE_BYTES {
            let reason = format!("its value has {} bytes; the limit is {MAX_VALUE_BYTES}", value.len());
            self.ignored.insert(Escaped(name).to_string(), reason);
            return;
        }
        match String::from_utf8(value) {
            Ok(text) => _ = self.values.insert(name.to_owned(), text),
            Err(_) => _ = self.ignored.insert(Escaped(name).to_string(), "its value is not UTF-8".to_owned()),
        }
    }
}

/// Decodes Base64.
pub(super) fn decode(text: &str) -> Result<Vec<u8>, Invalid> {
    STANDARD.decode(text).map_err(|_| Invalid::Base64)
}

/// Reads a JSON object.
pub(super) fn read_object<'j, T: Deserialize<'j>>(json: &'j [u8]) -> Result<T, Invalid> {
    // serde would also read a struct from a list.
    match json.trim_ascii_start().first() {
        Some(b'[') => Err(Invalid::Other("a list in place of an object")),
        _ => read_json(json),
    }
}

/// Reads JSON. The error says where it is wrong, but not what is there.
pub(super) fn read_json<'j, T: Deserialize<'j>>(json: &'j [u8]) -> Result<T, Invalid> {
    serde_json::from_slice(json).map_err(|error| {
        let what = match error.classify() {
            Category::Eof => "JSON that is cut off",
            Category::Data => "other JSON than expected",
            Category::Syntax | Category::Io => "something that is not JSON",
        };
        Invalid::Json { what, line: error.line(), column: error.column() }
    })
}

impl fmt::Display for Invalid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json { what, line, column } => write!(formatter, "{what} (line {line}, column {column})"),
            Self::Base64 => formatter.write_str("a text that is not Base64"),
            Self::Header(name) => write!(formatter, "no valid {name} header"),
            Self::TooManyKeys => write!(formatter, "more than {MAX_KEYS} keys"),
            Self::EndlessLine => formatter.write_str("a line that does not end"),
            Self::EndOfStream => formatter.write_str("a stream that ended"),
            Self::Other(what) => formatter.write_str(what),
        }
    }
}

/// A list of which at most [`MAX_KEYS`] elements are kept, so that an answer cannot take much memory.
#[derive(Debug)]
pub(super) struct Bounded<T> {
    kept: Vec<T>,
    has_more: bool,
}

impl<T> Bounded<T> {
    /// The elements.
    ///
    /// # Errors
    /// There were too many.
    pub(super) fn all(self) -> Result<Vec<T>, Invalid> {
        if self.has_more { Err(Invalid::TooManyKeys) } else { Ok(self.kept) }
    }
}

impl<T> Default for Bounded<T> {
    fn default() -> Self {
        Self { kept: Vec::new(), has_more: false }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Bounded<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(BoundedVisitor(PhantomData))
    }
}

struct BoundedVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for BoundedVisitor<T> {
    type Value = Bounded<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Bounded<T>, A::Error> {
        let mut bounded = Bounded::default();
        while bounded.kept.len() < MAX_KEYS {
            let Some(element) = list.next_element()? else { return Ok(bounded) };
            bounded.kept.push(element);
        }
        while list.next_element::<IgnoredAny>()?.is_some() {
            bounded.has_more = true;
        }
        Ok(bounded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_names_that_are_no_settings_are_ignored_with_the_reason() {
        let mut entries = Entries::default();
        entries.add(b"workers", b"2".to_vec());
        entries.add(b"empty", Vec::new());
        entries.add(b"", b"the prefix itself".to_vec());
        entries.add(b"folder/", Vec::new());
        entries.add(b"long", vec![b'x'; MAX_VALUE_BYTES + 1]);
        entries.add(b"longest", vec![b'x'; MAX_VALUE_BYTES]);
        entries.add(b"binary", vec![0xff]);
        entries.add(b"\xff\n", Vec::new());
        let names: Vec<&str> = entries.values.keys().map(String::as_str).collect();
        assert_eq!(names, ["empty", "longest", "workers"]);
        assert_eq!(entries.ignored["long"], "its value has 65537 bytes; the limit is 65536");
        assert_eq!(entries.ignored["binary"], "its value is not UTF-8");
        assert_eq!(entries.ignored["\u{fffd}\\n"], "its name is not UTF-8");
        assert_eq!(entries.ignored.len(), 3);
    }

    #[test]
    fn a_list_is_limited() {
        let list = |length: usize| {
            let json = serde_json::to_vec(&vec![1; length]).unwrap();
            read_json::<Bounded<u8>>(&json).unwrap().all().map(|list| list.len())
        };
        assert_eq!(list(MAX_KEYS), Ok(MAX_KEYS));
        assert_eq!(list(MAX_KEYS + 1), Err(Invalid::TooManyKeys));
    }

    #[test]
    fn an_error_contains_nothing_of_the_answer() {
        let error = read_json::<Vec<u64>>(br#"["hunter2"]"#).unwrap_err().to_string();
        assert_eq!(error, "other JSON than expected (line 1, column 10)");
    }
}
