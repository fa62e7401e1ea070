//! Keeps an eye on outputs that nobody listens to, and says so once for each time that it begins and ends.

use std::collections::HashMap;
use std::sync::Arc;

/// The queues that were missing when something was last said on them.
#[derive(Debug, Default)]
pub(crate) struct Outages {
    unheard: HashMap<Arc<str>, u64>,
}

impl Outages {
    /// Something said to `queue` came back.
    pub(crate) fn begin(&mut self, queue: &str) {
        if let Some(count) = self.unheard.get_mut(queue) {
            *count += 1;
            return;
        }
        log::warn!("nobody listens to {queue}; what is said there is lost until the MOV connects it to something");
        self.unheard.insert(queue.into(), 1);
    }

    /// Something said to `queue` reached it.
    pub(crate) fn end(&mut self, queue: &str) {
        // Nearly always nothing is missing, and this is asked for each message.
        if self.unheard.is_empty() {
            return;
        }
        if let Some(count) = self.unheard.remove(queue) {
            log::info!("somebody listens to {queue} again; {count} messages were lost meanwhile");
        }
    }
}

#[cfg(test)]
impl Outages {
    pub(super) fn is_going_on(&self, queue: &str) -> bool {
        self.unheard.contains_key(queue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_of_one_queue_is_counted_until_something_reaches_it() {
        let mut outages = Outages::default();
        outages.begin("a");
        outages.begin("a");
        outages.begin("b");
        outages.end("c");
        assert_eq!((outages.unheard["a"], outages.unheard["b"]), (2, 1));
        outages.end("a");
        assert!(!outages.unheard.contains_key("a") && outages.unheard.contains_key("b"));
    }
}
