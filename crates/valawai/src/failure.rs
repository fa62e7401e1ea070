//! The two ways in which a handler can fail.

use std::any::Any;
use std::fmt;

/// Why a handler failed, which decides what becomes of its message.
///
/// ```
/// use valawai::Failure;
///
/// fn diagnose(symptom: &str) -> Result<&'static str, Failure> {
///     match symptom {
///         "fever" => Ok("influenza"),
///         "cough" => Err(Failure::retry("the model is busy")), // delivered again after a delay
///         _ => Err(Failure::refuse(format!("`{symptom}` is no symptom"))), // becomes a dead letter
///     }
/// }
///
/// assert_eq!(diagnose("red").unwrap_err().reason(), "`red` is no symptom");
/// assert!(matches!(diagnose("cough"), Err(Failure::Retry(_))));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// A later attempt may succeed: the message is delivered again after a delay, a limited number of times.
    Retry(String),
    /// No attempt will succeed: the message is reported as an error and becomes a dead letter.
    Refuse(String),
}

impl Failure {
    /// A [`Failure::Retry`] with this reason. See the example of [`Failure`].
    pub fn retry(reason: impl fmt::Display) -> Self {
        Self::Retry(reason.to_string())
    }

    /// A [`Failure::Refuse`] with this reason. See the example of [`Failure`].
    pub fn refuse(reason: impl fmt::Display) -> Self {
        Self::Refuse(reason.to_string())
    }

    /// A [`Failure::Refuse`]: `function` panicked.
    pub(crate) fn of_panic(function: &str, panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Self::Refuse(format!("{function} panicked: {}", text.unwrap_or("no message")))
    }

    /// The reason, for people. See the example of [`Failure`].
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

/// Turns errors into failures, with `?`.
///
/// ```
/// use valawai::{Failure, OrFail};
///
/// fn read(path: &str) -> Result<u32, Failure> {
///     let number = std::fs::read_to_string(path).or_retry("the sensor is not ready")?;
///     number.trim().parse().or_refuse("the sensor's value is not a number")
/// }
///
/// assert!(matches!(read("/dev/no-sensor"), Err(Failure::Retry(_))));
/// assert!(matches!(read("/dev/null"), Err(Failure::Refuse(_))));
/// ```
pub trait OrFail<T> {
    /// The value, or a [`Failure::Retry`] with `reason` and the text of the error. See the example of [`OrFail`].
    ///
    /// # Errors
    /// When there is no value.
    fn or_retry(self, reason: &str) -> Result<T, Failure>;

    /// The value, or a [`Failure::Refuse`] with `reason` and the text of the error. See the example of [`OrFail`].
    ///
    /// # Errors
    /// When there is no value.
    fn or_refuse(self, reason: &str) -> Result<T, Failure>;
}

impl<T, E: fmt::Display> OrFail<T> for Result<T, E> {
    fn or_retry(self, reason: &str) -> Result<T, Failure> {
        self.map_err(|error| Failure::Retry(format!("{reason}: {error}")))
    }

    fn or_refuse(self, reason: &str) -> Result<T, Failure> {
        self.map_err(|error| Failure::Refuse(format!("{reason}: {error}")))
    }
}

impl<T> OrFail<T> for Option<T> {
    fn or_retry(self, reason: &str) -> Result<T, Failure> {
        self.ok_or_else(|| Failure::retry(reason))
    }

    fn or_refuse(self, reason: &str) -> Result<T, Failure> {
        self.ok_or_else(|| Failure::refuse(reason))
    }
}
