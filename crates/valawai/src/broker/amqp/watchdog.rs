//! Shuts down the socket of a call that exceeds its deadline.
//!
//! No call of amiquip has a time limit: if the broker is frozen, is in a memory alarm or never replies, each of them
//! waits forever, including dropping a channel. Only shutting down the socket makes them return.

use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, Sender};
use parking_lot::Mutex;

use super::SMALL_STACK;
use super::frame_writer::FrameWriter;
use super::read_limiter::ReadLimiter;

/// The resolution of deadlines. A coarse clock makes guarding a call as cheap as two stores.
const TICK: Duration = Duration::from_millis(100);

/// The value of [`Deadline::due`] while no call is in progress.
const NO_CALL: u64 = u64::MAX;

/// Watches the deadlines of one session, on a thread that ends when the watchdog is dropped.
#[derive(Debug)]
pub(super) struct Watchdog {
    clock: Arc<Clock>,
    _stop: Sender<()>,
}

/// Counts ticks, and what to do at each of them.
#[derive(Debug, Default)]
struct Clock {
    ticks: AtomicU64,
    deadlines: Mutex<Vec<Weak<Deadline>>>,
    read_limiters: Mutex<Vec<Weak<ReadLimiter>>>,
    frame_writers: Mutex<Vec<Weak<FrameWriter>>>,
}

/// The deadline of the call that one thread makes on a socket.
#[derive(Debug)]
pub(super) struct Deadline {
    /// For the log.
    name: String,
    socket: Arc<TcpStream>,
    clock: Arc<Clock>,
    /// The last tick before the deadline, or [`NO_CALL`].
    due: AtomicU64,
}

impl Watchdog {
    pub(super) fn start() -> std::io::Result<Self> {
        let clock = Arc::new(Clock::default());
        let (stop, stopped) = crossbeam_channel::bounded::<()>(0);
        let ticking = Arc::clone(&clock);
        thread::Builder::new().name("watchdog".into()).stack_size(SMALL_STACK).spawn(move || {
            while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                ticking.tick();
            }
        })?;
        Ok(Self { clock, _stop: stop })
    }

    /// A deadline for calls on `socket`, to be used by one thread at a time.
    pub(super) fn deadline(&self, name: String, socket: Arc<TcpStream>) -> Arc<Deadline> {
        let deadline = Deadline { name, socket, clock: Arc::clone(&self.clock), due: AtomicU64::new(NO_CALL) };
        let deadline = Arc::new(deadline);
        register(&self.clock.deadlines, Arc::downgrade(&deadline));
        deadline
    }

    /// Calls [`ReadLimiter::tick`] and [`FrameWriter::flush`] at every tick.
    pub(super) fn drive(&self, read_limiter: &Arc<ReadLimiter>, frame_writer: &Arc<FrameWriter>) {
        register(&self.clock.read_limiters, Arc::downgrade(read_limiter));
        register(&self.clock.frame_writers, Arc::downgrade(frame_writer));
    }
}

impl Clock {
    fn tick(&self) {
        let now = self.ticks.fetch_add(1, Ordering::Relaxed) + 1;
        for deadline in alive(&self.deadlines) {
            if deadline.is_exceeded(now) {
                log::warn!("the broker did not answer in time ({}); closing the connection", deadline.name);
                deadline.shutdown_socket();
            }
        }
        for read_limiter in alive(&self.read_limiters) {
            read_limiter.tick();
        }
        for frame_writer in alive(&self.frame_writers) {
            // If it fails, the session is over, and those that use it are told.
            let _ = frame_writer.flush();
        }
    }
}

impl Deadline {
    /// Makes `call`, and shuts down the socket if it has not returned after `limit`.
    pub(super) fn guard<T>(&self, limit: Duration, call: impl FnOnce() -> T) -> T {
        self.due.store(self.due_in(limit), Ordering::Relaxed);
        let result = call();
        self.due.store(NO_CALL, Ordering::Relaxed);
        result
    }

    /// Gives the call in progress `limit` from now on. Any thread may extend it.
    pub(super) fn extend(&self, limit: Duration) {
        let due = self.due.load(Ordering::Relaxed);
        if due != NO_CALL {
            // It fails if the call has returned.
            let _ = self.due.compare_exchange(due, self.due_in(limit), Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// Shuts down the socket: every call on it returns at once, with an error.
    pub(super) fn shutdown_socket(&self) {
        // It fails if the socket is shut down already.
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    /// Whether a call is in progress past its deadline. True once for each call.
    fn is_exceeded(&self, now: u64) -> bool {
        let due = self.due.load(Ordering::Relaxed);
        // The exchange fails if the call has returned meanwhile, and another one may have begun.
        due < now && self.due.compare_exchange(due, NO_CALL, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    fn due_in(&self, limit: Duration) -> u64 {
        let ticks = limit.as_millis().div_ceil(TICK.as_millis());
        let now = self.clock.ticks.load(Ordering::Relaxed);
        now.saturating_add(u64::try_from(ticks).unwrap_or(u64::MAX))
    }
}

fn register<T>(list: &Mutex<Vec<Weak<T>>>, item: Weak<T>) {
    let mut list = list.lock();
    list.retain(|other| other.strong_count() > 0);
    list.push(item);
}

fn alive<T>(list: &Mutex<Vec<Weak<T>>>) -> Vec<Arc<T>> {
    list.lock().iter().filter_map(Weak::upgrade).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::net::TcpListener;
    use std::time::Instant;

    #[test]
    fn a_call_that_exceeds_its_deadline_returns() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = Arc::new(TcpStream::connect(listener.local_addr().unwrap()).unwrap());
        let (_silent_peer, _) = listener.accept().unwrap();
        let watchdog = Watchdog::start().unwrap();
        let deadline = watchdog.deadline("test".into(), Arc::clone(&socket));

        let started = Instant::now();
        let read = deadline.guard(Duration::from_millis(200), || (&*socket).read(&mut [0; 1]).unwrap());

        assert_eq!(read, 0, "the read did not end with the end of the stream");
        assert!(started.elapsed() < Duration::from_secs(5), "the call returned after {:?}", started.elapsed());
    }
}
