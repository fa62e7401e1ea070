//! What is wrong with the settings, for the person who has to mend them.

use std::fmt;

use super::parse::Expected;
use super::source::Found;
use super::url;

/// A longer number is none that somebody mistyped.
const LONGEST_SHOWN: usize = 10;

/// What is wrong with one variable. It is made of what may be printed, and of nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) name: &'static str,
    expected: Expected,
    found: Option<String>,
}

impl Problem {
    pub(super) fn new(name: &'static str, expected: Expected) -> Self {
        Self { name, expected, found: None }
    }

    /// Anything may have been pasted into the wrong setting, a password too: only a number is repeated.
    pub(super) fn with_value(name: &'static str, expected: Expected, Found { text, origin }: &Found) -> Self {
        let is_number =
            |text: &str| text.len() <= LONGEST_SHOWN && text.bytes().all(|byte| b"0123456789.,+-".contains(&byte));
        let found = if is_number(text) {
            format!("`{text}` in {origin}")
        } else if url::is_url(text) {
            format!(
                "an address in {origin}, not shown because it may hold a password; a broker's belongs in RABBITMQ_URL"
            )
        } else {
            format!("something else in {origin}, not shown because it may be a password")
        };
        Self { name, expected, found: Some(found) }
    }
}

/// All that is wrong with the settings: a line for each variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub(super) Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the settings are wrong:")?;
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
