//! One life of the connections over which the MOV consumes its own queues: from declaring them until the broker is lost.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use amiquip::{
    Channel, Connection, Consumer, ConsumerOptions, Delivery, ExchangeDeclareOptions, ExchangeType, FieldTable,
};
use crossbeam_channel::{Receiver, Select};

use super::events::{INLETS, Inlet, Verdict};
use super::journal;
use super::link::{connect, declare, publish_page};
use super::settings::Settings;
use super::stream::{Lost, acknowledge, cancel, lost, next_delivery, open};
use super::world::{Page, World, lock};

/// The MOV sets no limit to what it takes in hand; this one keeps the simulator's memory in bounds.
const PREFETCH: u16 = 5000;
const BATCH: usize = 256;
const IDLE: Duration = Duration::from_millis(200);

/// Serves until the broker is lost. `start_up` is how long a MOV that has just been started takes; at its end everybody who
/// registered meanwhile is forgotten, and HTTP opens.
pub(crate) fn run(
    settings: &Settings,
    world: &Arc<Mutex<World>>,
    pages: &Receiver<Page>,
    start_up: &mut Option<Duration>,
    open_http: impl Fn(),
) -> Result<(), Lost> {
    // Two connections, since a broker in alarm reads nothing from one that publishes.
    let (mut consuming, mut answering) = (connect(settings)?, connect(settings)?);
    let channels = open_inlets(&mut consuming, world)?;
    let answering = open(&mut answering)?;
    let inlets = consume_inlets(&channels)?;
    let answers_queries = settings.answers_queries;
    let mut session = Session { world, pages, answers_queries, answering: &answering, inlets };
    lock(world).is_consuming = true;
    journal::tell(&format!("Connected to {}:{}", settings.host, settings.port));
    if let Some(duration) = *start_up {
        let end = Instant::now() + duration;
        session.serve_until(|| Instant::now() >= end && lock(world).shared_client.is_connected())?;
        lock(world).finish_everything();
        open_http();
        *start_up = None;
    }
    session.serve_until(|| false)
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
    pages: &'c Receiver<Page>,
    answers_queries: bool,
    answering: &'c Channel,
    inlets: Vec<(&'static Inlet, Consumer<'c>)>,
}

impl Session<'_> {
    /// Takes messages as they come, each queue's one after the other.
    fn serve_until(&mut self, is_over: impl Fn() -> bool) -> Result<(), Lost> {
        while !is_over() {
            let Some(ready) = self.wait_for_a_message() else { continue };
            self.serve_inlet(ready)?;
            let pages = self.pages.try_iter().filter(|_| self.answers_queries);
            for Page { queue, body } in pages {
                publish_page(self.answering, queue, &body).map_err(lost)?;
            }
        }
        Ok(())
    }

    fn wait_for_a_message(&self) -> Option<usize> {
        let mut select = Select::new();
        for (_, consumer) in &self.inlets {
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
}
