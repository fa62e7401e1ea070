//! The source queues to which the MOV listens, and how a reconnect spoils them.
//!
//! When the broker was away, the client's consumers come back by themselves, and messages are forwarded as before. But the MOV
//! cannot close such a consumer any more, for the channel that it knows is dead; and when it opens the queue again, it does so
//! under the same consumer tag, which the broker punishes by closing the connection. From then on none of its queues has a
//! consumer, and the MOV knows nothing of it. The real one fails so in four of five runs; this one always.

use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub(crate) struct Taps(BTreeMap<String, Tap>);

#[derive(Debug, PartialEq, Eq)]
enum Tap {
    Open,
    /// It was open when the connection was lost, and came back by itself.
    Recovered,
    /// It has no consumer, for this reason, although the MOV believes that it has.
    Dead(String),
}

/// Why the MOV enables a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Enabling {
    /// It was never enabled before, nor one between the same channels.
    Fresh,
    /// One of its components registered anew: there is, or was, another one between the same channels.
    Anew,
}

/// Why the last connection of a queue goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closing {
    Disabled,
    Removed,
}

/// What becomes of the consumers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Nothing,
    Open,
    Close,
    /// All of them are gone.
    CloseAll,
}

impl Taps {
    pub(crate) fn open(&mut self, queue: &str, enabling: Enabling) -> Change {
        match self.0.get(queue) {
            None => {
                self.0.insert(queue.to_owned(), Tap::Open);
                Change::Open
            }
            Some(Tap::Recovered) if enabling == Enabling::Anew => self.die(&format!("{queue} was opened again")),
            Some(_) => Change::Nothing,
        }
    }

    pub(crate) fn close(&mut self, queue: &str, closing: Closing) -> Change {
        match self.0.get(queue) {
            None => Change::Nothing,
            Some(Tap::Recovered) => self.die(&format!("{queue} was closed")),
            Some(Tap::Dead(_)) if closing == Closing::Removed => Change::Nothing,
            Some(Tap::Dead(_) | Tap::Open) => {
                self.0.remove(queue);
                Change::Close
            }
        }
    }

    /// The client has a new connection: these consumers come back.
    pub(crate) fn recover(&mut self) -> Vec<String> {
        let living = self.0.iter_mut().filter(|(_, tap)| !matches!(tap, Tap::Dead(_)));
        living.map(|(queue, tap)| (*tap = Tap::Recovered, queue.clone()).1).collect()
    }

    /// The queues that have no consumer although they should, with the reason.
    pub(crate) fn dead(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|(queue, tap)| match tap {
            Tap::Dead(reason) => Some((queue.as_str(), reason.as_str())),
            Tap::Open | Tap::Recovered => None,
        })
    }

    fn die(&mut self, what: &str) -> Change {
        let reason = format!("530 NOT_ALLOWED - attempt to reuse consumer tag: {what} after a reconnect");
        for tap in self.0.values_mut().filter(|tap| !matches!(tap, Tap::Dead(_))) {
            *tap = Tap::Dead(reason.clone());
        }
        Change::CloseAll
    }
}
