//! One life of the MOV's connections: from declaring its queues until the broker is lost.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use amiquip::{
    Channel, Connection, Consumer, ConsumerMessage, ConsumerOptions, Delivery, ExchangeDeclareOptions, ExchangeType,
    FieldTable,
};
use crossbeam_channel::{Select, TryRecvError};

use super::events::{INLETS, Inlet, Verdict};
use super::forward::forward;
use super::journal;
use super::link::{connect, declare, publish};
use super::settings::Settings;
use super::stream::{Lost, acknowledge, cancel, lost, next_delivery, open};
use super::world::{Effect, World, lock};

/// The MOV sets no limit to what it takes in hand; this one keeps the simulator's memory in bounds.
const PREFETCH: u16 = 5000;
const BATCH: usize = 256;
const IDLE: Duration = Duration::from_millis(200);

/// Serves until the broker is lost. `start_up` is how long a MOV that has just been started takes; at its end everybody who
/// registered meanwhile is forgotten, and HTTP opens.
pub(crate) fn run(
    settings: &Settings,
    world: &Arc<Mutex<World>>,
    start_up: &mut Option<Duration>,
    open_http: impl Fn(),
) -> Result<(), Lost> {
    // Two connections, since a broker in alarm reads nothing from one that publishes.
    let (mut consuming, sharing) = (connect(settings)?, RefCell::new(connect(settings)?));
    let channels = open_inlets(&mut consuming, world)?;
    let publishing = open(&mut sharing.borrow_mut())?;
    let forwarding = open(&mut sharing.borrow_mut())?;
    let mut session = Session {
        world,
        sharing: &sharing,
        publishing: &publishing,
        forwarding: &forwarding,
        inlets: consume_inlets(&channels)?,
        taps: BTreeMap::new(),
    };
    session.reopen_taps()?;
    lock(world).connected = true;
    journal::tell(&format!("Connected to {}:{}", settings.host, settings.port));
    if let Some(duration) = *start_up {
        session.serve_until(Some(Instant::now() + duration))?;
        lock(world).finish_everything();
        open_http();
        *start_up = None;
    }
    session.serve_until(None)
}

/// Declares each queue with its exchange; where somebody declared it otherwise, the MOV never consumes it.
fn open_inlets(connection: &mut Connection, world: &Mutex<World>) -> Result<Vec<(&'static Inlet, Channel)>, Lost> {
    let mut channels = Vec::new();
    for inlet in &INLETS {
        if lock(world).poisoned.contains_key(inlet.queue) {
            continue;
        }
        let channel = open(connection)?;
        match prepare(&channel, inlet) {
            Ok(()) => {
                lock(world).unready.remove(inlet.queue);
                channels.push((inlet, channel));
            }
            Err(error) => {
                journal::tell(&format!("NOT READY: cannot consume {}: {error}", inlet.queue));
                lock(world).unready.insert(inlet.queue.to_owned(), error.to_string());
            }
        }
    }
    Ok(channels)
}

fn prepare(channel: &Channel, inlet: &Inlet) -> Result<(), amiquip::Error> {
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    channel.exchange_declare(ExchangeType::Topic, inlet.exchange, durable)?;
    declare(channel, inlet.queue)?;
    channel.queue_bind(inlet.queue, inlet.exchange, "#", FieldTable::new())?;
    channel.qos(0, PREFETCH, false)
}

fn consume_inlets<'c>(channels: &'c [(&'static Inlet, Channel)]) -> Result<Vec<(&'static Inlet, Consumer<'c>)>, Lost> {
    channels
        .iter()
        .map(|(inlet, channel)| {
            Ok((*inlet, channel.basic_consume(inlet.queue, ConsumerOptions::default()).map_err(lost)?))
        })
        .collect()
}

struct Session<'c> {
    world: &'c Mutex<World>,
    sharing: &'c RefCell<Connection>,
    publishing: &'c Channel,
    forwarding: &'c Channel,
    inlets: Vec<(&'static Inlet, Consumer<'c>)>,
    /// The queues of components from which messages are forwarded.
    taps: BTreeMap<String, Consumer<'c>>,
}

impl Session<'_> {
    /// Takes messages as they come, each queue's one after the other.
    fn serve_until(&mut self, deadline: Option<Instant>) -> Result<(), Lost> {
        while deadline.is_none_or(|deadline| Instant::now() < deadline) {
            let Some(ready) = self.wait_for_a_message() else { continue };
            if ready < self.inlets.len() {
                self.serve_inlet(ready)?;
            } else {
                self.serve_tap(ready - self.inlets.len())?;
            }
            self.perform_effects()?;
        }
        Ok(())
    }

    fn wait_for_a_message(&self) -> Option<usize> {
        let mut select = Select::new();
        let inlets = self.inlets.iter().map(|(_, consumer)| consumer);
        for consumer in inlets.chain(self.taps.values()) {
            select.recv(consumer.receiver());
        }
        select.ready_timeout(IDLE).ok()
    }

    fn serve_inlet(&mut self, index: usize) -> Result<(), Lost> {
        let (inlet, consumer) = &self.inlets[index];
        let mut done: Option<Delivery> = None;
        for _ in 0..BATCH {
            let Some(delivery) = next_delivery(consumer)? else { break };
            let properties = &delivery.properties;
            let (content_type, encoding) = (properties.content_type(), properties.content_encoding());
            let mut world = lock(self.world);
            match inlet.consume(&mut world, content_type.as_deref(), encoding.as_deref(), &delivery.body) {
                Verdict::Ack => done = Some(delivery),
                Verdict::Nack => {
                    acknowledge(consumer, done.take())?;
                    consumer.nack(delivery, false).map_err(lost)?;
                }
                Verdict::StreamDies => {
                    acknowledge(consumer, done.take())?;
                    drop(world);
                    return self.close_inlet(index);
                }
            }
        }
        acknowledge(consumer, done)
    }

    /// The poison, and whatever came after it, stays unacknowledged until the connection ends.
    fn close_inlet(&mut self, index: usize) -> Result<(), Lost> {
        let (_, consumer) = self.inlets.remove(index);
        cancel(&consumer)
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

    fn perform_effects(&mut self) -> Result<(), Lost> {
        loop {
            // The lock must not be held while the broker is asked for something.
            let effect = lock(self.world).next_effect();
            match effect {
                None => return Ok(()),
                Some(Effect::Publish { queue, body }) => publish(self.publishing, &queue, &body).map_err(lost)?,
                Some(Effect::Listen(queue)) => self.open_tap(&queue)?,
                Some(Effect::StopListening(queue)) => {
                    if let Some(consumer) = self.taps.remove(&queue) {
                        cancel(&consumer)?;
                    }
                }
            }
        }
    }

    fn reopen_taps(&mut self) -> Result<(), Lost> {
        let queues: Vec<String> = lock(self.world).listening.iter().cloned().collect();
        queues.iter().try_for_each(|queue| self.open_tap(queue))
    }

    fn open_tap(&mut self, queue: &str) -> Result<(), Lost> {
        // On a channel of its own, because a queue that was declared otherwise closes it.
        let attempt = open(&mut self.sharing.borrow_mut())?;
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
