//! The two ways in which a handler can fail.

use std::any::Any;
use std::fmt;

/// Why a handler did not answer, and with it what becomes of the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// It may work later: the message goes back to its queue and is heard again after a pause.
    Retry(String),
    /// It never will: the message is reported as an error, and done with.
    Refuse(String),
}

impl Failure {
    /// [`Failure::Retry`], because of `reason`.
    pub fn retry(reason: impl fmt::Display) -> Self {
        Self::Retry(reason.to_string())
    }

    /// [`Failure::Refuse`], because of `reason`.
    pub fn refuse(reason: impl fmt::Display) -> Self {
        Self::Refuse(reason.to_string())
    }

    /// [`Failure::Refuse`], because `who` panicked.
    pub(crate) fn of_panic(who: &str, panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Self::Refuse(format!("{who} panicked: {}", text.unwrap_or("no more is known")))
    }

    /// What went wrong, for a person.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::Retry(reason) | Self::Refuse(reason) => reason,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.reason())
    }
}

impl std::error::Error for Failure {}
