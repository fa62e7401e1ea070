//! Publishes the messages of an outlet, in one session after another.

use std::sync::Arc;

use parking_lot::Mutex;

use super::CONFIRM_LIMIT;
use super::publish_loop::{FIRST_PAUSE, Feed, LONGEST_PAUSE, PublishLoop};
use crate::broker::backoff::Backoff;
use crate::broker::{Declared, Error, Link};
use crate::clock;
use crate::component::outlet::Outlet;
use crate::consumer::Unroutable;
use crate::health::status::ConsumerStatus;
use crate::mov::log::MovLog;
use crate::operations::Operations;
use crate::routes::{Destination, Exchange};
use crate::shutdown::Shutdown;

/// Publishes the messages of one outlet. It outlives sessions.
pub(crate) struct OutletPublisher {
    outlet: Arc<Outlet>,
    log: MovLog,
    status: Arc<ConsumerStatus>,
    operations: Operations,
    unroutable: Mutex<Unroutable>,
    /// Set while its exchange does not exist.
    missing: Mutex<Option<Missing>>,
}

/// An exchange that does not exist. What is published to it is dropped.
struct Missing {
    dropped: u64,
    backoff: Backoff,
}

impl OutletPublisher {
    pub(crate) fn new(outlet: Arc<Outlet>, log: MovLog, status: Arc<ConsumerStatus>, operations: Operations) -> Self {
        Self { outlet, log, status, operations, unroutable: Mutex::default(), missing: Mutex::default() }
    }

    /// Publishes until the shutdown, and then until everything is confirmed. Calls `ready` when the destination exists.
    ///
    /// # Errors
    /// If the session is over. What the broker has not confirmed is published again in the next one.
    pub(crate) fn run(
        &self,
        link: &mut dyn Link,
        shutdown: &Shutdown,
        ready: &mut dyn FnMut(Declared),
    ) -> Result<(), Error> {
        let session = self.outlet.outbox.begin_session();
        loop {
            match self.prepare(link)? {
                Ok(declared) => {
                    ready(declared);
                    return PublishLoop::new(self.feed(), link).run(shutdown);
                }
                Err(exchange) if self.discard(exchange, session, link, shutdown)? => return Ok(()),
                Err(_) => {}
            }
        }
    }

    /// Declares the destination. The inner error is an exchange that does not exist.
    fn prepare(&self, link: &mut dyn Link) -> Result<Result<Declared, &Exchange>, Error> {
        let declared = match &self.outlet.destination {
            None => Declared::AsConfigured,
            Some(Destination::Queue(queue)) => link.declare_route(queue, None)?,
            Some(Destination::Exchange(exchange, _)) => match link.declare_exchange(exchange) {
                Ok(declared) => declared,
                Err(Error::Denied { reason, .. }) if reason.contains("NOT_FOUND") => return Ok(Err(exchange)),
                Err(error) => return Err(error),
            },
        };
        if let Some(Missing { dropped, .. }) = self.missing.lock().take() {
            log::info!("the exchange of the route {} exists now; {dropped} messages were dropped", self.outlet.name);
        }
        Ok(Ok(declared))
    }

    /// Drops messages until `exchange` is to be looked for again. Returns whether the shutdown was requested.
    fn discard(
        &self,
        exchange: &Exchange,
        session: u64,
        link: &mut dyn Link,
        shutdown: &Shutdown,
    ) -> Result<bool, Error> {
        let mut missing = self.missing.lock();
        let missing = missing.get_or_insert_with(|| {
            let (route, name) = (&self.outlet.name, &exchange.name);
            log::warn!(
                "the exchange {name} of the route {route} does not exist; its messages are dropped until somebody declares it, or \
                 the route has `\"create\": true`"
            );
            Missing { dropped: 0, backoff: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE) }
        });
        let next_check = clock::now() + missing.backoff.pause();
        loop {
            while let Some((number, _)) = self.outlet.outbox.next(session) {
                self.outlet.outbox.confirmed(number);
                self.outlet.metrics.count_dropped();
                missing.dropped += 1;
            }
            let _ = link.poll(false)?;
            let left = next_check.saturating_duration_since(clock::now());
            if shutdown.is_requested() || left.is_zero() {
                return Ok(shutdown.is_requested());
            }
            link.wait_for_signal(false, self.outlet.outbox.added(), Some(shutdown), left);
        }
    }

    fn feed(&self) -> Feed<'_> {
        let queue = match &self.outlet.destination {
            Some(Destination::Queue(queue)) => Some(&**queue),
            _ => None,
        };
        Feed {
            is_leaving: None,
            name: self.outlet.short().into(),
            outbox: &self.outlet.outbox,
            log: &self.log,
            unroutable: &self.unroutable,
            status: &self.status,
            operations: &self.operations,
            metrics: Some(Arc::clone(&self.outlet.metrics)),
            confirm_limit: CONFIRM_LIMIT,
            own_queue: queue,
            is_source_running: Box::new(|| false),
        }
    }
}
