//! What can be changed while consumers run: how failures are treated, and which faults are injected.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::RwLock;

use super::fault_injection::{self, FaultInjector};
use super::retry;

/// How failures are treated, and which faults are injected.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// How often and after which delays failed messages are retried.
    pub retry: retry::Options,
    /// How often messages of single channels are retried, by their short names.
    pub retries: BTreeMap<String, u32>,
    /// `DEAD_LETTER`: whether messages that cannot be processed are kept as dead letters.
    pub dead_letters: bool,
    /// `KILL_SWITCH_RATIO`: the ratio of failures above which a consumer pauses. Off by default.
    pub circuit_breaker: Option<f64>,
    /// Deliberate faults.
    pub faults: fault_injection::Options,
}

/// The [`Options`] as all consumers of a process share them.
#[derive(Debug)]
pub struct Tuning {
    failures: RwLock<Failures>,
    /// The bits of the ratio, because each message needs it; those of not-a-number if there is none.
    circuit_breaker: AtomicU64,
    faults: FaultInjector,
}

#[derive(Debug, Default)]
struct Failures {
    retry: retry::Options,
    retries: BTreeMap<String, u32>,
    dead_letters: bool,
}

impl Tuning {
    /// Starts with these options.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let tuning = Self {
            failures: RwLock::default(),
            circuit_breaker: AtomicU64::default(),
            faults: FaultInjector::default(),
        };
        tuning.set(options);
        tuning
    }

    /// Changes the options, for the next message.
    pub fn set(&self, options: Options) {
        let Options { retry, retries, dead_letters, circuit_breaker, faults } = options;
        *self.failures.write() = Failures { retry, retries, dead_letters };
        self.circuit_breaker.store(circuit_breaker.unwrap_or(f64::NAN).to_bits(), Ordering::Relaxed);
        self.faults.set(faults);
    }

    /// The delay after `attempts` failed attempts; `None` if the message is not retried again. The setting of the channel counts
    /// before what its author declared.
    #[must_use]
    pub fn delay(&self, channel: &str, attempts: u32, declared: Option<u32>) -> Option<Duration> {
        let failures = self.failures.read();
        failures.retry.delay(attempts, failures.retries.get(channel).copied().or(declared))
    }

    /// Whether messages that cannot be processed are kept as dead letters.
    #[must_use]
    pub fn keeps_dead_letters(&self) -> bool {
        self.failures.read().dead_letters
    }

    /// The ratio of failures above which a consumer pauses.
    #[must_use]
    pub fn circuit_breaker(&self) -> Option<f64> {
        let ratio = f64::from_bits(self.circuit_breaker.load(Ordering::Relaxed));
        (!ratio.is_nan()).then_some(ratio)
    }

    /// Deliberate faults.
    pub(super) fn faults(&self) -> &FaultInjector {
        &self.faults
    }
}

impl Default for Tuning {
    fn default() -> Self {
        Self::new(Options::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_change_while_they_are_used() {
        let tuning = Tuning::new(Options { circuit_breaker: Some(0.5), ..Options::default() });
        assert_eq!((tuning.circuit_breaker(), tuning.keeps_dead_letters()), (Some(0.5), false));
        assert!(tuning.delay("data/in", 1, None).is_some());
        let retry = retry::Options { max_retries: 0, ..retry::Options::default() };
        let retries = [("data/other".to_owned(), 9)].into();
        tuning.set(Options { retry, retries, dead_letters: true, ..Options::default() });
        assert_eq!((tuning.circuit_breaker(), tuning.keeps_dead_letters()), (None, true));
        assert!(tuning.delay("data/in", 1, None).is_none());
        assert!(tuning.delay("data/other", 9, Some(0)).is_some(), "the setting of the channel does not count");
    }
}
