//! Identifiers for messages that came without one.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};

/// Makes identifiers that no other process makes: a random part, and a number.
#[derive(Debug)]
pub(crate) struct Ids {
    random: u64,
    made: AtomicU64,
}

impl Ids {
    /// A maker with a random part of its own.
    pub(crate) fn new() -> Self {
        Self { random: RandomState::new().hash_one(std::process::id()), made: AtomicU64::new(0) }
    }

    /// An identifier that was not made before.
    pub(crate) fn next(&self) -> String {
        format!("{:016x}-{}", self.random, self.made.fetch_add(1, Ordering::Relaxed))
    }
}

impl Default for Ids {
    fn default() -> Self {
        Self::new()
    }
}
