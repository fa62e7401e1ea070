//! Threads, and how they wait for each other. On the thread of a [`simulation`], they are simulated.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use crossbeam_channel::{Receiver, RecvTimeoutError, SendError, Sender, TryRecvError, TrySendError};
use parking_lot::{Mutex, MutexGuard};

use crate::simulation;

/// A thread that was started.
#[derive(Debug)]
pub(crate) struct Thread {
    /// Disconnected when it has ended.
    ended: Receiver<()>,
}

impl Thread {
    /// Whether it has not ended.
    pub(crate) fn is_running(&self) -> bool {
        self.ended.try_recv() != Err(TryRecvError::Disconnected)
    }
}

/// Starts a thread called `name`.
///
/// # Errors
/// If the system cannot start it.
pub(crate) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<Thread> {
    let (running, ended) = crossbeam_channel::bounded(0);
    let run = move || {
        let _running: Sender<()> = running;
        run();
    };
    match simulation::current() {
        Some(simulation) => simulation.spawn(name, Box::new(run)),
        None => drop(thread::Builder::new().name(name.to_owned()).spawn(run)?),
    }
    Ok(Thread { ended })
}

/// Identifies the calling thread.
pub(crate) fn current() -> u64 {
    static THREADS: AtomicU64 = AtomicU64::new(1);
    thread_local! {
        static NUMBER: u64 = THREADS.fetch_add(1, Ordering::Relaxed);
    }
    match simulation::current() {
        Some(simulation) => simulation.thread(),
        None => NUMBER.with(|number| *number),
    }
}

/// Called before a `select!` that blocks. A simulation waits here until `is_ready`: one of the operations is; elsewhere it is the
/// `select!` that waits.
pub(crate) fn before_select(mut is_ready: impl FnMut() -> bool) {
    if let Some(simulation) = simulation::current() {
        simulation.wait(None, &mut is_ready);
    }
}

/// Receives from `receiver` until `deadline`.
///
/// # Errors
/// If the deadline has passed, or all senders are gone.
pub fn receive_until<T>(receiver: &Receiver<T>, deadline: Instant) -> Result<T, RecvTimeoutError> {
    let Some(simulation) = simulation::current() else { return receiver.recv_deadline(deadline) };
    let mut result = None;
    simulation.wait(Some(deadline), &mut || {
        if result.is_none() {
            result = match receiver.try_recv() {
                Ok(message) => Some(Ok(message)),
                Err(TryRecvError::Disconnected) => Some(Err(RecvTimeoutError::Disconnected)),
                Err(TryRecvError::Empty) => None,
            };
        }
        result.is_some()
    });
    result.unwrap_or(Err(RecvTimeoutError::Timeout))
}

/// A channel whose sender waits until its message is received, or the receiver is gone.
pub(crate) fn rendezvous<T>() -> (Sender<T>, Receiver<T>) {
    // Nobody ever blocks in a simulation, so nobody could meet.
    crossbeam_channel::bounded(usize::from(simulation::current().is_some()))
}

/// Sends `message`, when there is space for it.
///
/// # Errors
/// If the receiver is gone.
pub(crate) fn send<T>(sender: &Sender<T>, message: T) -> Result<(), SendError<T>> {
    let Some(simulation) = simulation::current() else { return sender.send(message) };
    let mut unsent = Some(message);
    let mut result = Ok(());
    simulation.wait(None, &mut || {
        if let Some(message) = unsent.take() {
            match sender.try_send(message) {
                Ok(()) => {}
                Err(TrySendError::Full(message)) => unsent = Some(message),
                Err(TrySendError::Disconnected(message)) => result = Err(SendError(message)),
            }
        }
        unsent.is_none()
    });
    result
}

/// Locks `mutex`, which another thread may hold for as long as it waits for something.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    if let Some(simulation) = simulation::current() {
        simulation.wait(None, &mut || !mutex.is_locked());
    }
    mutex.lock()
}
