//! Queries the MOV for the live registrations of the component's name: over REST if its address is set, otherwise by a
//! message.
//!
//! The MOV writes each answer to a message into its log, so a query needs a reason.

use std::time::{Duration, Instant};

use crate::broker::{Error, Link};
use crate::ids::Ids;
use crate::mov::component_info::ComponentInfo;
use crate::mov::notice::{Notice, parse_page};
use crate::mov::payloads;
use crate::mov::rest::RestClient;

/// How often the queue of answers is browsed.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// The first part of the identifier of each query, by which late answers are recognized and removed.
const QUERY_ID_PREFIX: &str = "registrations-of-";

/// At most one query by message that waits for its answer.
#[derive(Debug, Default)]
pub(super) struct RegistrationQuery {
    pending: Option<Pending>,
}

#[derive(Debug)]
struct Pending {
    query_id: String,
    next_poll: Instant,
}

impl RegistrationQuery {
    /// Sends a query, in place of a pending one. Over REST it returns the live registrations at once.
    pub(super) fn send(
        &mut self,
        link: &mut dyn Link,
        rest: Option<&RestClient>,
        info: &ComponentInfo,
    ) -> Result<Option<Vec<Notice>>, Error> {
        self.pending = None;
        if let Some(live) = rest.and_then(|rest| rest.registrations_of(info)) {
            return Ok(Some(live));
        }
        let query_id = format!("{QUERY_ID_PREFIX}{}-{}", info.name, Ids::new().next());
        link.declare(payloads::PAGE)?;
        link.publish(&payloads::query(info, &query_id))?;
        self.pending = Some(Pending { query_id, next_poll: Instant::now() });
        Ok(None)
    }

    /// When to call [`Self::poll_answer`] again.
    pub(super) fn next_poll(&self) -> Option<Instant> {
        self.pending.as_ref().map(|pending| pending.next_poll)
    }

    /// Returns the live registrations if the answer has arrived. All components share the queue of answers: this
    /// removes the answers to the component's own queries and leaves the others.
    pub(super) fn poll_answer(
        &mut self,
        link: &mut dyn Link,
        info: &ComponentInfo,
    ) -> Result<Option<Vec<Notice>>, Error> {
        let Some(pending) = self.pending.as_mut().filter(|pending| pending.next_poll <= Instant::now()) else {
            return Ok(None);
        };
        pending.next_poll = Instant::now() + POLL_INTERVAL;
        let own = format!("\"{QUERY_ID_PREFIX}{}-", info.name);
        let mut answer = None;
        link.browse(payloads::PAGE, &mut |message| {
            if let Some(live) = parse_page(&message.body, info, &pending.query_id) {
                answer = Some(live);
            }
            String::from_utf8_lossy(&message.body).contains(&own)
        })?;
        if answer.is_some() {
            self.pending = None;
        }
        Ok(answer)
    }

    /// Stops waiting for the answer.
    pub(super) fn cancel(&mut self) {
        self.pending = None;
    }
}
