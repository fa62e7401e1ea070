//! Queries the MOV for the live registrations of the component's name: over REST if its address is set, otherwise by a
//! message.
//!
//! The MOV writes each answer to a message into its log, so a query needs a reason.

use std::time::Instant;

use super::page_query::PageQuery;
use crate::broker::{Error, Link};
use crate::mov::component_info::ComponentInfo;
use crate::mov::notice::{Notice, parse_page};
use crate::mov::payloads;
use crate::mov::rest::RestClient;

/// At most one query by message that waits for its answer.
#[derive(Debug, Default)]
pub(super) struct RegistrationQuery {
    pending: Option<PageQuery>,
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
        let query = PageQuery::new(link, payloads::PAGE, "registrations", info)?;
        link.publish(&payloads::query(info, query.id()))?;
        self.pending = Some(query);
        Ok(None)
    }

    /// When to call [`Self::poll_answer`] again.
    pub(super) fn next_poll(&self) -> Option<Instant> {
        self.pending.as_ref().map(PageQuery::next_poll)
    }

    /// Returns the live registrations if the answer has arrived.
    pub(super) fn poll_answer(
        &mut self,
        link: &mut dyn Link,
        info: &ComponentInfo,
    ) -> Result<Option<Vec<Notice>>, Error> {
        let Some(pending) = &mut self.pending else { return Ok(None) };
        let answer = pending.poll_answer(link, |body, id| parse_page(body, info, id))?;
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
