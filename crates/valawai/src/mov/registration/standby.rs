//! A process that does not register the component because another one does: a standby replica, which waits for the
//! lock.

use std::time::Duration;

use super::Registration;
use super::identity_queue::{IdentityRecord, RecordedRegistration};
use crate::broker::{Access, Error, Link};
use crate::clock;
use crate::shutdown::Shutdown;

/// How often a standby sends a request to the broker: in turn for the lock and for the current registration.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The same while it stops: another process that stops as well may leave the unregistering to this one.
const STOPPING_CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// The prefetch for notices, which are few.
const PREFETCH: u16 = 16;

/// How the wait for the lock ended.
#[derive(Debug, PartialEq)]
pub(super) enum LockOutcome {
    /// This process is the registrar now. Until then it reported the registration `observed`.
    Acquired { observed: Option<RecordedRegistration> },
    /// This process stops, and other processes keep the component registered.
    NotNeeded,
}

impl Registration {
    /// Waits for the lock. Meanwhile this process reports the registration that the registrar recorded.
    pub(super) fn wait_for_lock(&mut self, link: &mut dyn Link, shutdown: &Shutdown) -> Result<LockOutcome, Error> {
        let mut observed: Option<RecordedRegistration> = None;
        let mut checks_lock = true;
        loop {
            let is_stopping = shutdown.is_requested();
            if is_stopping && self.has_other_replicas(link)? {
                return Ok(LockOutcome::NotNeeded);
            }
            if !checks_lock && !is_stopping {
                observed = self.observe_registration(link, observed)?;
            } else if link.consumers(&self.queue)?.unwrap_or(0) == 0 {
                self.acquire_lock(link)?;
                return Ok(LockOutcome::Acquired { observed });
            }
            // Another process holds the lock.
            self.role.lose();
            checks_lock = !checks_lock;
            self.check_broker(link, clock::now());
            self.health_reporter.update(observed.as_ref().map(|registration| &registration.notice), !self.is_blocked);
            if is_stopping {
                link.wait(false, None, STOPPING_CHECK_INTERVAL);
            } else {
                link.wait(false, Some(shutdown), CHECK_INTERVAL);
            }
        }
    }

    /// Acquires the lock. A classic queue grants it to one consumer only; a quorum queue grants it to all that ask at
    /// the same moment, so each must check that it is alone.
    fn acquire_lock(&self, link: &mut dyn Link) -> Result<(), Error> {
        link.consume(&self.queue, Access::Exclusive, PREFETCH)?;
        if link.consumers(&self.queue)?.unwrap_or(0) > 1 {
            return Err(Error::LockHeld { queue: self.queue.clone() });
        }
        Ok(())
    }

    fn observe_registration(
        &mut self,
        link: &mut dyn Link,
        observed: Option<RecordedRegistration>,
    ) -> Result<Option<RecordedRegistration>, Error> {
        let record = self.identity_queue.read(link, self.state.info())?;
        let registration = match &record {
            IdentityRecord::Registered(registration) => Some(registration.clone()),
            IdentityRecord::Unregistered { .. } => None,
            IdentityRecord::Missing => return Ok(observed),
        };
        self.observed = record;
        if let Some(RecordedRegistration { notice, .. }) = &registration
            && observed.is_none_or(|observed| observed.notice.id != notice.id)
        {
            log::info!("another process registered the component as {}", notice.id);
        }
        Ok(registration)
    }
}
