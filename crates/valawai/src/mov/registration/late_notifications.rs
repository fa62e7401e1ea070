//! Enables what a C2 component is to observe.
//!
//! The MOV notifies a C2 component of messages that others send to each other. If a connection exists when the component
//! registers, the MOV stores that notification as disabled, and tells nobody. So the component would hear of connections that
//! are made later only, and whether that happens depends on the order in which components start. People may disable
//! notifications on purpose, so this is done once for each registration. The identity queue records that it is done, so that it
//! is also done if the process crashes before, and not again when another process takes the registration over.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::page_query::PageQuery;
use crate::broker::{Error, Link};
use crate::mov::component_info::ComponentInfo;
use crate::mov::payloads::{self, Action, TopologyQuery};
use crate::name::Id;

/// When the MOV is queried after a registration: it discovers connections while it goes on.
const QUERIES_AFTER: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(20)];

/// How many connections are queried at a time.
const PAGE_SIZE: usize = 50;

/// How long a query may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// The notifications of one component, over all sessions of this process.
#[derive(Debug)]
pub(super) struct LateNotifications {
    /// The channels on which it is notified.
    channels: Vec<Arc<str>>,
    /// The registration whose notifications these are.
    registration: Option<Id>,
    /// When to query, the next one last.
    due: Vec<Instant>,
    pending: Option<PendingQuery>,
    /// Whether the last query was answered.
    is_done: bool,
}

#[derive(Debug)]
struct PendingQuery {
    query: PageQuery,
    offset: usize,
    sent_at: Instant,
}

#[derive(Deserialize)]
struct Page {
    query_id: String,
    #[serde(default)]
    total: usize,
    #[serde(default)]
    connections: Vec<Connection>,
}

#[derive(Deserialize)]
struct Connection {
    id: Id,
    #[serde(default)]
    notifications: Vec<Notification>,
}

#[derive(Deserialize)]
struct Notification {
    target: Target,
    #[serde(default)]
    enabled: bool,
}

#[derive(Deserialize)]
struct Target {
    component_id: Id,
    channel_name: String,
}

impl LateNotifications {
    /// The notifications on `channels`, of which a component of another level has none.
    pub(super) fn new(channels: Vec<Arc<str>>) -> Self {
        Self { channels, registration: None, due: Vec::new(), pending: None, is_done: false }
    }

    /// A session was opened: a query of the last one is not answered any more. `done` is the registration that is recorded as
    /// done, perhaps by another process.
    pub(super) fn session_opened(&mut self, done: Option<Id>, now: Instant) {
        self.pending = None;
        if done.is_some() {
            self.registration = done;
            self.due.clear();
            self.is_done = true;
        } else if self.registration.is_some() && !self.is_done && self.due.is_empty() {
            self.due.push(now);
        }
    }

    /// Whether everything is enabled that the registration `id` found disabled.
    pub(super) fn is_done(&self, id: &Id) -> bool {
        self.channels.is_empty() || (self.is_done && self.registration.as_ref() == Some(id))
    }

    fn begin(&mut self, id: &Id, now: Instant) {
        self.registration = Some(id.clone());
        self.due = QUERIES_AFTER.iter().rev().map(|after| now + *after).collect();
        self.pending = None;
        self.is_done = false;
    }

    /// Sends the query that is due for the registration `id`, or enables what the answer to the last one names.
    pub(super) fn check(
        &mut self,
        link: &mut dyn Link,
        info: &ComponentInfo,
        id: &Id,
        now: Instant,
    ) -> Result<(), Error> {
        if self.channels.is_empty() {
            return Ok(());
        }
        if self.registration.as_ref() != Some(id) {
            self.begin(id, now);
        }
        if let Some(mut pending) = self.pending.take() {
            match pending.query.poll_answer(link, parse_page)? {
                Some(page) => {
                    self.enable(link, &page, id)?;
                    let next = pending.offset + PAGE_SIZE;
                    if next < page.total {
                        self.query(link, info, next, now)?;
                    } else {
                        self.is_done = self.due.is_empty();
                    }
                }
                None if now < pending.sent_at + ANSWER_LIMIT => self.pending = Some(pending),
                None => {}
            }
        } else if self.due.last().is_some_and(|due| *due <= now) {
            self.due.pop();
            self.query(link, info, 0, now)?;
        }
        Ok(())
    }

    fn query(&mut self, link: &mut dyn Link, info: &ComponentInfo, offset: usize, now: Instant) -> Result<(), Error> {
        let query = PageQuery::new(link, payloads::TOPOLOGY_PAGE, "notifications", info)?;
        link.publish(&payloads::topology_query(&TopologyQuery { id: query.id(), offset, limit: PAGE_SIZE }))?;
        self.pending = Some(PendingQuery { query, offset, sent_at: now });
        Ok(())
    }

    fn enable(&self, link: &mut dyn Link, page: &Page, id: &Id) -> Result<(), Error> {
        for connection in &page.connections {
            for notification in connection.notifications.iter().filter(|found| self.is_own_and_disabled(found, id)) {
                let channel = &notification.target.channel_name;
                log::info!("enabling the notifications of connection {} on {channel}", connection.id);
                link.publish(&payloads::change_notification(Action::Enable, &connection.id, (id, channel)))?;
            }
        }
        Ok(())
    }

    fn is_own_and_disabled(&self, notification: &Notification, id: &Id) -> bool {
        let target = &notification.target;
        !notification.enabled
            && target.component_id == *id
            && self.channels.iter().any(|channel| **channel == *target.channel_name)
    }
}

/// The page in `body`, if it answers the query `query_id`.
fn parse_page(body: &[u8], query_id: &str) -> Option<Page> {
    let page: Page = crate::payload::read(body).ok()?;
    (page.query_id == query_id).then_some(page)
}

#[cfg(test)]
#[path = "late_notifications_tests.rs"]
mod tests;
