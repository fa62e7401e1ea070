//! Secrets, which are never printed by accident.

use std::fmt;

/// A password or token. `Debug` and `Display` print `***`; only [`Secret::reveal`] returns the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A secret with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that sends it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// Whether `text` looks like a URL with credentials, `scheme://…` or `user:password@…`. Such a text is not printed, and not
/// accepted as a name.
#[must_use]
pub fn holds_credentials(text: &str) -> bool {
    text.contains("://") || text.split_once('@').is_some_and(|(login, _)| login.contains(':'))
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_printed_as_asterisks() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?}"), "*** ***");
        assert_eq!(secret.reveal(), "hunter2");
    }

    #[test]
    fn urls_are_distinguished_from_names() {
        for text in ["amqp://host", "http://me:hunter2@host", "me:hunter2@host"] {
            assert!(holds_credentials(text), "{text} was accepted as a name");
        }
        for text in ["me@example.org", "a:b", "logs/@today", "/", "valawai/c1/name"] {
            assert!(!holds_credentials(text), "{text} was rejected as a URL");
        }
    }
}
