//! Sessions with the broker inside the process.

use std::thread;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender};

use super::MemoryBroker;
use super::link::MemoryLink;
use crate::broker::{ConsumeOn, Error, Job, PublishJob, Session};

/// A session with a [`MemoryBroker`].
pub struct MemorySession {
    broker: MemoryBroker,
    number: u64,
    /// Every thread of the session holds a clone.
    running: Sender<()>,
    ended: Receiver<()>,
}

impl MemorySession {
    pub(super) fn new(broker: MemoryBroker, number: u64) -> Self {
        let (running, ended) = crossbeam_channel::bounded(0);
        Self { broker, number, running, ended }
    }

    fn start(&self, name: &str, work: impl FnOnce(&mut MemoryLink) + Send + 'static) -> Result<(), Error> {
        let (broker, number, running) = (self.broker.clone(), self.number, self.running.clone());
        let work = move || {
            work(&mut MemoryLink::new(broker, number));
            drop(running);
        };
        thread::Builder::new().name(name.to_owned()).spawn(work).map_err(Error::lost)?;
        Ok(())
    }
}

impl Session for MemorySession {
    fn spawn(&mut self, name: &str, _consume_on: ConsumeOn, job: Job) -> Result<(), Error> {
        self.start(name, move |link| job(Ok(link)))
    }

    fn spawn_unconfirmed(&mut self, name: &str, job: PublishJob) -> Result<(), Error> {
        self.start(name, move |link| job(Ok(link)))
    }

    fn close(self: Box<Self>, deadline: Instant) -> Option<Error> {
        drop(self.running);
        // Nothing is ever sent: it ends when the last thread has ended, or at the deadline.
        let _ = self.ended.recv_deadline(deadline);
        let was_lost = !self.broker.state().end_session(self.number);
        was_lost.then(|| Error::lost("the test ended all sessions"))
    }
}
