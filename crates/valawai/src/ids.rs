//! Identifiers of messages, and fingerprints of texts.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::simulation;

/// Creates identifiers that are unique across processes: a random part, and a number.
#[derive(Debug)]
pub(crate) struct Ids {
    random: u64,
    count: AtomicU64,
}

impl Ids {
    /// Identifiers with a new random part, from the entropy of the system: they must be unique among all hosts.
    pub(crate) fn new() -> Self {
        let of_system = || RandomState::new().hash_one(std::process::id());
        // A simulation seeds the generator of its thread.
        let random = simulation::current().map_or_else(of_system, |_| fastrand::u64(..));
        Self { random, count: AtomicU64::new(0) }
    }

    /// A new identifier.
    pub(crate) fn next(&self) -> String {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        format!("{:016x}-{number}", self.random)
    }
}

impl Default for Ids {
    fn default() -> Self {
        Self::new()
    }
}

/// A short hash of `bytes`: FNV-1a, which is fast for short inputs and the same on every machine. Different inputs may have
/// the same fingerprint, so callers must not lose anything if they do.
pub(crate) fn fingerprint(bytes: &[u8]) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;

    bytes.iter().fold(OFFSET, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_unique() {
        let (ids, others) = (Ids::new(), Ids::new());
        let all = [ids.next(), ids.next(), others.next(), others.next()];
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len(), "{all:?}");
    }
}
