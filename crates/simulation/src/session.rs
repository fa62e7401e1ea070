//! Sessions with the simulated broker.

use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TryRecvError};
use valawai::internals::broker::{ConsumeOn, Error, Job, PublishJob, Session};
use valawai::internals::simulation::Simulation as _;

use crate::agenda::Event;
use crate::broker::{Channel, Connection, ConnectionId};
use crate::link::{ClientLink, SimulatedLink};
use crate::scheduler;
use crate::virtual_time::Virtual;
use crate::world::{self, MILLISECOND, SECOND, World};

/// A session of a process.
pub(crate) struct SimulatedSession {
    publishing: ConnectionId,
    shared: ConnectionId,
    /// Every thread of the session holds a clone.
    running: Sender<()>,
    ended: Receiver<()>,
    dedicated: Receiver<ConnectionId>,
    opened: Sender<ConnectionId>,
}

/// Opens a session for the process whose thread calls this.
///
/// # Errors
/// If the broker is away.
pub(crate) fn connect() -> Result<SimulatedSession, Error> {
    let time = world::with(|world| match world.random.u8(..) {
        0..240 => world.random.u64(MILLISECOND..20 * MILLISECOND),
        _ => world.random.u64(20 * MILLISECOND..3 * SECOND),
    });
    scheduler::sleep(time);
    world::with(|world| {
        if !world.broker.is_up || world.broker.frozen_until > world.now {
            let (address, reason) = ("broker:5672".into(), "connection refused".into());
            return Err(Error::Unreachable { address, reason });
        }
        let process = world.tasks[world.running].process;
        world.processes[process].session.clear();
        let (publishing, shared) = (world.open_connection(true), world.open_connection(false));
        let (running, ended) = crossbeam_channel::bounded(0);
        let (opened, dedicated) = crossbeam_channel::unbounded();
        world.tell(|| format!("a session is open, with connections {publishing} and {shared}"));
        Ok(SimulatedSession { publishing, shared, running, ended, dedicated, opened })
    })
}

impl World {
    fn open_connection(&mut self, is_for_publishing: bool) -> ConnectionId {
        let process = self.tasks[self.running].process;
        let now = self.now;
        self.broker.connections.push(Connection::new(process, is_for_publishing, now));
        let id = self.broker.connections.len() - 1;
        self.processes[process].connections.push(id);
        self.processes[process].session.push(id);
        id
    }

    fn open_link(&mut self, publishing: ConnectionId, consuming: ConnectionId, querying: ConnectionId) -> usize {
        let process = self.tasks[self.running].process;
        self.links.push(ClientLink::new(process, publishing, consuming, querying));
        self.broker.channels.push(Channel::default());
        let id = self.links.len() - 1;
        // Its deliveries end with the connection on which it consumes. It publishes on another one.
        self.broker.connections[consuming].links.push(id);
        id
    }
}

impl SimulatedSession {
    fn start(
        &self,
        name: &str,
        consume_on: Option<ConsumeOn>,
        work: impl FnOnce(Result<&mut SimulatedLink, Error>) + Send + 'static,
    ) {
        let (publishing, shared, running, opened) =
            (self.publishing, self.shared, self.running.clone(), self.opened.clone());
        let run = move || {
            let is_dedicated = matches!(consume_on, Some(ConsumeOn::Dedicated { .. }));
            let id = world::with(|world| {
                let is_lost = [publishing, shared].iter().any(|it| !world.broker.connections[*it].is_open);
                let is_away = is_dedicated && !world.broker.is_up;
                if is_lost || is_away {
                    return None;
                }
                let consuming = if is_dedicated { world.open_connection(false) } else { shared };
                let _ = opened.send(consuming);
                Some(world.open_link(publishing, consuming, shared))
            });
            match id {
                None => work(Err(Error::lost("the connection was lost before the channels were open"))),
                Some(id) => {
                    let mut link = SimulatedLink { id };
                    match link.open(consume_on.is_some()) {
                        Ok(()) => work(Ok(&mut link)),
                        Err(error) => work(Err(error)),
                    }
                }
            }
            drop(running);
        };
        Virtual.spawn(name, Box::new(run));
    }

    fn connections(&self) -> Vec<ConnectionId> {
        let mut all = vec![self.publishing, self.shared];
        all.extend(self.dedicated.try_iter().filter(|it| *it != self.shared));
        all
    }
}

impl Session for SimulatedSession {
    fn spawn(&mut self, name: &str, consume_on: ConsumeOn, job: Job) -> Result<(), Error> {
        self.start(name, Some(consume_on), move |link| match link {
            Ok(link) => job(Ok(link)),
            Err(error) => job(Err(error)),
        });
        Ok(())
    }

    fn spawn_unconfirmed(&mut self, name: &str, job: PublishJob) -> Result<(), Error> {
        self.start(name, None, move |link| match link {
            Ok(link) => job(Ok(link)),
            Err(error) => job(Err(error)),
        });
        Ok(())
    }

    fn close(self: Box<Self>, deadline: Instant) -> Option<Error> {
        let (placeholder, _) = crossbeam_channel::bounded(0);
        let mut session = self;
        drop(std::mem::replace(&mut session.running, placeholder));
        let until = world::with(|world| world.micros(deadline));
        let ended = session.ended.clone();
        let has_ended = || ended.try_recv() == Err(TryRecvError::Disconnected);
        scheduler::wait(Some(until), &mut || has_ended());
        let connections = session.connections();
        let lost = connections
            .iter()
            .any(|it| {
                world::with(|world| {
                    !world.broker.connections[*it].is_open && !world.broker.connections[*it].is_finished
                })
            })
            .then(|| Error::lost("the broker closed the socket without giving a reason"));
        if has_ended() && lost.is_none() {
            // What was sent arrives before the close.
            scheduler::wait(Some(until), &mut || {
                world::with(|world| {
                    connections.iter().all(|it| {
                        let it = &world.broker.connections[*it];
                        it.to_broker.is_empty() || !(it.is_open || it.is_finished)
                    })
                })
            });
        }
        world::with(|world| {
            for connection in connections {
                world.shut_down(connection);
            }
        });
        lost
    }
}

impl World {
    /// A client closes the connection of a link that ends: what was sent arrives before.
    pub(crate) fn finish(&mut self, connection: ConnectionId) {
        let now = self.now;
        let it = &mut self.broker.connections[connection];
        if it.is_open && !it.is_cut {
            (it.is_open, it.is_cut, it.is_finished) = (false, true, true);
            let after = it.until_drained(now);
            self.after(after, Event::BrokerNotices(connection));
            self.not_missed(connection);
        } else {
            // It broke. Either the link ended because of that, and the session ends, or it would have ended anyway.
            self.after(SECOND, Event::NotMissed(connection));
        }
    }

    pub(crate) fn not_missed(&mut self, connection: ConnectionId) {
        let process = self.broker.connections[connection].process;
        self.processes[process].session.retain(|other| *other != connection);
    }

    /// A client shuts down its socket.
    pub(crate) fn shut_down(&mut self, connection: ConnectionId) {
        let it = &mut self.broker.connections[connection];
        if std::mem::replace(&mut it.is_open, false) && !it.is_cut {
            let part = self.random.f64();
            let it = &mut self.broker.connections[connection];
            it.is_cut = true;
            crate::broker::truncate(&mut it.to_broker, part);
            let after = self.random.u64(500..20_000).max(self.broker.connections[connection].until_drained(self.now));
            self.after(after, Event::BrokerNotices(connection));
        }
    }
}

/// Rounded up: a wait must not end before its deadline, or it would begin again at the same time.
pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_nanos().div_ceil(1_000)).unwrap_or(u64::MAX / 4)
}
