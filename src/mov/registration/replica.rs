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
                link.consume(&self.options.queue, Access::Exclusive, PREFETCH)?;
                return Ok(Lock::Held);
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

    /// Shows who the registrar says the component is.
    fn learn(&mut self, link: &mut dyn Link) -> Result<(), Error> {
        let held = self.held_identity(link)?;
        match held {
            Some(notice) if self.options.identity.id().as_ref() != Some(&notice.id) => {
                log::info!("another process registered the component as {}", notice.id);
                self.options.identity.set(Some(notice.id.clone()));
                self.options.health.show(&notice.whole);
            }
            None if self.is_shown() => {
                self.options.health.remove();
                self.options.identity.set(None);
            }
            _ => {}
        }
        Ok(())
    }
}
