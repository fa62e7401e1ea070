//! The thread that publishes the entries.

use std::iter;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam_channel::Receiver;

use super::{Entry, QUEUE, Severity, Shared};
use crate::broker::{Error, Publish};
use crate::mov::identity::Identity;
use crate::mov::payloads;
use crate::shutdown::Shutdown;
use crate::threads;

/// How often the writer checks whether a blocked broker accepts messages again.
const TICK: Duration = Duration::from_millis(500);

/// How long entries are collected between two batches. Under load, waking threads for each entry costs the handlers more
/// time than publishing the entry.
const COLLECT: Duration = Duration::from_millis(5);

/// Publishes the entries, in one session after another.
#[derive(Debug, Clone)]
pub struct Writer {
    pub(super) entries: Receiver<Entry>,
    pub(super) shared: Arc<Shared>,
    pub(super) identity: Identity,
}

impl Writer {
    /// Publishes entries until the shutdown, and then those that still wait.
    ///
    /// # Errors
    /// If the session is over. The entry that was being published is lost.
    pub fn run(&self, publisher: &mut dyn Publish, shutdown: &Shutdown) -> Result<(), Error> {
        loop {
            threads::before_select(|| !self.entries.is_empty() || shutdown.is_requested());
            crossbeam_channel::select! {
                recv(self.entries) -> entry => match entry {
                    Ok(entry) => self.write_batch(publisher, entry, shutdown)?,
                    Err(_) => return Ok(()),
                },
                recv(shutdown.requested()) -> _ => return self.finish(publisher),
            }
        }
    }

    /// Removes the entries that wait, for tests.
    #[must_use]
    pub fn take_all(&self) -> Vec<Entry> {
        self.entries.try_iter().collect()
    }

    /// Writes `first` and the entries that wait, and pauses.
    fn write_batch(&self, publisher: &mut dyn Publish, first: Entry, shutdown: &Shutdown) -> Result<(), Error> {
        for entry in iter::once(first).chain(self.entries.try_iter()) {
            self.write(publisher, &entry, shutdown)?;
        }
        publisher.flush()?;
        // The next call notices a shutdown as well.
        let _ = shutdown.wait_for(COLLECT);
        Ok(())
    }

    fn write(&self, publisher: &mut dyn Publish, entry: &Entry, shutdown: &Shutdown) -> Result<(), Error> {
        while publisher.is_blocked() && !shutdown.wait_for(TICK) {}
        self.publish(publisher, entry)?;
        self.report_dropped(publisher)
    }

    fn finish(&self, publisher: &mut dyn Publish) -> Result<(), Error> {
        while !publisher.is_blocked() {
            let Ok(entry) = self.entries.try_recv() else { break };
            self.publish(publisher, &entry)?;
        }
        publisher.flush()
    }

    fn report_dropped(&self, publisher: &mut dyn Publish) -> Result<(), Error> {
        let dropped = self.shared.dropped.swap(0, Ordering::Relaxed);
        if dropped == 0 {
            return Ok(());
        }
        let message =
            format!("{dropped} log entries were dropped: they were added faster than they could be published");
        log::warn!("{message}");
        self.publish_one(publisher, &Entry::plain(Severity::Warn, message))
    }

    fn publish(&self, publisher: &mut dyn Publish, entry: &Entry) -> Result<(), Error> {
        self.shared.waiting_bytes.fetch_sub(entry.size(), Ordering::Relaxed);
        self.publish_one(publisher, entry)
    }

    fn publish_one(&self, publisher: &mut dyn Publish, entry: &Entry) -> Result<(), Error> {
        let id = self.identity.id();
        match publisher.publish(&payloads::add_log(entry, id.as_ref(), QUEUE)) {
            Err(Error::TooLarge { .. }) => {
                self.shared.count_dropped();
                Ok(())
            }
            result => result.map(drop),
        }
    }
}
