//! Enables what a C2 component is to observe.
//!
//! The MOV notifies a C2 component of messages that others send to each other. If a connection exists when the component
//! registers, the MOV stores that notification as disabled, and tells nobody. So the component would hear of connections that
//! are made later only, and whether that happens depends on the order in which components start. People may disable
//! notifications on purpose, so this is done once, after a new registration.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::broker::{Error, Link};
use crate::ids::Ids;
use crate::message::Outgoing;
use crate::mov::component_info::ComponentInfo;
use crate::mov::payloads::{self, Action, TopologyQuery};
use crate::name::Id;

/// When the MOV is queried after a registration: it discovers connections while it goes on.
const QUERIES_AFTER: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(20)];

/// How many connections are queried at a time.
const PAGE_SIZE: usize = 50;

/// How long a query may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// The first part of the identifier of each query, by which late answers are recognized and removed.
const QUERY_ID_PREFIX: &str = "notifications-of-";

/// The notifications of one component, over all sessions of this process.
#[derive(Debug)]
pub(super) struct LateNotifications {
    /// The channels on which it is notified.
    channels: Vec<Arc<str>>,
    /// When to query, the next one last.
    due: Vec<Instant>,
    pending: Option<PendingQuery>,
}

#[derive(Debug)]
struct PendingQuery {
    query_id: String,
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
        Self { channels, due: Vec::new(), pending: None }
    }

    /// The component has registered.
    pub(super) fn registered(&mut self, now: Instant) {
        if !self.channels.is_empty() {
            self.due = QUERIES_AFTER.iter().rev().map(|after| now + *after).collect();
        }
    }

    /// A session was opened: a query of the last one is not answered any more.
    pub(super) fn session_opened(&mut self) {
        self.pending = None;
    }

    /// Sends the query that is due, or enables what the answer to the last one names.
    pub(super) fn check(
        &mut self,
        link: &mut dyn Link,
        info: &ComponentInfo,
        id: &Id,
        now: Instant,
    ) -> Result<(), Error> {
        if let Some(pending) = self.pending.take() {
            match receive(link, info, &pending.query_id)? {
                Some(page) => {
                    self.enable(link, &page, id)?;
                    let next = pending.offset + PAGE_SIZE;
                    if next < page.total {
                        self.query(link, info, next, now)?;
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
        let query_id = format!("{QUERY_ID_PREFIX}{}-{}", info.name, Ids::new().next());
        link.declare(payloads::TOPOLOGY_PAGE)?;
        link.publish(&payloads::topology_query(&TopologyQuery { id: &query_id, offset, limit: PAGE_SIZE }))?;
        self.pending = Some(PendingQuery { query_id, offset, sent_at: now });
        Ok(())
    }

    fn enable(&self, link: &mut dyn Link, page: &Page, id: &Id) -> Result<(), Error> {
        for connection in &page.connections {
            for notification in connection.notifications.iter().filter(|found| self.is_own_and_disabled(found, id)) {
                let channel = &notification.target.channel_name;
                log::info!("enabling the notifications of connection {} on {channel}", connection.id);
                link.publish(&request(Action::Enable, &connection.id, id, channel))?;
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

fn request(action: Action, connection: &Id, component: &Id, channel: &str) -> Outgoing {
    payloads::change_notification(action, connection, (component, channel))
}

/// The answer to the query, if it has arrived. All components share the queue of answers: this removes those to the component's
/// own queries, and leaves the others.
fn receive(link: &mut dyn Link, info: &ComponentInfo, query_id: &str) -> Result<Option<Page>, Error> {
    let own = format!("\"{QUERY_ID_PREFIX}{}-", info.name);
    let mut answer = None;
    link.browse(payloads::TOPOLOGY_PAGE, &mut |message| {
        if let Ok(page) = message.read::<Page>()
            && page.query_id == query_id
        {
            answer = Some(page);
        }
        String::from_utf8_lossy(&message.body).contains(&own)
    })?;
    Ok(answer)
}
