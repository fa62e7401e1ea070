//! The queue in which the registrar keeps the current notice: for the standby replicas, and for whoever takes over.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::broker::{Error, Link, OwnQueue};
use crate::message::Outgoing;
use crate::mov::component_info::ComponentInfo;
use crate::mov::notice::Notice;

/// The queue `valawai/<level>/<name>/identity`, which keeps the newest message.
#[derive(Debug)]
pub(super) struct IdentityQueue {
    queue: String,
    is_open: bool,
    was_refused: bool,
}

/// The current registration, and the contract that it was made with.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Identity {
    pub(super) notice: Notice,
    /// See [`ComponentInfo::contract`].
    pub(super) contract: String,
}

/// What the queue says.
#[derive(Debug, PartialEq)]
pub(super) enum Seen {
    /// Nothing: it is empty, or another replica is reading it.
    Nothing,
    /// The component is not registered now.
    Unregistered,
    /// It is.
    Registered(Identity),
}

#[derive(Serialize, Deserialize)]
struct Body {
    /// `None` for a component that is not registered now.
    registered: Option<Registered>,
}

#[derive(Serialize, Deserialize)]
struct Registered {
    contract: String,
    notice: Value,
}

impl IdentityQueue {
    pub(super) fn of(info: &ComponentInfo) -> Self {
        let level = info.level.lower();
        let name = info.name.trim_start_matches(level).trim_start_matches('_');
        Self { queue: format!("valawai/{level}/{name}/identity"), is_open: false, was_refused: false }
    }

    /// Makes it ready. A broker that refuses it, as a cluster does while its node is down, is not asked the next time: the
    /// component can register without it.
    pub(super) fn open(&mut self, link: &mut dyn Link) -> Result<(), Error> {
        self.is_open = false;
        if !std::mem::take(&mut self.was_refused) {
            let declared = link.declare_own(&self.queue, &OwnQueue { newest_only: true, ..OwnQueue::default() });
            self.was_refused = matches!(declared, Err(Error::Denied { .. }));
            declared?;
            self.is_open = true;
        }
        Ok(())
    }

    /// What the registrar of the component of `info` wrote last.
    pub(super) fn read(&self, link: &mut dyn Link, info: &ComponentInfo) -> Result<Seen, Error> {
        let mut found = Seen::Nothing;
        self.browse(link, &mut |body| {
            found = parse(body, info);
            false
        })?;
        Ok(found)
    }

    /// Replaces what is there.
    pub(super) fn write(
        &self,
        link: &mut dyn Link,
        notice: Option<&Notice>,
        info: &ComponentInfo,
    ) -> Result<(), Error> {
        if self.is_open {
            let registered =
                notice.map(|notice| Registered { contract: info.contract(), notice: notice.whole.clone() });
            let body = serde_json::to_vec(&Body { registered }).expect("JSON that was read can be written");
            link.publish(&Outgoing::new(self.queue.as_str(), body))?;
        }
        Ok(())
    }

    /// Removes what is there: nobody is left to read it.
    pub(super) fn clear(&self, link: &mut dyn Link) -> Result<(), Error> {
        self.browse(link, &mut |_| true)
    }

    fn browse(&self, link: &mut dyn Link, take: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), Error> {
        if self.is_open { link.browse(&self.queue, &mut |message| take(&message.body)) } else { Ok(()) }
    }
}

fn parse(body: &[u8], info: &ComponentInfo) -> Seen {
    let Ok(Body { registered }) = crate::payload::read(body) else { return Seen::Nothing };
    let Some(Registered { contract, notice }) = registered else { return Seen::Unregistered };
    Notice::from_json(notice, info).map_or(Seen::Nothing, |notice| Seen::Registered(Identity { notice, contract }))
}
