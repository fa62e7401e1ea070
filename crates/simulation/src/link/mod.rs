//! The client's side of a link: what the component calls.

mod client;
mod consume;
mod publish;
mod queues;

use std::time::Duration;

use crossbeam_channel::Receiver;
use valawai::internals::broker::{Error, Event, Link};
use valawai::internals::shutdown::Shutdown;

pub(crate) use self::client::ClientLink;
use crate::broker::{ConnectionId, Frame, LinkId, Request, Response};
use crate::scheduler;
use crate::session::micros;
use crate::world::{self, Micros, SECOND, World};

/// How long a call may take, as in `broker/amqp`.
const CALL_LIMIT: Micros = 10 * SECOND;

/// No wait of the component is longer.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// A link, as the component has it.
pub(crate) struct SimulatedLink {
    pub(crate) id: LinkId,
}

impl World {
    fn is_open(&self, link: LinkId) -> bool {
        let ClientLink { publishing, consuming, querying, .. } = self.links[link];
        [publishing, consuming, querying].iter().all(|it| self.broker.connections[*it].is_open)
    }
}

impl SimulatedLink {
    fn with<T>(&self, use_link: impl FnOnce(&mut World, LinkId) -> T) -> T {
        world::with(|world| use_link(world, self.id))
    }

    fn check_open(&self) -> Result<(), Error> {
        if self.with(|world, link| world.is_open(link) && !world.is_running_dead()) {
            Ok(())
        } else {
            Err(Error::lost("the connection is gone"))
        }
    }

    /// Another thread may run now.
    fn may_be_preempted(&self) {
        let pause = self.with(|world, _| (world.random.u8(..) < 16).then(|| world.random.u64(1..2_000)));
        if let Some(pause) = pause {
            scheduler::sleep(pause);
        }
    }

    /// Sends a request, and waits for the answer.
    fn call(&self, on: ConnectionId, request: Request) -> Result<Response, Error> {
        self.check_open()?;
        let deadline = self.with(|world, link| {
            let it = &mut world.links[link];
            it.calls += 1;
            it.called = on;
            it.response = None;
            it.waiting_since = Some(world.now);
            let number = it.calls;
            world.send_to_broker(on, link, Frame::Call { number, request });
            world.now + CALL_LIMIT
        });
        let id = self.id;
        scheduler::wait(Some(deadline), &mut || {
            world::with(|world| world.links[id].response.is_some() || !world.broker.connections[on].is_open)
        });
        let response = self.with(|world, link| {
            world.links[link].waiting_since = None;
            world.links[link].response.take()
        });
        match response {
            Some((_, Response::Denied(reason))) => {
                Err(Error::Denied { action: "do this".into(), reason: reason.into() })
            }
            Some((_, response)) => Ok(response),
            None => {
                // The watchdog shuts down the socket of a call that takes too long.
                self.with(|world, _| {
                    if world.broker.connections[on].is_open {
                        world.break_connection(on, false);
                        world.client_notices(on);
                    }
                });
                Err(Error::timed_out("answer a call", Duration::from_micros(CALL_LIMIT)))
            }
        }
    }

    fn consuming(&self) -> ConnectionId {
        self.with(|world, link| world.links[link].consuming)
    }

    fn querying(&self) -> ConnectionId {
        self.with(|world, link| world.links[link].querying)
    }

    /// Opens the channels.
    pub(crate) fn open(&self, is_confirmed: bool) -> Result<(), Error> {
        self.with(|world, link| world.links[link].confirms = is_confirmed);
        self.call(self.consuming(), Request::Open).map(drop)
    }
}

impl Link for SimulatedLink {
    fn poll(&mut self, deliveries: bool) -> Result<Option<Event>, Error> {
        self.check_open()?;
        self.with(|world, link| {
            let it = &mut world.links[link];
            let event = match it.events.pop_front() {
                Some(event) => Some(event),
                None if deliveries => it.poll_delivery().map(Event::Delivery),
                None => None,
            };
            match &event {
                Some(Event::Confirm(confirm)) => it.note_confirm(*confirm),
                Some(Event::Returned(returned)) => {
                    it.returned.insert((returned.to.clone(), returned.message_id.clone()));
                }
                Some(Event::Delivery(_)) => {}
                None => world.flush(link),
            }
            Ok(event)
        })
    }

    fn wait(&mut self, deliveries: bool, shutdown: Option<&Shutdown>, limit: Duration) {
        self.wait_for_signal(deliveries, &crossbeam_channel::never(), shutdown, limit);
    }

    fn wait_for_signal(
        &mut self,
        deliveries: bool,
        signal: &Receiver<()>,
        shutdown: Option<&Shutdown>,
        limit: Duration,
    ) {
        let id = self.id;
        let deadline = world::with(|world| {
            world.flush(id);
            if limit > LONGEST_WAIT {
                world.violated("no wait without a limit", format!("a link waits for {limit:?}"));
            }
            world.now + micros(limit)
        });
        scheduler::wait(Some(deadline), &mut || {
            let has_event = world::with(|world| {
                let it = &world.links[id];
                let has_delivery = deliveries && it.subscriptions.iter().any(|it| !it.buffered.is_empty());
                !it.events.is_empty() || has_delivery || !world.is_open(id)
            });
            has_event || shutdown.is_some_and(Shutdown::is_requested) || !signal.is_empty()
        });
        let _ = signal.try_recv();
    }
}

impl Drop for SimulatedLink {
    fn drop(&mut self) {
        self.with(|world, link| {
            let connection = world.links[link].consuming;
            if !world.is_running_dead() {
                world.send_to_broker(connection, link, Frame::Close);
                if connection != world.links[link].querying {
                    world.finish(connection);
                }
            }
        });
    }
}
