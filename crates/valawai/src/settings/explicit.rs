//! The settings that are not left to their defaults, for operators.

use super::source::Found;
use super::url;

/// What is shown instead of a secret.
const MASKED: &str = "***";

/// A setting that is not left to its default. It contains no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explicit {
    /// The name of the variable.
    pub name: &'static str,
    /// The value, masked if it may contain a password.
    pub value: String,
    /// Where it was found.
    pub origin: String,
}

impl Explicit {
    pub(super) fn new(name: &'static str, found: &Found) -> Self {
        Self { name, value: shown(name, &found.text), origin: found.origin.clone() }
    }
}

fn shown(name: &str, text: &str) -> String {
    if name.contains("PASSWORD") {
        return MASKED.to_owned();
    }
    match text.rsplit_once('@') {
        Some((_, host)) if url::is_url(text) => format!("{MASKED}@{host}"),
        // Something before an `@` may be a password.
        Some(_) => MASKED.to_owned(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_may_contain_a_password_is_masked() {
        for (name, text, expected) in [
            ("RABBITMQ_PASSWORD", "secret", "***"),
            ("RABBITMQ_URL", "amqp://user:secret@host/vhost", "***@host/vhost"),
            ("RABBITMQ_URL", "amqp://user:sec@ret@host", "***@host"),
            ("RABBITMQ_USERNAME", "user:secret@host", "***"),
            ("RABBITMQ_HOST", "a,b:5673", "a,b:5673"),
            ("WORKERS", "2", "2"),
        ] {
            assert_eq!(shown(name, text), expected, "{name}={text}");
        }
    }
}
