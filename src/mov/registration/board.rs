//! Where the registrar leaves the notice that it adopted: for the replicas, and for whoever takes over.

use crate::broker::{Error, Link, OwnQueue};
use crate::message::Outgoing;
use crate::mov::payloads::{Notice, Profile};

/// The queue `valawai/<level>/<name>/identity`, which keeps the newest notice.
#[derive(Debug)]
pub(super) struct Board {
    queue: String,
    is_open: bool,
    was_refused: bool,
}

impl Board {
    pub(super) fn of(profile: &Profile) -> Self {
        let level = profile.level.lower();
        let name = profile.name.trim_start_matches(level).trim_start_matches('_');
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

    /// The notice that hangs there for the component of `profile`.
    pub(super) fn read(&self, link: &mut dyn Link, profile: &Profile) -> Result<Option<Notice>, Error> {
        let mut found = None;
        self.look(link, &mut |body| {
            found = Notice::parse(body, profile).ok();
            false
        })?;
        Ok(found)
    }

    /// Puts `notice` in the place of an older one.
    pub(super) fn write(&self, link: &mut dyn Link, notice: &Notice) -> Result<(), Error> {
        if self.is_open {
            link.publish(&Outgoing::new(self.queue.as_str(), notice.whole.to_string().into_bytes()))?;
        }
        Ok(())
    }

    /// Takes what hangs there away.
    pub(super) fn clear(&self, link: &mut dyn Link) -> Result<(), Error> {
        self.look(link, &mut |_| true)
    }

    fn look(&self, link: &mut dyn Link, take: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), Error> {
        if self.is_open { link.browse(&self.queue, &mut |message| take(&message.body)) } else { Ok(()) }
    }
}
