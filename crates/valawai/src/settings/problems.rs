//! The problems of the settings, as messages for the person who corrects them.

use std::fmt;

use super::parse::Expected;
use super::source::Found;
use super::url;

/// The longest value that is printed, in bytes.
const MAX_PRINTED: usize = 10;

/// Why a setting is invalid. It contains no secret, so that it may be printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) name: &'static str,
    expected: Expected,
    found: Option<String>,
}

impl Problem {
    /// A setting whose source is part of `expected`.
    pub(super) fn new(name: &'static str, expected: Expected) -> Self {
        Self { name, expected, found: None }
    }

    /// A setting that cannot be parsed. Only numbers are printed: a password may have been set by mistake.
    pub(super) fn invalid(name: &'static str, expected: Expected, Found { text, origin }: &Found) -> Self {
        let is_number = text.len() <= MAX_PRINTED && text.bytes().all(|byte| b"0123456789.,+-".contains(&byte));
        let found = if is_number {
            format!("`{text}` in {origin}")
        } else if url::is_url(text) {
            format!(
                "a URL in {origin}, not shown because it may contain a password; set a broker's URL in RABBITMQ_URL"
            )
        } else {
            format!("another value in {origin}, not shown because it may be a password")
        };
        Self { name, expected, found: Some(found) }
    }

    /// A setting that contradicts the setting `other`.
    pub(super) fn conflict(name: &'static str, other: &str, Found { origin, .. }: &Found) -> Self {
        let expected = format!("the same as in {other}, or only one of the two");
        Self { name, expected, found: Some(format!("another value in {origin}")) }
    }
}

/// All invalid settings, one on each line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub(super) Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("invalid settings:")?;
        for Problem { name, expected, found } in &self.0 {
            write!(formatter, "\n  {name}: expected {expected}")?;
            if let Some(found) = found {
                write!(formatter, "; found {found}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
