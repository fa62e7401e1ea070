//! The problems of the settings, as messages for the person who corrects them.

use std::borrow::Cow;
use std::fmt;

use super::parse::Expected;
use super::source::Found;
use super::url;

/// The longest value that is printed, in bytes.
const MAX_PRINTED: usize = 10;

/// Why a setting is invalid. It contains no secret, so that it may be printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) name: Cow<'static, str>,
    expected: Expected,
    found: Option<String>,
}

impl Problem {
    /// A setting whose source is part of `expected`.
    pub(super) fn new(name: impl Into<Cow<'static, str>>, expected: Expected) -> Self {
        Self { name: name.into(), expected, found: None }
    }

    /// A setting that cannot be parsed. Only numbers are printed: a password may have been set by mistake.
    pub(super) fn invalid(name: impl Into<Cow<'static, str>>, expected: Expected, found: &Found) -> Self {
        let Found { text, origin, .. } = found;
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
        Self { name: name.into(), expected, found: Some(found) }
    }

    /// A setting that contradicts the setting `other`.
    pub(super) fn conflict(name: &'static str, other: &str, Found { origin, .. }: &Found) -> Self {
        let expected = format!("the same as in {other}, or only one of the two");
        Self { name: name.into(), expected, found: Some(format!("another value in {origin}")) }
    }
}

/// All invalid settings, one on each line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub(super) Vec<Problem>);

impl Problems {
    /// Settings, by their names, that are not what was expected.
    pub fn of(problems: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(problems.into_iter().map(|(name, expected)| Problem::new(name, expected)).collect())
    }

    /// The problems of several readings.
    pub fn all(problems: impl IntoIterator<Item = Option<Self>>) -> Self {
        Self(problems.into_iter().flatten().flat_map(|problems| problems.0).collect())
    }

    /// The names of the settings, and each problem in a line.
    pub fn iter(&self) -> impl Iterator<Item = (&str, String)> {
        self.0.iter().map(|problem| (&*problem.name, problem.to_string()))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, expected, found } = self;
        write!(formatter, "{name}: expected {expected}")?;
        found.iter().try_for_each(|found| write!(formatter, "; found {found}"))
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("invalid settings:")?;
        self.0.iter().try_for_each(|problem| write!(formatter, "\n  {problem}"))
    }
}

impl std::error::Error for Problems {}
