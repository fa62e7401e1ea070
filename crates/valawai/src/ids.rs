//! Identifiers for messages that came without one.

use std::collections::hash_map::RandomState;
use std::fmt::Write;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};

/// Of the largest number.
const MOST_DIGITS: usize = 20;

/// Makes identifiers that no other process makes: a random part, and a number.
#[derive(Debug)]
pub(crate) struct Ids {
    prefix: String,
    made: AtomicU64,
}

impl Ids {
    /// A maker with a random part of its own.
    pub(crate) fn new() -> Self {
        let random = RandomState::new().hash_one(std::process::id());
        Self { prefix: format!("{random:016x}-"), made: AtomicU64::new(0) }
    }

    /// An identifier that was not made before.
    pub(crate) fn next(&self) -> String {
        let mut id = String::with_capacity(self.prefix.len() + MOST_DIGITS);
        id.push_str(&self.prefix);
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        write!(id, "{number}").expect("a text takes all that is written to it");
        id
    }
}

impl Default for Ids {
    fn default() -> Self {
        Self::new()
    }
}

/// Tells a text from others in few bytes: FNV-1a, which is quick for short ones, and the same on every machine. Two texts
/// may share one; nothing here may be lost by it.
pub(crate) fn fingerprint(bytes: &[u8]) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;

    bytes.iter().fold(OFFSET, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
}
