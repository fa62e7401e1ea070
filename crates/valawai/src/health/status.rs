//! What a process knows of its own work, for its health and for the other processes of its component.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

/// Counts that the workers keep, in all their sessions.
#[derive(Debug, Default)]
pub struct ConsumerStatus {
    consumers: AtomicUsize,
    stalled: AtomicUsize,
    handlers: Mutex<Vec<Weak<Handlers>>>,
}

impl ConsumerStatus {
    /// How many consumers this process has.
    #[must_use]
    pub fn consumers(&self) -> usize {
        self.consumers.load(Ordering::SeqCst)
    }

    /// Whether the broker refuses what a worker says, as it does for a queue that is full, or does not confirm it.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.stalled.load(Ordering::SeqCst) > 0
    }

    /// Counts `count` consumers for as long as the result lives.
    #[must_use]
    pub fn consuming(&self, count: usize) -> StatusGuard<'_> {
        StatusGuard::new(&self.consumers, count)
    }

    /// Counts a worker whose messages the broker refuses, or does not confirm, for as long as the result lives.
    #[must_use]
    pub fn refused(&self) -> StatusGuard<'_> {
        StatusGuard::new(&self.stalled, 1)
    }

    /// The handlers of one thread, for `tasks`; watched for as long as the result lives.
    #[must_use]
    pub fn handlers(&self, tasks: Vec<String>) -> Arc<Handlers> {
        let handlers = Arc::new(Handlers::new(tasks));
        let mut all = self.all_handlers();
        all.retain(|other| other.strong_count() > 0);
        all.push(Arc::downgrade(&handlers));
        handlers
    }

    /// The tasks whose handlers have run for longer than `limit`, and run still. Each call of one is told once.
    #[must_use]
    pub fn overdue(&self, limit: Duration) -> Vec<String> {
        let all: Vec<Arc<Handlers>> = self.all_handlers().iter().filter_map(Weak::upgrade).collect();
        all.iter().filter_map(|handlers| handlers.overdue(limit)).collect()
    }

    fn all_handlers(&self) -> MutexGuard<'_, Vec<Weak<Handlers>>> {
        self.handlers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which handler one thread runs now, and since when.
#[derive(Debug)]
pub struct Handlers {
    tasks: Vec<String>,
    epoch: Instant,
    /// Milliseconds since the epoch and one, and in the last bits the place of the task; 0 when none runs.
    running: AtomicU64,
    told: AtomicU64,
}

/// How many bits of [`Handlers::running`] are the place of the task.
const PLACE_BITS: u32 = 16;

impl Handlers {
    fn new(tasks: Vec<String>) -> Self {
        Self { tasks, epoch: Instant::now(), running: AtomicU64::new(0), told: AtomicU64::new(0) }
    }

    /// The handler of the task at `place` was called at `now`.
    pub fn begin(&self, place: usize, now: Instant) {
        let millis = u64::try_from(now.duration_since(self.epoch).as_millis()).unwrap_or(u64::MAX);
        let place = u64::try_from(place).unwrap_or(0) & ((1 << PLACE_BITS) - 1);
        self.running.store(((millis + 1) << PLACE_BITS) | place, Ordering::Relaxed);
    }

    /// It returned.
    pub fn end(&self) {
        self.running.store(0, Ordering::Relaxed);
    }

    fn overdue(&self, limit: Duration) -> Option<String> {
        let running = self.running.load(Ordering::Relaxed);
        let since = Duration::from_millis((running >> PLACE_BITS).checked_sub(1)?);
        let is_overdue = self.epoch.elapsed().saturating_sub(since) > limit;
        let was_told = !is_overdue || self.told.swap(running, Ordering::Relaxed) == running;
        let place = usize::try_from(running & ((1 << PLACE_BITS) - 1)).ok()?;
        (!was_told).then(|| self.tasks.get(place).cloned()).flatten()
    }
}

/// Counts something until it is dropped.
#[derive(Debug)]
pub struct StatusGuard<'v> {
    total: &'v AtomicUsize,
    count: usize,
}

impl<'v> StatusGuard<'v> {
    fn new(total: &'v AtomicUsize, count: usize) -> Self {
        total.fetch_add(count, Ordering::SeqCst);
        Self { total, count }
    }
}

impl Drop for StatusGuard<'_> {
    fn drop(&mut self) {
        self.total.fetch_sub(self.count, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handler_that_runs_for_too_long_is_told_once_by_its_task() {
        const LIMIT: Duration = Duration::from_millis(20);
        let status = ConsumerStatus::default();
        let handlers = status.handlers(vec!["first".into(), "second".into()]);
        assert!(status.overdue(Duration::ZERO).is_empty(), "none runs");
        for _ in 0..2 {
            handlers.begin(1, Instant::now());
            assert!(status.overdue(Duration::from_secs(60)).is_empty(), "it has only begun");
            std::thread::sleep(2 * LIMIT);
            assert_eq!(status.overdue(LIMIT), ["second"]);
            assert!(status.overdue(LIMIT).is_empty(), "it was told twice");
            handlers.end();
            assert!(status.overdue(Duration::ZERO).is_empty(), "it has returned");
        }
    }
}
