//! Cuts the line when a call on it takes too long.
//!
//! No call of amiquip has a time limit of its own: with a frozen broker, in a memory alarm, or when an answer never
//! comes, each of them (dropping a channel included) waits for ever. Shutting the socket down makes all of them return
//! within milliseconds, and nothing else does.

use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, Sender};

use super::read_limiter::ReadLimiter;

/// How exact the limits are. A coarse clock makes guarding a call as cheap as two stores.
const TICK: Duration = Duration::from_millis(100);

/// Value of [`Line::due`] while no call is under way.
const IDLE: u64 = u64::MAX;

/// Watches over the lines of one session, with a thread of its own that ends when the watchdog is dropped.
#[derive(Debug)]
pub(super) struct Watchdog {
    watched: Arc<Watched>,
    _leash: Sender<()>,
}

#[derive(Debug, Default)]
struct Watched {
    ticks: AtomicU64,
    lines: Mutex<Vec<Weak<Line>>>,
    gates: Mutex<Vec<Weak<ReadLimiter>>>,
}

/// One thread's use of one socket.
#[derive(Debug)]
pub(super) struct Line {
    /// For the log.
    name: String,
    socket: Arc<TcpStream>,
    watched: Arc<Watched>,
    due: AtomicU64,
}

impl Watchdog {
    pub(super) fn start() -> std::io::Result<Self> {
        let watched = Arc::new(Watched::default());
        let (leash, dropped) = crossbeam_channel::bounded::<()>(0);
        let seen = Arc::clone(&watched);
        thread::Builder::new().name("watchdog".into()).stack_size(128 * 1024).spawn(move || {
            while dropped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                seen.tick();
            }
        })?;
        Ok(Self { watched, _leash: leash })
    }

    /// A line on `socket`; calls on it from one thread at a time.
    pub(super) fn line(&self, name: String, socket: Arc<TcpStream>) -> Arc<Line> {
        let line = Arc::new(Line { name, socket, watched: Arc::clone(&self.watched), due: AtomicU64::new(IDLE) });
        register(&self.watched.lines, Arc::downgrade(&line));
        line
    }

    /// Nudges `read_limiter` at every tick.
    pub(super) fn nudge(&self, read_limiter: &Arc<ReadLimiter>) {
        register(&self.watched.gates, Arc::downgrade(read_limiter));
    }
}

impl Watched {
    fn tick(&self) {
        let now = self.ticks.fetch_add(1, Ordering::Relaxed) + 1;
        for line in alive(&self.lines) {
            let due = line.due.load(Ordering::Relaxed);
            // Only if nothing changed since: the call may have returned, and the next one have begun.
            if due < now && line.due.compare_exchange(due, IDLE, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                log::warn!("the broker did not answer in time ({}); cutting the connection", line.name);
                line.cut();
            }
        }
        for read_limiter in alive(&self.gates) {
            read_limiter.nudge();
        }
    }
}

impl Line {
    /// Makes `call`, and cuts the line if it has not returned after `limit`.
    pub(super) fn within<T>(&self, limit: Duration, call: impl FnOnce() -> T) -> T {
        self.due.store(self.due_in(limit), Ordering::Relaxed);
        let result = call();
        self.due.store(IDLE, Ordering::Relaxed);
        result
    }

    /// Gives the call that is under way `limit` from now on. Another thread may say so.
    pub(super) fn extend(&self, limit: Duration) {
        let due = self.due.load(Ordering::Relaxed);
        if due != IDLE {
            // If it fails the call has returned.
            let _ = self.due.compare_exchange(due, self.due_in(limit), Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    fn due_in(&self, limit: Duration) -> u64 {
        let ticks = limit.as_millis().div_ceil(TICK.as_millis());
        let now = self.watched.ticks.load(Ordering::Relaxed);
        now.saturating_add(u64::try_from(ticks).unwrap_or(u64::MAX))
    }

    /// Shuts the socket down: every call on it returns at once, with an error.
    pub(super) fn cut(&self) {
        // It may be shut already, which is what we want.
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

fn register<T>(list: &Mutex<Vec<Weak<T>>>, item: Weak<T>) {
    let mut list = list.lock().unwrap_or_else(PoisonError::into_inner);
    list.retain(|other| other.strong_count() > 0);
    list.push(item);
}

fn alive<T>(list: &Mutex<Vec<Weak<T>>>) -> Vec<Arc<T>> {
    list.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(Weak::upgrade).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::net::TcpListener;
    use std::time::Instant;

    #[test]
    fn a_call_that_waits_too_long_returns_because_its_line_is_cut() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = Arc::new(TcpStream::connect(listener.local_addr().unwrap()).unwrap());
        let (_silent_peer, _) = listener.accept().unwrap();
        let watchdog = Watchdog::start().unwrap();
        let line = watchdog.line("test".into(), Arc::clone(&socket));

        let began = Instant::now();
        let read = line.within(Duration::from_millis(200), || (&*socket).read(&mut [0; 1]).unwrap());

        assert_eq!(read, 0, "the read saw something else than the end of the line");
        assert!(began.elapsed() < Duration::from_secs(5), "the watchdog slept for {:?}", began.elapsed());
    }
}
