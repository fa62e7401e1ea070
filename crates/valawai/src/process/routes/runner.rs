//! Runs the task of one route in sessions of its own, one after another: nothing that it meets can end those of the component.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, select};
use parking_lot::Mutex;

use crate::broker::backoff::Backoff;
use crate::broker::{ConsumeOn, Declared, Error, Link, Session};
use crate::clock;
use crate::health::status::ConsumerStatus;
use crate::shutdown::{self, Shutdown, ShutdownHandle};
use crate::threads;

/// The pauses between the attempts to connect, or to find a missing exchange.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// After a session that lasted so long, the pauses start again with the first.
const STABLE_SESSION: Duration = Duration::from_secs(10);

/// How often the state is looked at while there is no session.
const TICK: Duration = Duration::from_secs(1);

/// How long the end of a session may take.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);

/// What runs in each session. It calls its last argument when it works.
pub(super) type Work = dyn Fn(&mut dyn Link, &Shutdown, &mut dyn FnMut(Declared)) -> Result<(), Error> + Send + Sync;

/// Opens a session with one broker. The number counts the attempts.
pub(super) type ConnectTo = Arc<dyn Fn(u64) -> Result<Box<dyn Session>, Error> + Send + Sync>;

/// What a runner runs.
pub(super) struct Task {
    /// The name of the route, for the log.
    pub(super) name: String,
    pub(super) connect: ConnectTo,
    pub(super) consume_on: ConsumeOn,
    pub(super) work: Box<Work>,
    /// Whether something waits for it, so that the component does not work while there is no session.
    pub(super) is_awaited: Box<dyn Fn() -> bool + Send + Sync>,
    pub(super) status: Arc<ConsumerStatus>,
}

/// A thread that runs a task.
pub(super) struct Runner {
    /// `None` once it was told to stop.
    shutdown: Option<ShutdownHandle>,
    /// Shuts down the connections when it is dropped.
    abort: Option<ShutdownHandle>,
    /// Disconnected when the thread has ended.
    ended: Receiver<()>,
}

impl Runner {
    pub(super) fn start(task: Task) -> Result<Self, Error> {
        let (shutdown_handle, shutdown) = shutdown::channel();
        let (abort_handle, abort) = shutdown::channel();
        let (running, ended) = crossbeam_channel::bounded(0);
        let name = format!("route-{}", task.name);
        let state = State { task: Arc::new(task), reported: Arc::default(), said: Arc::default(), shutdown, abort };
        let run = move || {
            state.run();
            drop(running);
        };
        threads::spawn(&name, run).map_err(Error::lost)?;
        Ok(Self { shutdown: Some(shutdown_handle), abort: Some(abort_handle), ended })
    }

    /// Tells it to finish what is in flight, and to end.
    pub(super) fn stop(&mut self) {
        self.shutdown = None;
    }

    /// Waits for its end until `deadline`; then it is told to leave everything as it is. Returns whether it ended in time.
    pub(super) fn join(&mut self, deadline: Instant) -> bool {
        self.stop();
        // Nothing is ever sent.
        let has_ended =
            threads::receive_until(&self.ended, deadline) == Err(crossbeam_channel::RecvTimeoutError::Disconnected);
        self.abort = None;
        has_ended
    }
}

struct State {
    task: Arc<Task>,
    /// The problem that was reported last, until it is over.
    reported: Arc<Mutex<Option<String>>>,
    /// Whether it was said that the exchange does not delay.
    said: Arc<AtomicBool>,
    shutdown: Shutdown,
    abort: Shutdown,
}

impl State {
    fn run(&self) {
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        for attempt in 1.. {
            let began = clock::now();
            let result = (self.task.connect)(attempt).and_then(|session| self.run_in(session));
            if self.shutdown.is_requested() || self.abort.is_requested() {
                return;
            }
            self.report(&result.err().unwrap_or_else(|| Error::lost("its task ended")));
            if clock::since(began) >= STABLE_SESSION {
                backoff.reset();
            }
            if self.pause(clock::now() + backoff.pause()) {
                return;
            }
        }
    }

    /// Waits for the next attempt. Returns whether the shutdown was requested.
    fn pause(&self, until: Instant) -> bool {
        while clock::now() < until {
            let _stalled = (self.task.is_awaited)().then(|| self.task.status.mark_stalled());
            if self.shutdown.wait_until(until.min(clock::now() + TICK)) {
                return true;
            }
        }
        false
    }

    fn run_in(&self, mut session: Box<dyn Session>) -> Result<(), Error> {
        let (sender, result) = crossbeam_channel::bounded(1);
        let (task, shutdown) = (Arc::clone(&self.task), self.shutdown.clone());
        let (reported, said) = (Arc::clone(&self.reported), Arc::clone(&self.said));
        let job = move |link: Result<&mut dyn Link, Error>| {
            let mut ready = |declared| note_ready(&task.name, declared, &reported, &said);
            let result = link.and_then(|link| (task.work)(link, &shutdown, &mut ready));
            // Nobody receives it after an abort.
            let _ = sender.send(result);
        };
        session.spawn(&format!("route-{}", self.task.name), self.task.consume_on, Box::new(job))?;
        threads::before_select(|| !result.is_empty() || self.abort.is_requested());
        let result = select! {
            recv(result) -> result => result.unwrap_or_else(|_| Err(Error::lost("a thread panicked"))),
            recv(self.abort.requested()) -> _ => Ok(()),
        };
        let limit = if self.abort.is_requested() || result.is_err() { Duration::ZERO } else { CLOSE_LIMIT };
        let cause = session.close(clock::now() + limit);
        match (result, cause) {
            (Err(Error::Lost { .. }), Some(cause)) => Err(cause),
            (result, _) => result,
        }
    }

    /// Reports a problem once.
    fn report(&self, error: &Error) {
        let text = text(error);
        let mut reported = self.reported.lock();
        if reported.as_ref() == Some(&text) {
            return log::debug!("route {}: {text}", self.task.name);
        }
        log::warn!("route {}: {text}; it is tried again until it works", self.task.name);
        *reported = Some(text);
    }
}

fn note_ready(name: &str, declared: Declared, reported: &Mutex<Option<String>>, said: &AtomicBool) {
    if reported.lock().take().is_some() {
        log::info!("route {name} works again");
    } else {
        log::info!("route {name} is connected");
    }
    if declared == Declared::WithoutDelay && !said.swap(true, Ordering::Relaxed) {
        log::warn!(
            "route {name}: the broker does not have the plugin for x-delayed-message; its exchange does not delay, and messages \
             with x-delay are delayed in retry queues"
        );
    }
}

/// The problem, with the remedy.
fn text(error: &Error) -> String {
    match error {
        // The remedies of these name settings of the component.
        Error::Unreachable { address, reason } => format!("cannot reach the broker at {address}: {reason}"),
        Error::Rejected { address, reason } => {
            let reason = reason.split_once("; check ").map_or(&**reason, |(reason, _)| reason);
            format!("the broker at {address} rejected the connection: {reason}; check the route's `auth` and `vhost`")
        }
        Error::Denied { reason, .. } if reason.contains("no exchange") => {
            format!("{error}; declare it, or set `\"create\": true` in the route")
        }
        Error::Denied { reason, .. } if reason.contains("PRECONDITION_FAILED") => {
            format!("{error}; configure it as it is, or delete it")
        }
        _ => error.to_string(),
    }
}
