//! A process that does not register the component, because another one does: it stands by.

use std::time::{Duration, Instant};

use super::Registration;
use crate::broker::{Access, Error, Link, Stop};

/// How often it looks whether the registrar is still there.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The same while it stops, when another that stops too may hand over the last duty.
const LOOK_EVERY_WHILE_STOPPING: Duration = Duration::from_millis(100);

/// Notices in hand. They are few.
const PREFETCH: u16 = 16;

/// How standing by ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lock {
    /// This process is the registrar now.
    Held,
    /// It stops, and others go on.
    NotNeeded,
}

impl Registration {
    /// Waits for the lock. Meanwhile it is known here, too, who the component is.
    pub(super) fn stand_by(&mut self, link: &mut dyn Link, stop: &Stop) -> Result<Lock, Error> {
        loop {
            let is_stopping = stop.try_recv() == Err(crossbeam_channel::TryRecvError::Disconnected);
            if is_stopping && self.others_work(link)? {
                return Ok(Lock::NotNeeded);
            }
            if link.consumers(&self.options.queue)?.unwrap_or(0) == 0 {
                return self.take_over(link).map(|()| Lock::Held);
            }
            if is_stopping {
                link.wait(false, None, LOOK_EVERY_WHILE_STOPPING);
            } else {
                self.look_at_broker(link, Instant::now());
                if !self.is_stuck() {
                    self.learn(link)?;
                }
                link.wait(false, Some(stop), LOOK_EVERY);
            }
        }
    }

    /// Takes the lock. A classic queue gives it to one consumer only; a quorum queue to all who ask in the same moment, so
    /// that each has to look whether it is alone.
    fn take_over(&self, link: &mut dyn Link) -> Result<(), Error> {
        let queue = &self.options.queue;
        link.consume(queue, Access::Exclusive, PREFETCH)?;
        if link.consumers(queue)?.unwrap_or(0) > 1 {
            return Err(Error::Taken { queue: queue.clone() });
        }
        Ok(())
    }

    /// Shows who the registrar says the component is.
    fn learn(&mut self, link: &mut dyn Link) -> Result<(), Error> {
        let held = self.board.read(link, &self.options.profile)?;
        self.bare_looks = if held.is_some() { 0 } else { self.bare_looks.saturating_add(1) };
        match held {
            Some(notice) if self.options.identity.id().as_ref() != Some(&notice.id) => {
                log::info!("another process registered the component as {}", notice.id);
                self.options.identity.set(Some(notice.id.clone()));
                self.options.health.show(&notice.whole);
            }
            // Once may be by chance: another replica had the notice in its hands to read it.
            None if self.bare_looks > 1 && self.is_shown() => {
                self.options.health.remove();
                self.options.identity.set(None);
            }
            _ => {}
        }
        Ok(())
    }
}
