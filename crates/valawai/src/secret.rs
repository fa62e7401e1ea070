//! A text that never reaches an output by accident.

use std::fmt;

/// A password or token. `Debug` and `Display` print `***`; only [`Secret::reveal`] gives the text away.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The hidden text, for the one place that must send it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// Whether `text` looks like an address with a login in it, `scheme://…` or `user:password@…`. Such a text is neither printed
/// nor taken for a name.
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
    fn a_secret_prints_as_stars() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?}"), "*** ***");
        assert_eq!(secret.reveal(), "hunter2");
    }

    #[test]
    fn an_address_with_a_login_is_known_from_a_name() {
        for text in ["amqp://host", "http://me:hunter2@host", "me:hunter2@host"] {
            assert!(holds_credentials(text), "{text} was taken for a name");
        }
        for text in ["me@example.org", "a:b", "logs/@today", "/", "valawai/c1/name"] {
            assert!(!holds_credentials(text), "{text} was taken for an address");
        }
    }
}
