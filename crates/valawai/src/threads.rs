//! Threads, and how they wait for each other. On the thread of a [simulation](crate::simulation), they are simulated.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use crossbeam_channel::{Receiver, RecvTimeoutError, Select, SendError, Sender, TryRecvError};
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
    simulation::current().map_or_else(|| NUMBER.with(|number| *number), |simulation| simulation.thread())
}

/// Called before a `select!` that blocks, with its operations. A simulation waits here until one of them is ready; elsewhere it is
/// the `select!` that waits.
pub(crate) fn before_select<'s>(add_operations: impl FnOnce(&mut Select<'s>)) {
    if let Some(simulation) = simulation::current() {
        let mut select = Select::new();
        add_operations(&mut select);
        simulation.wait(None, &mut || select.try_ready().is_ok());
    }
}

/// Receives from `receiver` until `deadline`.
///
/// # Errors
/// If the deadline has passed, or all senders are gone.
pub fn receive_until<T>(receiver: &Receiver<T>, deadline: Instant) -> Result<T, RecvTimeoutError> {
    let Some(simulation) = simulation::current() else { return receiver.recv_deadline(deadline) };
    let mut select = Select::new();
    select.recv(receiver);
    simulation.wait(Some(deadline), &mut || select.try_ready().is_ok());
    receiver.try_recv().map_err(|error| match error {
        TryRecvError::Empty => RecvTimeoutError::Timeout,
        TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
    })
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
    if let Some(simulation) = simulation::current() {
        let mut select = Select::new();
        select.send(sender);
        simulation.wait(None, &mut || select.try_ready().is_ok());
    }
    sender.send(message)
}

/// Locks `mutex`, which another thread may hold for as long as it waits for something.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    if let Some(simulation) = simulation::current() {
        simulation.wait(None, &mut || !mutex.is_locked());
    }
    mutex.lock()
}
