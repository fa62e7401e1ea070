//! The MOV's shared client: over one connection it listens to the queues of components and publishes all but pages. It finds a
//! lost broker again by itself, on its own clock, whatever the consumers of the MOV's own queues do.

mod state;
mod taps;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use amiquip::{Channel, Connection, Consumer, ConsumerMessage, ConsumerOptions, Return};
use crossbeam_channel::{Receiver, Select, TryRecvError};

use super::forward::forward;
use super::journal;
use super::link::{connect, declare, publish};
use super::settings::Settings;
use super::stream::{Lost, cancel, lost, open};
use super::world::{Effect, World, lock};

pub(crate) use state::SharedClient;
pub(crate) use taps::{Change, Closing, Enabling};

const BATCH: usize = 256;
const IDLE: Duration = Duration::from_millis(200);
const RECONNECT_PAUSE: Duration = Duration::from_millis(100);

/// Carries out what the MOV wants done at the broker, until the broker was away for too long; from then on, nothing.
pub(crate) fn serve(settings: &Settings, world: &Mutex<World>, effects: &Receiver<Effect>) {
    let mut told = String::new();
    let mut outage = None;
    while outage.is_none_or(|began: Instant| began.elapsed() < settings.give_up_after) {
        let end = run(settings, world, effects).err().unwrap_or_default();
        // The first connection is waited for, however long it takes.
        outage = lock(world).shared_client.lose();
        if end != told {
            journal::tell(&format!("The shared client has no broker: {end}"));
            told = end;
        }
        thread::sleep(RECONNECT_PAUSE);
    }
    journal::tell("GIVEN UP: the shared client publishes and forwards nothing until the MOV is restarted");
    lock(world).shared_client.give_up();
    effects.iter().for_each(drop);
}

/// One life of the connection.
fn run(settings: &Settings, world: &Mutex<World>, effects: &Receiver<Effect>) -> Result<(), Lost> {
    let connection = RefCell::new(connect(settings)?);
    let publishing = open(&mut connection.borrow_mut())?;
    let forwarding = open(&mut connection.borrow_mut())?;
    let mut client = Client {
        world,
        effects,
        alive: publishing.listen_for_returns().map_err(lost)?,
        connection: &connection,
        publishing: &publishing,
        forwarding: &forwarding,
        taps: BTreeMap::new(),
    };
    let reopened = lock(world).shared_client.connect();
    reopened.iter().try_for_each(|queue| client.open_tap(queue))?;
    loop {
        client.serve()?;
    }
}

struct Client<'c> {
    world: &'c Mutex<World>,
    effects: &'c Receiver<Effect>,
    /// Nothing ever comes, for nothing is published mandatory; it ends with the connection.
    alive: Receiver<Return>,
    connection: &'c RefCell<Connection>,
    publishing: &'c Channel,
    forwarding: &'c Channel,
    /// The queues of components from which messages are forwarded.
    taps: BTreeMap<String, Consumer<'c>>,
}

impl Client<'_> {
    fn serve(&mut self) -> Result<(), Lost> {
        match self.wait() {
            None | Some(0) => (),
            Some(1) => return Err("the connection is lost".to_owned()),
            Some(tap) => self.serve_tap(tap - 2)?,
        }
        while let Ok(effect) = self.effects.try_recv() {
            self.perform(effect)?;
        }
        Ok(())
    }

    /// For something to do (0), the end of the connection (1), or a message of a tap, counted from 2.
    fn wait(&self) -> Option<usize> {
        let mut select = Select::new();
        select.recv(self.effects);
        select.recv(&self.alive);
        for consumer in self.taps.values() {
            select.recv(consumer.receiver());
        }
        select.ready_timeout(IDLE).ok()
    }

    fn serve_tap(&mut self, index: usize) -> Result<(), Lost> {
        let Some((queue, consumer)) = self.taps.iter().nth(index) else { return Ok(()) };
        for _ in 0..BATCH {
            match consumer.receiver().try_recv() {
                Ok(ConsumerMessage::Delivery(delivery)) => forward(&mut lock(self.world), queue, &delivery.body),
                // The queue is gone. The MOV goes on believing that it listens, and never opens it again.
                Ok(ConsumerMessage::ServerCancelled) => {
                    let queue = queue.clone();
                    self.taps.remove(&queue);
                    return Ok(());
                }
                Ok(other) => return Err(format!("{other:?}")),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return Err("the connection is lost".to_owned()),
            }
        }
        Ok(())
    }

    fn perform(&mut self, effect: Effect) -> Result<(), Lost> {
        match effect {
            Effect::Publish { queue, body } => publish(self.publishing, &queue, &body).map_err(lost),
            Effect::Listen(queue) => self.open_tap(&queue),
            Effect::StopListening(queue) => self.taps.remove(&queue).map_or(Ok(()), |consumer| cancel(&consumer)),
            Effect::StopListeningToAll => std::mem::take(&mut self.taps).into_values().try_for_each(|it| cancel(&it)),
        }
    }

    fn open_tap(&mut self, queue: &str) -> Result<(), Lost> {
        if self.taps.contains_key(queue) {
            return Ok(());
        }
        // On a channel of its own, because a queue that was declared otherwise closes it.
        let attempt = open(&mut self.connection.borrow_mut())?;
        if let Err(error) = declare(&attempt, queue) {
            let message = format!("Cannot listen for the messages from the queue {queue}");
            lock(self.world).logs.say("ERROR", message, &error);
            return Ok(());
        }
        let automatic = ConsumerOptions { no_ack: true, ..ConsumerOptions::default() };
        let consumer = self.forwarding.basic_consume(queue, automatic).map_err(lost)?;
        self.taps.insert(queue.to_owned(), consumer);
        Ok(())
    }
}
