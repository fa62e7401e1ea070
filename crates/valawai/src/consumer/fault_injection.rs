//! Fault injection: makes messages fail on purpose, to test a component and its environment. Off by default.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fastrand::Rng;
use parking_lot::Mutex;

use crate::clock;

/// Which faults to inject, and how often.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// `CHAOS_PERCENTAGE_SIMULATE_NACK`: the ratio of messages, from 0 to 1, that are requeued without being handled.
    pub nack: f64,
    /// `CHAOS_PERCENTAGE_SIMULATE_FAILURES`: the ratio of messages, from 0 to 1, that fail and are retried.
    pub fail: f64,
    /// `CHAOS_DELAY_BEFORE_HANDLER_SECONDS`: how long each message is delayed.
    pub delay: Duration,
    /// `CHAOS_PROTECTED_ROUTING_KEYS`: queues without faults.
    pub excluded: Vec<String>,
    /// `CHAOS_SEED`: the same seed injects the same faults.
    pub seed: u64,
}

impl Options {
    /// Whether any faults are injected.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.nack > 0.0 || self.fail > 0.0 || !self.delay.is_zero()
    }
}

/// The fault of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// No fault.
    None,
    /// The message is requeued without being handled.
    Nack,
    /// The message fails and is retried.
    Fail,
}

/// Injects faults.
#[derive(Debug)]
pub struct FaultInjector {
    /// Each message looks here first.
    is_enabled: AtomicBool,
    faults: Mutex<Faults>,
}

#[derive(Debug, Default)]
struct Faults {
    options: Options,
    random: Rng,
}

impl FaultInjector {
    /// Injects the faults of `options`.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let injector = Self { is_enabled: AtomicBool::default(), faults: Mutex::default() };
        injector.set(options);
        injector
    }

    /// Injects the faults of `options` from now on. The sequence starts again if they differ.
    pub fn set(&self, options: Options) {
        let mut faults = self.faults.lock();
        self.is_enabled.store(options.is_enabled(), Ordering::Relaxed);
        if faults.options != options || !options.is_enabled() {
            *faults = Faults { random: Rng::with_seed(options.seed), options };
        }
    }

    /// Decides the fault of the next message on `queue`, after its delay.
    #[must_use]
    pub fn inject(&self, queue: &str) -> Fault {
        if !self.is_enabled.load(Ordering::Relaxed) {
            return Fault::None;
        }
        let mut faults = self.faults.lock();
        if faults.options.excluded.iter().any(|excluded| excluded == queue) {
            return Fault::None;
        }
        let fraction = faults.random.f64();
        let Options { nack, fail, delay, .. } = faults.options;
        drop(faults);
        clock::sleep(delay);
        if fraction < nack {
            Fault::Nack
        } else if fraction < nack + fail {
            Fault::Fail
        } else {
            Fault::None
        }
    }
}

impl Default for FaultInjector {
    fn default() -> Self {
        Self::new(Options::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: Options = Options { nack: 0.1, fail: 0.3, delay: Duration::ZERO, excluded: Vec::new(), seed: 42 };

    fn inject(options: Options) -> Vec<Fault> {
        let injector = FaultInjector::new(options);
        (0..10_000).map(|_| injector.inject("queue")).collect()
    }

    #[test]
    fn faults_are_injected_at_their_ratios() {
        let faults = inject(OPTIONS);
        let count = |wanted| faults.iter().filter(|fault| **fault == wanted).count();
        assert!((900..1100).contains(&count(Fault::Nack)), "{} nacks of 10,000", count(Fault::Nack));
        assert!((2800..3200).contains(&count(Fault::Fail)), "{} failures of 10,000", count(Fault::Fail));
    }

    #[test]
    fn the_seed_determines_the_faults() {
        assert_eq!(inject(OPTIONS), inject(OPTIONS));
        assert_ne!(inject(OPTIONS), inject(Options { seed: 43, ..OPTIONS }));
    }

    #[test]
    fn no_faults_are_injected_by_default() {
        assert!(inject(Options::default()).iter().all(|fault| *fault == Fault::None));
    }

    #[test]
    fn no_faults_are_injected_on_an_excluded_queue() {
        let options = Options { fail: 1.0, excluded: vec!["queue".into()], ..OPTIONS };
        assert!(inject(options).iter().all(|fault| *fault == Fault::None));
    }
}
