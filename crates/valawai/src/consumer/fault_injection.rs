//! Faults made on purpose, to see whether a component and those around it stand them. Off unless it is asked for.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What is made to fail, and how often.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// `CHAOS_PERCENTAGE_SIMULATE_NACK`: the part of messages, from 0 to 1, that is given back unheard.
    pub nack: f64,
    /// `CHAOS_PERCENTAGE_SIMULATE_FAILURES`: the part of messages that fails, and is tried again later.
    pub fail: f64,
    /// `CHAOS_DELAY_BEFORE_HANDLER_SECONDS`: how long each message is held up.
    pub delay: Duration,
    /// `CHAOS_PROTECTED_ROUTING_KEYS`: queues that are left alone.
    pub excluded: Vec<String>,
    /// `CHAOS_SEED`: the same seed makes the same faults.
    pub seed: u64,
}

impl Options {
    /// Whether anything is made to fail.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.nack > 0.0 || self.fail > 0.0 || !self.delay.is_zero()
    }
}

/// What happens to one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// It is given back unheard.
    Nack,
    /// It fails.
    Fail,
}

/// Makes the faults.
#[derive(Debug, Default)]
pub struct FaultInjector {
    options: Options,
    thrown: AtomicU64,
}

impl FaultInjector {
    /// Makes the faults of `options`.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options, thrown: AtomicU64::new(0) }
    }

    /// Decides about a message on `queue`, after having held it up.
    #[must_use]
    pub fn inject(&self, queue: &str) -> Fault {
        if !self.options.is_on() || self.options.excluded.iter().any(|excluded| excluded == queue) {
            return Fault::None;
        }
        std::thread::sleep(self.options.delay);
        let thrown = self.throw();
        if thrown < self.options.nack {
            Fault::Nack
        } else if thrown < self.options.nack + self.options.fail {
            Fault::Fail
        } else {
            Fault::None
        }
    }

    /// A number in 0..1: `SplitMix64`, which is small, and the same for the same seed.
    fn throw(&self) -> f64 {
        let count = self.thrown.fetch_add(1, Ordering::Relaxed) + 1;
        let mut bits = self.options.seed.wrapping_add(count.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^= bits >> 31;
        #[expect(clippy::cast_precision_loss, reason = "53 bits are what an f64 holds exactly")]
        let fraction = (bits >> 11) as f64 / (1_u64 << 53) as f64;
        fraction
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strikes(options: Options) -> Vec<Fault> {
        let faults = FaultInjector::new(options);
        (0..10_000).map(|_| faults.inject("queue")).collect()
    }

    #[test]
    fn the_parts_are_as_asked_for_and_the_same_for_the_same_seed() {
        let options = Options { nack: 0.1, fail: 0.3, seed: 42, ..Options::default() };
        let made = strikes(options.clone());
        let part = |wanted| made.iter().filter(|mischief| **mischief == wanted).count();
        assert!((900..1100).contains(&part(Fault::Nack)), "{} of 10,000 nacks", part(Fault::Nack));
        assert!((2800..3200).contains(&part(Fault::Fail)), "{} of 10,000 failures", part(Fault::Fail));
        assert_eq!(made, strikes(options.clone()));
        assert_ne!(made, strikes(Options { seed: 43, ..options }));
    }

    #[test]
    fn without_a_wish_or_on_a_spared_queue_nothing_happens() {
        let nothing = |options| strikes(options).iter().all(|mischief| *mischief == Fault::None);
        assert!(nothing(Options::default()));
        assert!(nothing(Options { fail: 1.0, excluded: vec!["queue".into()], ..Options::default() }));
    }
}
