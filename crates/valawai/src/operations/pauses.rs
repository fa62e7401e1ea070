//! Channels that are not consumed for now.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::clock;

/// The channels that an operator or a setting has paused. What is in flight is finished; what waits stays in its queue.
#[derive(Debug, Default)]
pub struct Pauses {
    /// Grows with each change, so that consumers notice it without a lock.
    version: AtomicU64,
    paused: Mutex<Paused>,
}

#[derive(Debug, Default)]
struct Paused {
    /// By operators: by short name, with the end of the pause.
    ordered: BTreeMap<String, Option<Instant>>,
    /// By settings.
    configured: BTreeSet<String>,
}

impl Pauses {
    /// The number of changes so far.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Whether a channel is paused.
    #[must_use]
    pub fn contains(&self, channel: &str) -> bool {
        let paused = self.paused.lock();
        paused.ordered.contains_key(channel) || paused.configured.contains(channel)
    }

    /// Pauses the channels whose settings say so, and no others.
    pub fn configure(&self, channels: BTreeSet<String>) {
        let mut paused = self.paused.lock();
        if paused.configured != channels {
            paused.configured = channels;
            self.version.fetch_add(1, Ordering::Release);
        }
    }

    /// Pauses a channel, for a time or until it is resumed.
    pub fn pause(&self, channel: &str, time: Option<Duration>) {
        let until = time.and_then(|time| clock::now().checked_add(time));
        self.paused.lock().ordered.insert(channel.to_owned(), until);
        self.version.fetch_add(1, Ordering::Release);
    }

    /// Resumes a channel. Returns whether it was paused.
    pub fn resume(&self, channel: &str) -> bool {
        let was_paused = self.paused.lock().ordered.remove(channel).is_some();
        if was_paused {
            self.version.fetch_add(1, Ordering::Release);
        }
        was_paused
    }

    /// Resumes the channels whose time is up, and returns them.
    pub fn end_expired(&self, now: Instant) -> Vec<String> {
        let is_over = |_: &String, until: &mut Option<Instant>| until.is_some_and(|until| until <= now);
        let ended: Vec<String> =
            self.paused.lock().ordered.extract_if(.., is_over).map(|(channel, _)| channel).collect();
        if !ended.is_empty() {
            self.version.fetch_add(1, Ordering::Release);
        }
        ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_paused_until_it_is_resumed_or_its_time_is_up() {
        let pauses = Pauses::default();
        pauses.pause("data/a", None);
        pauses.pause("data/b", Some(Duration::from_secs(1)));
        assert!(pauses.contains("data/a") && pauses.contains("data/b"));
        let now = Instant::now();
        assert!(pauses.end_expired(now).is_empty());
        assert_eq!(pauses.end_expired(now + Duration::from_secs(2)), ["data/b"]);
        assert!(pauses.resume("data/a") && !pauses.contains("data/a"));
        assert!(!pauses.resume("data/a"), "it was resumed twice");
    }

    #[test]
    fn a_channel_that_a_setting_pauses_stays_paused_when_it_is_resumed() {
        let pauses = Pauses::default();
        pauses.configure(["data/a".to_owned()].into());
        pauses.pause("data/a", None);
        assert!(pauses.resume("data/a") && pauses.contains("data/a"));
        let version = pauses.version();
        pauses.configure(["data/a".to_owned()].into());
        assert_eq!(pauses.version(), version, "nothing has changed");
        pauses.configure(BTreeSet::new());
        assert!(!pauses.contains("data/a"));
    }

    #[test]
    fn each_change_has_a_version() {
        let pauses = Pauses::default();
        let before = pauses.version();
        pauses.pause("data/a", Some(Duration::ZERO));
        let during = pauses.version();
        let _ = pauses.end_expired(Instant::now());
        assert!(before < during && during < pauses.version());
    }
}
