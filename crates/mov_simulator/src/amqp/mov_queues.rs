//! Consumes the MOV's own queues, and publishes pages.

use std::convert::Infallible;
use std::thread;
use std::time::{Duration, Instant};

use amiquip::{
    Channel, Connection, Consumer, ConsumerOptions, Delivery, ExchangeDeclareOptions, ExchangeType, FieldTable,
};
use crossbeam_channel::{Receiver, Select};

use super::ConnectionError;
use super::connection::{connect, declare, publish_page};
use super::consumer::{ack_up_to, cancel, next_delivery};
use crate::console::{self, ChangedLines};
use crate::events::{MOV_QUEUES, MovQueue, Outcome};
use crate::settings::Settings;
use crate::state::{Page, SharedState};

/// The real MOV has no prefetch limit. This one bounds the simulator's memory.
const PREFETCH: u16 = 5000;
/// How many messages of a queue are handled before the next queue.
const BATCH_SIZE: usize = 256;
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// Consumes forever. While the broker is away it tries to reconnect, and keeps the state. `on_started` is called once, when the
/// start is complete.
pub(crate) fn run(
    settings: &Settings,
    state: &SharedState,
    pages: &Receiver<Page>,
    on_started: impl FnOnce(),
) -> Infallible {
    let mut on_started = Some(on_started);
    let mut log = ChangedLines::default();
    loop {
        let Err(error) = run_session(settings, state, pages, &mut on_started);
        state.lock().is_consuming = false;
        log.print(format!("No broker: {error}"));
        thread::sleep(settings.reconnect_pause);
    }
}

/// Runs until the connections are lost.
fn run_session(
    settings: &Settings,
    state: &SharedState,
    pages: &Receiver<Page>,
    on_started: &mut Option<impl FnOnce()>,
) -> Result<Infallible, ConnectionError> {
    // Two connections, because a broker in alarm stops reading from connections that publish.
    let (mut consuming, mut publishing) = (connect(settings)?, connect(settings)?);
    let channels = open_queues(&mut consuming, state)?;
    let page_channel = publishing.open_channel(None)?;
    let consumers = start_consumers(&channels)?;
    let answers_queries = settings.answers_queries;
    let mut session = Session { state, consumers, page_channel: &page_channel, pages, answers_queries };
    state.lock().is_consuming = true;
    console::print(&format!("Connected to {}:{}", settings.host, settings.port));
    if on_started.is_some() {
        session.start_up(settings.start_up)?;
    }
    if let Some(on_started) = on_started.take() {
        on_started();
    }
    loop {
        session.serve()?;
    }
}

type OpenQueue = (&'static MovQueue, Channel);
type QueueConsumer<'c> = (&'static MovQueue, Consumer<'c>);

/// Declares the queues with their exchanges. A queue that exists with other properties is not consumed.
fn open_queues(connection: &mut Connection, state: &SharedState) -> Result<Vec<OpenQueue>, ConnectionError> {
    let mut channels = Vec::new();
    for queue in &MOV_QUEUES {
        if state.lock().poisoned.contains_key(queue.name) {
            continue;
        }
        let channel = connection.open_channel(None)?;
        match prepare(&channel, queue) {
            Ok(()) => {
                state.lock().undeclared.remove(queue.name);
                channels.push((queue, channel));
            }
            Err(error) => {
                console::print(&format!("NOT READY: cannot consume {}: {error}", queue.name));
                state.lock().undeclared.insert(queue.name.to_owned(), error.to_string());
            }
        }
    }
    Ok(channels)
}

fn prepare(channel: &Channel, queue: &MovQueue) -> amiquip::Result<()> {
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    channel.exchange_declare(ExchangeType::Topic, queue.exchange, durable)?;
    declare(channel, queue.name)?;
    channel.queue_bind(queue.name, queue.exchange, "#", FieldTable::new())?;
    channel.qos(0, PREFETCH, false)
}

fn start_consumers(channels: &[OpenQueue]) -> Result<Vec<QueueConsumer<'_>>, ConnectionError> {
    let mut consumers = Vec::new();
    for (queue, channel) in channels {
        consumers.push((*queue, channel.basic_consume(queue.name, ConsumerOptions::default())?));
    }
    Ok(consumers)
}

struct Session<'c> {
    state: &'c SharedState,
    consumers: Vec<QueueConsumer<'c>>,
    page_channel: &'c Channel,
    pages: &'c Receiver<Page>,
    answers_queries: bool,
}

impl Session<'_> {
    /// As in the real MOV, messages are already consumed during the start, and early registrations do not survive it.
    fn start_up(&mut self, duration: Duration) -> Result<(), ConnectionError> {
        let end = Instant::now() + duration;
        while Instant::now() < end || !self.state.lock().shared_client.is_connected() {
            self.serve()?;
        }
        self.state.lock().finish_early_registrations();
        Ok(())
    }

    /// Waits for a message, and handles what has arrived in one queue.
    fn serve(&mut self) -> Result<(), ConnectionError> {
        let Some(index) = self.wait_for_message() else { return Ok(()) };
        self.handle_batch(index)?;
        for Page { queue, body } in self.pages.try_iter() {
            if self.answers_queries {
                publish_page(self.page_channel, queue, &body)?;
            }
        }
        Ok(())
    }

    fn wait_for_message(&self) -> Option<usize> {
        let mut select = Select::new();
        for (_, consumer) in &self.consumers {
            select.recv(consumer.receiver());
        }
        select.ready_timeout(POLL_INTERVAL).ok()
    }

    fn handle_batch(&mut self, index: usize) -> Result<(), ConnectionError> {
        let (queue, consumer) = &self.consumers[index];
        let mut last_handled = None;
        for _ in 0..BATCH_SIZE {
            let Some(delivery) = next_delivery(consumer)? else { break };
            match self.handle(queue, &delivery) {
                Outcome::Ack => last_handled = Some(delivery),
                Outcome::NackWithoutRequeue => {
                    ack_up_to(consumer, last_handled.take())?;
                    consumer.nack(delivery, false)?;
                }
                Outcome::FailStream => {
                    ack_up_to(consumer, last_handled.take())?;
                    return self.stop_consuming(index);
                }
            }
        }
        ack_up_to(consumer, last_handled)
    }

    fn handle(&self, queue: &MovQueue, delivery: &Delivery) -> Outcome {
        let (content_type, encoding) = (delivery.properties.content_type(), delivery.properties.content_encoding());
        queue.consume(&mut self.state.lock(), content_type.as_deref(), encoding.as_deref(), &delivery.body)
    }

    /// The poisonous message, and all that were delivered after it, stay unacknowledged until the connection ends.
    fn stop_consuming(&mut self, index: usize) -> Result<(), ConnectionError> {
        let (_, consumer) = self.consumers.remove(index);
        cancel(&consumer)
    }
}
