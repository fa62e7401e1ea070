//! The state of the consumers of this process. The registrar derives the health of the component from it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::heartbeat::Heartbeat;
use super::readiness::Readiness;
use crate::clock;

/// The state of all consumers and sources of the process. It outlives sessions.
#[derive(Debug, Default)]
pub struct ConsumerStatus {
    consumers: AtomicUsize,
    stalled: AtomicUsize,
    threads: Mutex<Vec<Weak<RunningHandler>>>,
    /// Whether the process is of use now.
    pub readiness: Readiness,
    /// Whether its main thread goes on.
    pub heartbeat: Heartbeat,
}

impl ConsumerStatus {
    /// The number of AMQP consumers of this process.
    #[must_use]
    pub fn consumers(&self) -> usize {
        self.consumers.load(Ordering::SeqCst)
    }

    /// Whether a thread cannot publish: the broker rejects its messages, as for a full queue, or does not confirm them.
    #[must_use]
    pub fn is_stalled(&self) -> bool {
        self.stalled.load(Ordering::SeqCst) > 0
    }

    /// Counts `count` consumers until the guard is dropped.
    #[must_use]
    pub fn count_consumers(&self, count: usize) -> StatusGuard<'_> {
        StatusGuard::new(&self.consumers, count)
    }

    /// Counts a thread that cannot publish until the guard is dropped.
    #[must_use]
    pub fn mark_stalled(&self) -> StatusGuard<'_> {
        StatusGuard::new(&self.stalled, 1)
    }

    /// Registers a thread that runs the handlers of `tasks`. It is observed until the result is dropped.
    #[must_use]
    pub fn register_thread(&self, tasks: Vec<String>) -> Arc<RunningHandler> {
        let thread = Arc::new(RunningHandler { tasks, call: Mutex::default() });
        let mut threads = self.threads.lock();
        threads.retain(|other| other.strong_count() > 0);
        threads.push(Arc::downgrade(&thread));
        thread
    }

    /// The task of a handler that has been running for longer than `limit`.
    #[must_use]
    pub fn stuck(&self, limit: Duration) -> Option<String> {
        let threads: Vec<_> = self.threads.lock().iter().filter_map(Weak::upgrade).collect();
        threads.iter().find_map(|thread| thread.stuck(limit))
    }

    /// The tasks whose handlers have been running for longer than `limit`. Each call of a handler is reported once.
    #[must_use]
    pub fn overdue(&self, limit: Duration) -> Vec<String> {
        let threads: Vec<_> = self.threads.lock().iter().filter_map(Weak::upgrade).collect();
        threads.iter().filter_map(|thread| thread.overdue(limit)).collect()
    }
}

/// The handler that one thread is running, if any.
#[derive(Debug)]
pub struct RunningHandler {
    tasks: Vec<String>,
    call: Mutex<Option<Call>>,
}

#[derive(Debug)]
struct Call {
    /// The index of the handler's task.
    task: usize,
    since: Instant,
    is_reported: bool,
}

impl RunningHandler {
    /// Records that the handler of the task at index `task` was called at `now`.
    pub fn begin(&self, task: usize, now: Instant) {
        *self.call.lock() = Some(Call { task, since: now, is_reported: false });
    }

    /// Records that the handler returned.
    pub fn end(&self) {
        *self.call.lock() = None;
    }

    fn stuck(&self, limit: Duration) -> Option<String> {
        let call = self.call.lock();
        let call = call.as_ref().filter(|call| clock::since(call.since) > limit)?;
        self.tasks.get(call.task).cloned()
    }

    fn overdue(&self, limit: Duration) -> Option<String> {
        let mut call = self.call.lock();
        let call = call.as_mut().filter(|call| !call.is_reported && clock::since(call.since) > limit)?;
        call.is_reported = true;
        self.tasks.get(call.task).cloned()
    }
}

/// Adds to a counter until it is dropped.
#[derive(Debug)]
pub struct StatusGuard<'s> {
    counter: &'s AtomicUsize,
    count: usize,
}

impl<'s> StatusGuard<'s> {
    fn new(counter: &'s AtomicUsize, count: usize) -> Self {
        counter.fetch_add(count, Ordering::SeqCst);
        Self { counter, count }
    }
}

impl Drop for StatusGuard<'_> {
    fn drop(&mut self) {
        self.counter.fetch_sub(self.count, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(1);

    fn status() -> (ConsumerStatus, Arc<RunningHandler>) {
        let status = ConsumerStatus::default();
        let thread = status.register_thread(vec!["first".into(), "second".into()]);
        (status, thread)
    }

    fn before_the_limit() -> Instant {
        Instant::now().checked_sub(2 * LIMIT).expect("the machine has been running for longer")
    }

    #[test]
    fn an_overdue_handler_is_reported_once_in_each_call() {
        let (status, thread) = status();
        for _ in 0..2 {
            thread.begin(1, before_the_limit());
            assert_eq!(status.overdue(LIMIT), ["second"]);
            assert!(status.overdue(LIMIT).is_empty(), "one call was reported twice");
        }
    }

    #[test]
    fn a_handler_that_started_just_now_is_not_overdue() {
        let (status, thread) = status();
        thread.begin(1, Instant::now());
        assert!(status.overdue(Duration::from_secs(3600)).is_empty());
    }

    #[test]
    fn a_handler_that_returned_is_not_overdue() {
        let (status, thread) = status();
        assert!(status.overdue(Duration::ZERO).is_empty(), "no handler was called");
        thread.begin(1, before_the_limit());
        thread.end();
        assert!(status.overdue(Duration::ZERO).is_empty());
    }
}
