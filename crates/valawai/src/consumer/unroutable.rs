//! Reports queues that published messages do not reach: they do not exist, or their node is down. Each such period is
//! reported once when it begins and once when it ends.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::broker::backoff::Backoff;
use crate::broker::{Error, Link};

/// The pauses before the broker is asked again why a queue is unroutable. For a missing queue, each question leaves an error
/// in the log of the broker.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The queues that the last messages did not reach.
#[derive(Debug, Default)]
pub(crate) struct Unroutable {
    queues: HashMap<Arc<str>, UnroutableQueue>,
}

#[derive(Debug)]
struct UnroutableQueue {
    returned: u64,
    /// Whether the queue does not exist, so that messages for it are lost. Otherwise its node is down.
    is_missing: bool,
    next_check: Instant,
    backoff: Backoff,
}

impl Unroutable {
    /// Records that a message for `queue` was returned. Returns whether the queue does not exist; otherwise its node is
    /// down, and the message must be published again.
    pub(crate) fn add(&mut self, queue: &str, link: &mut dyn Link, now: Instant) -> Result<bool, Error> {
        if let Some(known) = self.queues.get_mut(queue)
            && now < known.next_check
        {
            known.returned += 1;
            return Ok(known.is_missing);
        }
        let is_missing = link.is_missing(queue)?;
        if self.queues.get(queue).is_none_or(|known| known.is_missing != is_missing) {
            report(queue, is_missing);
            self.queues.insert(queue.into(), UnroutableQueue::new(is_missing, now));
        }
        if let Some(known) = self.queues.get_mut(queue) {
            known.returned += 1;
            known.next_check = now + known.backoff.pause();
        }
        Ok(is_missing)
    }

    /// Records that a message reached `queue`.
    pub(crate) fn remove(&mut self, queue: &str) {
        // This is called for each confirm, and hardly ever is a queue unroutable.
        if self.queues.is_empty() {
            return;
        }
        match self.queues.remove(queue) {
            Some(UnroutableQueue { returned, is_missing: true, .. }) => {
                log::info!("{queue} exists now; {returned} messages were dropped");
            }
            Some(_) => log::info!("the node of {queue} is up again"),
            None => {}
        }
    }
}

impl UnroutableQueue {
    fn new(is_missing: bool, now: Instant) -> Self {
        Self { returned: 0, is_missing, next_check: now, backoff: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE) }
    }
}

fn report(queue: &str, is_missing: bool) {
    if is_missing {
        log::warn!("{queue} does not exist; messages published to it are dropped until the MOV connects the channel");
    } else {
        log::warn!("the node of {queue} is down; messages for it are published again later");
    }
}

#[cfg(test)]
impl Unroutable {
    pub(super) fn add_missing(&mut self, queue: &str) {
        self.queues.insert(queue.into(), UnroutableQueue::new(true, Instant::now()));
    }

    pub(super) fn contains(&self, queue: &str) -> bool {
        self.queues.contains_key(queue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_unroutable_until_a_message_reaches_it() {
        let mut unroutable = Unroutable::default();
        unroutable.add_missing("a");
        unroutable.add_missing("b");
        unroutable.remove("c");
        unroutable.remove("a");
        assert!(!unroutable.contains("a") && unroutable.contains("b"));
    }
}
