//! The identity queue, in which the registrar keeps the current notice: for the standby replicas, and for the process
//! that takes over.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::state::{LastKnown, RegistrationState};
use crate::broker::{Error, Link, OwnQueue};
use crate::message::Outgoing;
use crate::mov::component_info::ComponentInfo;
use crate::mov::notice::Notice;
use crate::name::Id;

/// The queue `valawai/<level>/<name>/identity`, which keeps the newest message.
#[derive(Debug)]
pub(super) struct IdentityQueue {
    queue: String,
    is_declared: bool,
    was_denied: bool,
}

/// A registration that a registrar recorded.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RecordedRegistration {
    pub(super) notice: Notice,
    /// The [`ComponentInfo::contract_fingerprint`] of the component that registered.
    pub(super) contract: String,
    /// Whether the notifications are enabled that the MOV stored as disabled; see `late_notifications`.
    pub(super) notifications_enabled: bool,
}

impl RecordedRegistration {
    /// Its identifier, and whether its notifications are enabled.
    pub(super) fn key(&self) -> (Id, bool) {
        (self.notice.id.clone(), self.notifications_enabled)
    }
}

/// What the queue holds.
#[derive(Debug, Default, PartialEq)]
pub(super) enum IdentityRecord {
    /// No record: the queue is empty, or another replica is reading it.
    #[default]
    Missing,
    /// The component is not registered, as far as is known.
    Unregistered {
        /// A registration that may be live.
        last_known: Option<LastKnown>,
        /// Registrations that the last process ended when it stopped. The MOV may list them for a while.
        ending: Vec<Id>,
    },
    /// The component is registered.
    Registered(RecordedRegistration),
}

#[derive(Serialize, Deserialize)]
struct Body {
    /// `None` if the component is not registered.
    registered: Option<Registered>,
    /// A registration that may be live, although it is not reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_known: Option<LastKnown>,
    /// Registrations that the last process ends when it stops.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ending: Vec<Id>,
}

#[derive(Serialize, Deserialize)]
struct Registered {
    contract: String,
    notice: Value,
    #[serde(default)]
    notifications_enabled: bool,
}

impl IdentityQueue {
    pub(super) fn new(info: &ComponentInfo) -> Self {
        Self { queue: identity_queue(&info.name), is_declared: false, was_denied: false }
    }

    /// The queue, if it exists: it is read without being declared.
    pub(super) fn existing(info: &ComponentInfo) -> Self {
        Self { is_declared: true, ..Self::new(info) }
    }

    /// Declares the queue. If the broker denies it, as a cluster does while the node of the queue is down, the next
    /// call skips it: the component can register without it.
    pub(super) fn declare(&mut self, link: &mut dyn Link) -> Result<(), Error> {
        self.is_declared = false;
        if !std::mem::take(&mut self.was_denied) {
            let declared = link.declare_own(&self.queue, &OwnQueue { newest_only: true, ..OwnQueue::default() });
            self.was_denied = matches!(declared, Err(Error::Denied { .. }));
            declared?;
            self.is_declared = true;
        }
        Ok(())
    }

    /// The last record of a registrar of the component `info`.
    pub(super) fn read(&self, link: &mut dyn Link, info: &ComponentInfo) -> Result<IdentityRecord, Error> {
        let mut record = IdentityRecord::Missing;
        self.browse(link, &mut |body| {
            record = parse(body, info);
            false
        })?;
        Ok(record)
    }

    /// Replaces the record.
    pub(super) fn write(
        &self,
        link: &mut dyn Link,
        state: &RegistrationState,
        notifications_enabled: bool,
    ) -> Result<(), Error> {
        if self.is_declared {
            let contract = state.info().contract_fingerprint();
            let registered = state.current().map(|notice| Registered {
                contract,
                notice: notice.json.clone(),
                notifications_enabled,
            });
            let (last_known, ending) = (state.last_known().cloned(), state.ending().to_vec());
            let body = Body { registered, last_known, ending };
            let body = serde_json::to_vec(&body).expect("JSON that was parsed always serializes");
            link.publish(&Outgoing::new(self.queue.as_str(), body))?;
        }
        Ok(())
    }

    fn browse(&self, link: &mut dyn Link, take: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), Error> {
        if self.is_declared { link.browse(&self.queue, &mut |message| take(&message.body)) } else { Ok(()) }
    }
}

/// The identity queue of the component `name`, as in `c1_echo`.
#[must_use]
pub fn identity_queue(name: &str) -> String {
    let (level, name) = name.split_once('_').unwrap_or(("", name));
    format!("valawai/{level}/{name}/identity")
}

fn parse(body: &[u8], info: &ComponentInfo) -> IdentityRecord {
    let Ok(Body { registered, last_known, ending }) = crate::payload::read(body) else {
        return IdentityRecord::Missing;
    };
    let Some(Registered { contract, notice, notifications_enabled }) = registered else {
        return IdentityRecord::Unregistered { last_known, ending };
    };
    Notice::from_json(notice, info).map_or(IdentityRecord::Missing, |notice| {
        IdentityRecord::Registered(RecordedRegistration { notice, contract, notifications_enabled })
    })
}
