//! The identifiers that `MongoDB` gives to the MOV's documents: 24 hexadecimal digits.

use std::fmt::{self, Display, Formatter};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::Serialize;

use crate::clock::{epoch_seconds, since_epoch};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct ObjectId(String);

impl ObjectId {
    /// A new identifier, unique among all simulators on this machine.
    pub(crate) fn generate() -> Self {
        static COUNTER: AtomicU32 = AtomicU32::new(1);
        let counter = COUNTER.fetch_add(1, Ordering::Relaxed) & 0xFF_FFFF;
        let nanos = (since_epoch().subsec_nanos() >> 6) & 0xFF_FFFF;
        let process = process::id() & 0xFFFF;
        // The layout of MongoDB: seconds, then what distinguishes processes, then a counter.
        Self(format!("{:08x}{process:04x}{nanos:06x}{counter:06x}", epoch_seconds()))
    }

    /// Accepts exactly 24 hexadecimal digits, in either case.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_valid = text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_valid.then(|| Self(text.to_ascii_lowercase()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Display for ObjectId {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_identifiers_are_valid_and_unique() {
        let (first, second) = (ObjectId::generate(), ObjectId::generate());
        assert_eq!(ObjectId::parse(first.as_str()), Some(first.clone()));
        assert_ne!(first, second);
    }

    #[test]
    fn only_24_hexadecimal_digits_are_accepted() {
        assert_eq!(
            ObjectId::parse("0123456789ABCDEF01234567").as_ref().map(ObjectId::as_str),
            Some("0123456789abcdef01234567")
        );
        for text in ["", "0123456789abcdef0123456", "0123456789abcdef012345678", "0123456789abcdef0123456g"] {
            assert_eq!(ObjectId::parse(text), None, "{text}");
        }
    }
}
