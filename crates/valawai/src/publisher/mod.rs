//! Publishes what sources and outlets have in their outboxes, in one session after another.

mod outlet_publisher;
mod publish_loop;
mod source_thread;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

pub(crate) use self::outlet_publisher::OutletPublisher;

use self::publish_loop::{Feed, PublishLoop};
use self::source_thread::SourceThread;
use crate::broker::{Error, Link};
use crate::clock;
use crate::component::Source;
use crate::component::outbox::Outbox;
use crate::component::scope::Scope;
use crate::consumer::Unroutable;
use crate::health::status::ConsumerStatus;
use crate::mov::registration::RegistrarRole;
use crate::operations::Operations;
use crate::shutdown::Shutdown;

/// How long the broker may fail to accept messages before the session is reopened.
const CONFIRM_LIMIT: Duration = Duration::from_secs(60);

/// How long a source may take to return when the component stops.
pub(crate) const SOURCE_LIMIT: Duration = Duration::from_secs(1);

/// How often to look whether the sources have returned, which nothing signals.
const CLOSING_TICK: Duration = Duration::from_millis(5);

/// Publishes the messages of one source. Clones share their state, which outlives sessions.
#[derive(Clone)]
pub(crate) struct SourcePublisher {
    source: Source,
    scope: Arc<Scope>,
    outbox: Arc<Outbox>,
    /// Started by the first session.
    thread: Arc<Mutex<Option<SourceThread>>>,
    registrar_role: RegistrarRole,
    unroutable: Arc<Mutex<Unroutable>>,
    status: Arc<ConsumerStatus>,
    operations: Operations,
    confirm_limit: Duration,
    /// Whether the component moves to another broker: what is published is confirmed first, and nothing more is published.
    is_leaving: Arc<AtomicBool>,
}

impl SourcePublisher {
    /// The publisher of `source`. A source on one replica runs while this process has the `registrar_role`.
    pub(crate) fn new(
        source: Source,
        scope: Arc<Scope>,
        status: Arc<ConsumerStatus>,
        registrar_role: RegistrarRole,
    ) -> Self {
        Self {
            source,
            scope,
            outbox: Arc::default(),
            thread: Arc::default(),
            registrar_role,
            unroutable: Arc::default(),
            status,
            operations: Operations::default(),
            confirm_limit: CONFIRM_LIMIT,
            is_leaving: Arc::default(),
        }
    }

    /// Records what it does in `operations`.
    #[must_use]
    pub(crate) fn with_operations(self, operations: Operations) -> Self {
        Self { operations, ..self }
    }

    /// Whether the component moves to another broker when the session ends, and the source goes on.
    pub(crate) fn set_leaving(&self, is_leaving: bool) {
        self.is_leaving.store(is_leaving, Ordering::Relaxed);
    }

    /// Starts the source, unless it is running; `shutdown` stops it.
    ///
    /// # Errors
    /// If the system cannot start a thread.
    pub(crate) fn start_source(&self, shutdown: &Shutdown) -> Result<(), Error> {
        let mut thread = self.thread.lock();
        if thread.is_none() {
            *thread = Some(SourceThread::start(self, shutdown).map_err(Error::lost)?);
        }
        Ok(())
    }

    /// Publishes until the shutdown, and then until the source has returned and everything is confirmed. A source that does
    /// not return in time is left behind.
    ///
    /// # Errors
    /// If the session is over. What the broker has not confirmed is published again in the next one.
    pub(crate) fn run(&self, link: &mut dyn Link, shutdown: &Shutdown) -> Result<(), Error> {
        PublishLoop::new(self.feed(), link).run(shutdown)
    }

    fn feed(&self) -> Feed<'_> {
        let channel = self.source.channel.short();
        Feed {
            name: channel.into(),
            outbox: &self.outbox,
            log: &self.scope.log,
            unroutable: &self.unroutable,
            status: &self.status,
            operations: &self.operations,
            metrics: self.operations.metrics.channel(channel),
            confirm_limit: self.confirm_limit,
            own_queue: None,
            is_leaving: Some(&self.is_leaving),
            is_source_running: Box::new(|| self.is_source_running()),
        }
    }

    /// Reports what is lost because the component stops.
    fn report_lost(&self) {
        let channel = self.source.channel.short();
        if self.is_source_running() {
            log::warn!("the source of {channel} is still running; its next message is not published");
        }
        let count = self.outbox.count();
        if count > 0 {
            log::warn!("{count} messages for {channel} were not confirmed in time; they may be lost");
        }
    }

    fn is_source_running(&self) -> bool {
        self.thread.lock().as_ref().is_some_and(SourceThread::is_running)
    }
}

/// Accepts nothing more from the sources, because the component stops. Waits until `deadline` for them to return, and reports
/// what is lost. It is done once: what is closed already was reported.
pub(crate) fn close(publishers: &[SourcePublisher], deadline: Instant) {
    let open: Vec<&SourcePublisher> = publishers.iter().filter(|publisher| publisher.outbox.close()).collect();
    while open.iter().any(|publisher| publisher.is_source_running()) && clock::now() < deadline {
        clock::sleep(CLOSING_TICK);
    }
    open.into_iter().for_each(SourcePublisher::report_lost);
}
