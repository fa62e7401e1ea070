//! The thread of a source. It outlives sessions, and a shutdown does not wait for it for long.

use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::time::Duration;

use super::SourcePublisher;
use crate::broker::backoff::Backoff;
use crate::clock;
use crate::component::{Publisher, Source};
use crate::failure::Failure;
use crate::mov::log::{Entry, MovLog};
use crate::mov::registration::RegistrarRole;
use crate::shutdown::Shutdown;
use crate::threads::{self, Thread};

/// The pauses before a source that failed is called again.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

pub(super) struct SourceThread {
    thread: Thread,
}

/// What runs on the thread.
struct Runner {
    source: Source,
    publisher: Publisher,
    log: MovLog,
    registrar_role: RegistrarRole,
    backoff: Backoff,
}

impl SourceThread {
    pub(super) fn start(publisher: &SourcePublisher, shutdown: &Shutdown) -> io::Result<Self> {
        let SourcePublisher { source, scope, outbox, registrar_role, .. } = publisher;
        let mut runner = Runner {
            publisher: Publisher::new(Arc::clone(outbox), source.channel.clone(), Arc::clone(scope)),
            source: source.clone(),
            log: scope.log.clone(),
            registrar_role: registrar_role.clone(),
            backoff: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE),
        };
        let (shutdown, name) = (shutdown.clone(), format!("source-{}", source.channel.operation()));
        let thread = threads::spawn(&name, move || runner.run(&shutdown))?;
        Ok(Self { thread })
    }

    pub(super) fn is_running(&self) -> bool {
        self.thread.is_running()
    }
}

impl Runner {
    /// Runs the source again and again until it is done, or the shutdown.
    fn run(&mut self, shutdown: &Shutdown) {
        while !shutdown.is_requested() {
            let is_done = if self.source.on_one_replica {
                let Some(replaced) = self.registrar_role.wait(shutdown) else { return };
                self.run_once(&replaced) && !replaced.is_requested()
            } else {
                self.run_once(shutdown)
            };
            if is_done {
                log::info!("the source of {} is done", self.source.channel.short());
                return;
            }
            if shutdown.wait_for(self.backoff.pause()) {
                return;
            }
        }
    }

    /// Returns whether the source is done.
    fn run_once(&mut self, shutdown: &Shutdown) -> bool {
        let began = clock::now();
        // A panic can leave only what the source owns in an inconsistent state.
        let result = panic::catch_unwind(AssertUnwindSafe(|| (self.source.run)(&self.publisher, shutdown)))
            .unwrap_or_else(|panic| Err(Failure::of_panic("the source", panic.as_ref())));
        if clock::since(began) > LONGEST_PAUSE {
            self.backoff.reset();
        }
        match result {
            Ok(()) => true,
            Err(_) if shutdown.is_requested() => false,
            Err(failure) => {
                self.report(&failure);
                false
            }
        }
    }

    fn report(&self, failure: &Failure) {
        let message = format!("The source of {} starts again, because {failure}", self.source.channel.short());
        self.log.add(Entry::about(failure, message));
    }
}
