//! A raw AMQP client, the other end of every conversation in the tests.

use std::net::{Shutdown, TcpStream};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use amiquip::{
    AmqpValue, Auth, Channel, Connection, ConnectionOptions, ConnectionTuning, Consumer, ConsumerMessage,
    ConsumerOptions, FieldTable, QueueDeclareOptions, QueueDeleteOptions,
};
use crossbeam_channel::RecvTimeoutError;

use super::message::{Message, Received};
use super::node::Vhost;
use super::publisher::Publisher;

const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// Short, so that a client of a frozen broker fails the test instead of hanging it.
const HEARTBEAT_SECONDS: u16 = 5;
/// The I/O thread's mailbox; the default makes fast publishing wait for thread switches.
const MAILBOX: usize = 1024;
const PREFETCH: u16 = 1000;

/// A connection with one channel for publishing; whatever may fail has a channel of its own.
#[derive(Debug)]
pub struct Client {
    socket: TcpStream,
    publisher: Publisher,
    connection: Mutex<Connection>,
}

/// What a queue says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    /// Ready to be delivered; those with a consumer and not yet acknowledged do not count.
    pub messages: u32,
    pub consumers: u32,
}

impl Client {
    #[track_caller]
    pub fn connect(vhost: &Vhost) -> Self {
        Self::try_connect(vhost).unwrap_or_else(|error| panic!("cannot connect to {vhost:?}: {error}"))
    }

    pub fn try_connect(vhost: &Vhost) -> Result<Self, amiquip::Error> {
        let options = ConnectionOptions::default()
            .auth(Auth::Plain { username: vhost.username.clone(), password: vhost.password.clone() })
            .virtual_host(vhost.name.clone())
            .heartbeat(HEARTBEAT_SECONDS)
            .connection_timeout(Some(CONNECT_LIMIT));
        let socket = TcpStream::connect((vhost.host.as_str(), vhost.port))
            .map_err(|source| amiquip::Error::IoErrorWritingSocket { source })?;
        socket.set_nodelay(true).expect("set TCP_NODELAY");
        let stream = socket.try_clone().and_then(mio::net::TcpStream::from_stream).expect("share a socket");
        let tuning = ConnectionTuning::default().mem_channel_bound(MAILBOX);
        let mut connection = Connection::insecure_open_stream(stream, options, tuning)?;
        let publisher = Publisher::on(connection.open_channel(None)?)?;
        Ok(Self { socket, publisher, connection: Mutex::new(connection) })
    }

    /// Declares a queue as everybody on the platform does: durable, and nothing else.
    #[track_caller]
    pub fn declare(&self, queue: &str) {
        self.declare_with(queue, FieldTable::new());
    }

    #[track_caller]
    pub fn declare_with(&self, queue: &str, arguments: FieldTable) {
        let options = QueueDeclareOptions { durable: true, arguments, ..QueueDeclareOptions::default() };
        self.channel().queue_declare(queue, options).unwrap_or_else(|error| panic!("cannot declare {queue}: {error}"));
    }

    #[track_caller]
    pub fn delete(&self, queue: &str) {
        let done = self.channel().queue_delete(queue, QueueDeleteOptions::default());
        done.unwrap_or_else(|error| panic!("cannot delete {queue}: {error}"));
    }

    #[track_caller]
    pub fn purge(&self, queue: &str) -> u32 {
        self.channel().queue_purge(queue).unwrap_or_else(|error| panic!("cannot purge {queue}: {error}"))
    }

    /// Publishes and waits until the broker has it; a queue that is not there fails the test.
    #[track_caller]
    pub fn publish(&self, queue: &str, message: &Message) {
        assert!(self.try_publish(queue, message), "published to {queue}, which does not exist");
    }

    /// The same, but tells whether there is such a queue.
    #[track_caller]
    pub fn try_publish(&self, queue: &str, message: &Message) -> bool {
        self.publisher.publish(queue, message)
    }

    /// Publishes the messages 0 to `count - 1` in a stream, and waits until the broker has them all.
    #[track_caller]
    pub fn publish_many(&self, queue: &str, count: u64, message: impl FnMut(u64) -> Message) {
        self.publisher.publish_many(queue, count, message);
    }

    /// Takes the next message, if there is one.
    #[track_caller]
    pub fn get(&self, queue: &str) -> Option<Received> {
        let channel = self.channel();
        let got = channel.basic_get(queue, true).unwrap_or_else(|error| panic!("cannot get from {queue}: {error}"));
        got.map(|got| Received {
            body: got.delivery.body,
            properties: got.delivery.properties,
            redelivered: got.delivery.redelivered,
        })
    }

    /// Takes the next message and leaves it without a word, and tells how often a quorum queue says that this was done before.
    #[track_caller]
    pub fn take_in_vain(&self, queue: &str) -> Option<i64> {
        let channel = self.channel();
        let got = channel.basic_get(queue, false).unwrap_or_else(|error| panic!("cannot get from {queue}: {error}"))?;
        let headers = got.delivery.properties.headers().clone().unwrap_or_default();
        match headers.get("x-delivery-count") {
            Some(AmqpValue::LongLongInt(count)) => Some(*count),
            _ => None,
        }
    }

    /// Takes up to `count` messages, as many as come within the limit. What else was prefetched goes back to the queue.
    #[track_caller]
    pub fn take(&self, queue: &str, count: usize, limit: Duration) -> Vec<Received> {
        let channel = self.channel();
        channel.qos(0, u16::try_from(count).unwrap_or(PREFETCH).clamp(1, PREFETCH), false).expect("set the prefetch");
        let consumer = channel
            .basic_consume(queue, ConsumerOptions::default())
            .unwrap_or_else(|error| panic!("cannot consume {queue}: {error}"));
        let taken = take_from(&consumer, count, Instant::now() + limit);
        leave(&consumer);
        taken
    }

    /// Takes exactly `count` messages, or fails the test.
    #[track_caller]
    pub fn expect(&self, queue: &str, count: usize, limit: Duration) -> Vec<Received> {
        let taken = self.take(queue, count, limit);
        assert_eq!(taken.len(), count, "messages that came out of {queue} within {limit:?}");
        taken
    }

    /// Takes all that is ready now.
    #[track_caller]
    pub fn drain(&self, queue: &str) -> Vec<Received> {
        let mut drained = Vec::new();
        loop {
            let ready = self.depth(queue) as usize;
            if ready == 0 {
                return drained;
            }
            drained.extend(self.take(queue, ready, Duration::from_secs(10)));
        }
    }

    /// Depth and consumers of a queue, by a passive declare: exact and quick. `None` if there is no such queue.
    pub fn look(&self, queue: &str) -> Option<Depth> {
        let channel = self.channel();
        let found = channel.queue_declare_passive(queue).ok()?;
        Some(Depth { messages: found.declared_message_count()?, consumers: found.declared_consumer_count()? })
    }

    #[track_caller]
    pub fn depth(&self, queue: &str) -> u32 {
        self.look(queue).unwrap_or_else(|| panic!("there is no queue {queue}")).messages
    }

    /// How many consume a queue; none if it is not there.
    pub fn consumers(&self, queue: &str) -> u32 {
        self.look(queue).map_or(0, |depth| depth.consumers)
    }

    /// A channel of its own, for whatever else a test wants to do with amiquip.
    #[track_caller]
    pub fn channel(&self) -> Channel {
        let mut connection = self.connection.lock().expect("a connection no thread broke");
        connection.open_channel(None).unwrap_or_else(|error| panic!("cannot open a channel: {error}"))
    }

    /// Breaks the line without a word.
    pub fn cut(&self) {
        // Whoever cuts a dead line has what he wants.
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // All is confirmed by now, and closing politely may wait for a broker that the test has killed.
        self.cut();
    }
}

/// Cancels, and drains to the last word: amiquip ends the whole connection when it finds that the consumer it has something
/// to tell, be it that it is cancelled, was dropped.
pub fn leave(consumer: &Consumer<'_>) {
    consumer.cancel().expect("cancel a consumer");
    while let Ok(ConsumerMessage::Delivery(_)) = consumer.receiver().recv() {}
}

fn take_from(consumer: &Consumer<'_>, count: usize, deadline: Instant) -> Vec<Received> {
    let mut taken = Vec::with_capacity(count.min(100_000));
    while taken.len() < count {
        match consumer.receiver().recv_deadline(deadline) {
            Ok(ConsumerMessage::Delivery(mut delivery)) => {
                taken.push(Received {
                    body: std::mem::take(&mut delivery.body),
                    properties: delivery.properties.clone(),
                    redelivered: delivery.redelivered,
                });
                consumer.ack(delivery).expect("acknowledge a message");
            }
            Ok(end) => panic!("the broker ended the consumer after {} of {count} messages: {end:?}", taken.len()),
            Err(RecvTimeoutError::Timeout) => break,
            Err(RecvTimeoutError::Disconnected) => panic!("lost the broker after {} of {count} messages", taken.len()),
        }
    }
    taken
}
