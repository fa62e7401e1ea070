//! The client's connection, its queues and what it publishes.

use std::net::{Shutdown, TcpStream};
use std::sync::Mutex;
use std::time::Duration;

use amiquip::{
    Auth, Channel, Connection, ConnectionOptions, ConnectionTuning, FieldTable, QueueDeclareOptions, QueueDeleteOptions,
};

use super::Message;
use super::publisher::Publisher;
use crate::Vhost;

const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// Short, so that a client of a frozen broker fails the test instead of blocking it.
const HEARTBEAT_SECONDS: u16 = 5;
/// Capacity of the channel to amiquip's I/O thread; the default makes fast publishing wait for thread switches.
const IO_CHANNEL_BOUND: usize = 1024;

/// A connection with one channel for publishing. Operations that may fail open a channel of their own.
#[derive(Debug)]
pub struct Client {
    socket: TcpStream,
    publisher: Publisher,
    connection: Mutex<Connection>,
}

/// The counts that a passive declare of a queue returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueInfo {
    /// Messages that are ready for delivery; delivered ones that are not acknowledged do not count.
    pub messages: u32,
    /// Consumers of the queue.
    pub consumers: u32,
}

impl Client {
    /// Connects to a virtual host.
    #[track_caller]
    pub fn connect(vhost: &Vhost) -> Self {
        Self::try_connect(vhost).unwrap_or_else(|error| panic!("cannot connect to {vhost:?}: {error}"))
    }

    /// Connects to a virtual host of a broker that may be down.
    ///
    /// # Errors
    ///
    /// Fails when the broker cannot be reached or rejects the connection.
    pub fn try_connect(vhost: &Vhost) -> Result<Self, amiquip::Error> {
        let options = ConnectionOptions::default()
            .auth(Auth::Plain { username: vhost.username.clone(), password: vhost.password.clone() })
            .virtual_host(vhost.name.clone())
            .heartbeat(HEARTBEAT_SECONDS)
            .connection_timeout(Some(CONNECT_LIMIT));
        let socket = TcpStream::connect((vhost.host.as_str(), vhost.port))
            .map_err(|source| amiquip::Error::IoErrorWritingSocket { source })?;
        socket.set_nodelay(true).expect("set TCP_NODELAY");
        let stream = socket.try_clone().and_then(mio::net::TcpStream::from_stream).expect("clone the socket");
        let tuning = ConnectionTuning::default().mem_channel_bound(IO_CHANNEL_BOUND);
        let mut connection = Connection::insecure_open_stream(stream, options, tuning)?;
        let publisher = Publisher::new(connection.open_channel(None)?)?;
        Ok(Self { socket, publisher, connection: Mutex::new(connection) })
    }

    /// Declares a queue as all participants of the platform do: durable, without arguments.
    #[track_caller]
    pub fn declare(&self, queue: &str) {
        self.declare_with(queue, FieldTable::new());
    }

    /// Declares a durable queue with arguments.
    #[track_caller]
    pub fn declare_with(&self, queue: &str, arguments: FieldTable) {
        let options = QueueDeclareOptions { durable: true, arguments, ..QueueDeclareOptions::default() };
        self.channel().queue_declare(queue, options).unwrap_or_else(|error| panic!("cannot declare {queue}: {error}"));
    }

    /// Declares a queue whose name the broker chooses, for the answers to requests, and returns the name.
    #[track_caller]
    pub fn declare_answers(&self) -> String {
        let channel = self.channel();
        let queue = channel.queue_declare("", QueueDeclareOptions::default());
        queue.unwrap_or_else(|error| panic!("cannot declare a queue: {error}")).name().to_owned()
    }

    /// Deletes a queue with its messages.
    #[track_caller]
    pub fn delete(&self, queue: &str) {
        let result = self.channel().queue_delete(queue, QueueDeleteOptions::default());
        result.unwrap_or_else(|error| panic!("cannot delete {queue}: {error}"));
    }

    /// Removes the ready messages of a queue, and returns how many there were.
    #[track_caller]
    pub fn purge(&self, queue: &str) -> u32 {
        self.channel().queue_purge(queue).unwrap_or_else(|error| panic!("cannot purge {queue}: {error}"))
    }

    /// Publishes a message to an existing queue and waits for the confirm.
    #[track_caller]
    pub fn publish(&self, queue: &str, message: &Message) {
        assert!(self.try_publish(queue, message), "published to {queue}, which does not exist");
    }

    /// Publishes a message and waits for the confirm. Returns false if the queue does not exist.
    #[track_caller]
    pub fn try_publish(&self, queue: &str, message: &Message) -> bool {
        self.publisher.publish(queue, message).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Publishes the messages 0 to `count - 1` without waiting for each, then waits for all confirms.
    #[track_caller]
    pub fn publish_many(&self, queue: &str, count: u64, message: impl FnMut(u64) -> Message) {
        self.try_publish_many(queue, count, message).unwrap_or_else(|error| panic!("{error}"));
    }

    /// Does the same at a broker that may fail.
    ///
    /// # Errors
    ///
    /// Fails when not all messages were confirmed; some of them may have been published.
    pub fn try_publish_many(&self, queue: &str, count: u64, message: impl FnMut(u64) -> Message) -> Result<(), String> {
        self.publisher.publish_many(queue, count, message)
    }

    /// The counts of a queue by a passive declare, which is exact and fast. `None` if the queue does not exist.
    pub fn queue_info(&self, queue: &str) -> Option<QueueInfo> {
        let channel = self.channel();
        let found = channel.queue_declare_passive(queue).ok()?;
        Some(QueueInfo { messages: found.declared_message_count()?, consumers: found.declared_consumer_count()? })
    }

    /// The number of ready messages in an existing queue of a broker that may fail.
    ///
    /// # Errors
    ///
    /// Fails when the connection is lost, or there is no such queue.
    pub fn try_depth(&self, queue: &str) -> Result<u32, String> {
        let describe = |error: amiquip::Error| format!("cannot read the depth of {queue}: {error}");
        let channel = self.try_channel().map_err(describe)?;
        let found = channel.queue_declare_passive(queue).map_err(describe)?;
        Ok(found.declared_message_count().unwrap_or_default())
    }

    /// The number of ready messages in an existing queue.
    #[track_caller]
    pub fn depth(&self, queue: &str) -> u32 {
        self.queue_info(queue).unwrap_or_else(|| panic!("there is no queue {queue}")).messages
    }

    /// The number of consumers of a queue; 0 if it does not exist.
    pub fn consumers(&self, queue: &str) -> u32 {
        self.queue_info(queue).map_or(0, |info| info.consumers)
    }

    /// A new channel, for tests that use amiquip directly.
    #[track_caller]
    pub fn channel(&self) -> Channel {
        self.try_channel().unwrap_or_else(|error| panic!("cannot open a channel: {error}"))
    }

    pub(super) fn try_channel(&self) -> Result<Channel, amiquip::Error> {
        self.connection.lock().expect("a connection whose lock is not poisoned").open_channel(None)
    }
}

impl Drop for Client {
    /// Shuts the socket down: all is confirmed by now, and an orderly close may wait for a broker that the test has killed.
    fn drop(&mut self) {
        // It fails only when the socket is closed already.
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}
