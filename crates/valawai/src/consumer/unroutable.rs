//! Keeps an eye on outputs that take nothing: because nobody listens to them, or because their node is away. Each is said
//! once for each time that it begins and ends.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::broker::backoff::Backoff;
use crate::broker::{Error, Link};

/// How long the broker's word on a queue that takes nothing is good for. Each question about one that is missing leaves an
/// error in the broker's log.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The queues that took nothing when something was last said on them.
#[derive(Debug, Default)]
pub(crate) struct Unroutable {
    unheard: HashMap<Arc<str>, Outage>,
}

#[derive(Debug)]
struct Outage {
    count: u64,
    /// Whether there is no such queue, so that what is said on it is lost; otherwise it will come back.
    is_missing: bool,
    asked_again: Instant,
    pause: Backoff,
}

impl Unroutable {
    /// Something said to `queue` came back. Returns whether nobody listens to it; otherwise it must be said again.
    pub(crate) fn add(&mut self, queue: &str, link: &mut dyn Link, now: Instant) -> Result<bool, Error> {
        let known = self.unheard.get_mut(queue);
        if let Some(outage) = known
            && now < outage.asked_again
        {
            outage.count += 1;
            return Ok(outage.is_missing);
        }
        let is_missing = link.is_missing(queue)?;
        let outage = match self.unheard.entry(queue.into()) {
            std::collections::hash_map::Entry::Occupied(entry) if entry.get().is_missing == is_missing => {
                entry.into_mut()
            }
            entry => {
                if is_missing {
                    log::warn!(
                        "nobody listens to {queue}; what is said there is lost until the MOV connects it to something"
                    );
                } else {
                    log::warn!("the node of {queue} is away; what is said there is heard again later");
                }
                let pause = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
                entry.insert_entry(Outage { count: 0, is_missing, asked_again: now, pause }).into_mut()
            }
        };
        outage.count += 1;
        outage.asked_again = now + outage.pause.pause();
        Ok(is_missing)
    }

    /// Something said to `queue` reached it.
    pub(crate) fn end(&mut self, queue: &str) {
        // Nearly always nothing is missing, and this is asked for each message.
        if self.unheard.is_empty() {
            return;
        }
        match self.unheard.remove(queue) {
            Some(Outage { count, is_missing: true, .. }) => {
                log::info!("somebody listens to {queue} again; {count} messages were lost meanwhile");
            }
            Some(_) => log::info!("the node of {queue} is back"),
            None => {}
        }
    }
}

#[cfg(test)]
impl Unroutable {
    pub(super) fn begin(&mut self, queue: &str) {
        let pause = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        self.unheard.insert(queue.into(), Outage { count: 1, is_missing: true, asked_again: Instant::now(), pause });
    }

    pub(super) fn is_going_on(&self, queue: &str) -> bool {
        self.unheard.contains_key(queue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_of_one_queue_lasts_until_something_reaches_it() {
        let mut unroutable = Unroutable::default();
        unroutable.begin("a");
        unroutable.begin("b");
        unroutable.end("c");
        unroutable.end("a");
        assert!(!unroutable.is_going_on("a") && unroutable.is_going_on("b"));
    }
}
