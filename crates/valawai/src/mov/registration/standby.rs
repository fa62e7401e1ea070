//! A process that does not register the component, because another one does: it stands by.

use std::time::{Duration, Instant};

use super::Registration;
use super::identity_queue::{Identity, Seen};
use crate::broker::{Access, Error, Link};
use crate::name::ComponentId;
use crate::shutdown::Shutdown;

/// How often the broker is asked something: in turn whether the registrar is still there, and who the component is.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The same while it stops, when another that stops too may hand over the last duty.
const LOOK_EVERY_WHILE_STOPPING: Duration = Duration::from_millis(100);

/// Notices in flight. They are few.
const PREFETCH: u16 = 16;

/// How standing by ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lock {
    /// This process is the registrar now; it has shown the registration `observed` meanwhile.
    Held { observed: Option<ComponentId> },
    /// It stops, and others go on.
    NotNeeded,
}

impl Registration {
    /// Waits for the lock. Meanwhile it is known here, too, who the component is.
    pub(super) fn stand_by(&mut self, link: &mut dyn Link, shutdown: &Shutdown) -> Result<Lock, Error> {
        let mut observed: Option<Identity> = None;
        let mut looks_for_registrar = true;
        loop {
            let is_stopping = shutdown.is_requested();
            if is_stopping && self.others_work(link)? {
                return Ok(Lock::NotNeeded);
            }
            if looks_for_registrar || is_stopping {
                if link.consumers(&self.queue)?.unwrap_or(0) == 0 {
                    self.take_lock(link)?;
                    return Ok(Lock::Held { observed: observed.map(|identity| identity.notice.id) });
                }
            } else {
                match self.identity_queue.read(link, self.state.info())? {
                    Seen::Registered(identity) => observed = Some(tell_of_change(observed.as_ref(), identity)),
                    Seen::Unregistered => observed = None,
                    Seen::Nothing => {}
                }
            }
            looks_for_registrar = !looks_for_registrar;
            self.look_at_broker(link, Instant::now());
            self.presence.update(observed.as_ref().map(|identity| &identity.notice), !self.is_stuck);
            if is_stopping {
                link.wait(false, None, LOOK_EVERY_WHILE_STOPPING);
            } else {
                link.wait(false, Some(shutdown), LOOK_EVERY);
            }
        }
    }

    /// Takes the lock. A classic queue gives it to one consumer only; a quorum queue to all who ask in the same moment, so
    /// that each has to look whether it is alone.
    fn take_lock(&self, link: &mut dyn Link) -> Result<(), Error> {
        link.consume(&self.queue, Access::Exclusive, PREFETCH)?;
        if link.consumers(&self.queue)?.unwrap_or(0) > 1 {
            return Err(Error::LockHeld { queue: self.queue.clone() });
        }
        Ok(())
    }
}

fn tell_of_change(before: Option<&Identity>, now: Identity) -> Identity {
    if before.is_none_or(|before| before.notice.id != now.notice.id) {
        log::info!("another process registered the component as {}", now.notice.id);
    }
    now
}
