//! A query that the MOV answers with a page, in a queue that all components share.

use std::time::{Duration, Instant};

use crate::broker::{Error, Link};
use crate::clock;
use crate::ids::Ids;
use crate::mov::component_info::ComponentInfo;

/// How often the queue of answers is browsed.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// A query that waits for its answer.
#[derive(Debug)]
pub(super) struct PageQuery {
    /// The queue of answers.
    queue: &'static str,
    id: String,
    /// The start of the identifiers of the component's queries of this kind, by which late answers are recognized and removed.
    own_prefix: String,
    next_poll: Instant,
}

impl PageQuery {
    /// A query of the component `info`, answered in `queue`, which is declared. Its identifier, [`Self::id`], starts with
    /// `kind`.
    pub(super) fn new(
        link: &mut dyn Link,
        queue: &'static str,
        kind: &str,
        info: &ComponentInfo,
    ) -> Result<Self, Error> {
        link.declare(queue)?;
        let own_prefix = format!("{kind}-of-{}-", info.name);
        let id = format!("{own_prefix}{}", Ids::new().next());
        Ok(Self { queue, id, own_prefix, next_poll: clock::now() })
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// When to call [`Self::poll_answer`] again.
    pub(super) fn next_poll(&self) -> Instant {
        self.next_poll
    }

    /// Returns the answer if it has arrived: what `parse` makes of its body. It returns `None` for other pages. This removes the
    /// answers to the component's own queries, and leaves the others.
    pub(super) fn poll_answer<T>(
        &mut self,
        link: &mut dyn Link,
        parse: impl Fn(&[u8], &str) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        if self.next_poll > clock::now() {
            return Ok(None);
        }
        self.next_poll = clock::now() + POLL_INTERVAL;
        let own = format!("\"{}", self.own_prefix);
        let mut answer = None;
        link.browse(self.queue, &mut |message| {
            if let Some(found) = parse(&message.body, &self.id) {
                answer = Some(found);
            }
            String::from_utf8_lossy(&message.body).contains(&own)
        })?;
        Ok(answer)
    }
}
