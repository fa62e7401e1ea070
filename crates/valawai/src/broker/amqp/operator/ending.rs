//! What is not settled when a link ends returns to its place in the queue.

use std::time::Instant;

use super::link::OperatorLink;
use super::timed;
use crate::broker::Error;
use crate::broker::amqp::channel::{CALL_LIMIT, CLOSE_LIMIT};

/// The version of RabbitMQ since which messages that are returned by a nack keep their places in a quorum queue.
const NACK_KEEPS_PLACES: u32 = 4;

impl OperatorLink<'_> {
    /// Stops consuming, and makes sure that the broker removes what was acknowledged. What is not settled returns to its place in
    /// the queue when the link is dropped.
    ///
    /// Acknowledgements for a quorum queue wait in the broker's channel while the queue is busy, and are forgotten when the channel
    /// is closed. A cancel is answered when the queue has processed those that were sent before it; by the next call the channel
    /// has sent the others.
    ///
    /// # Errors
    /// If the connection is lost.
    pub fn stop(&mut self) -> Result<(), Error> {
        let Self { channels, subscriptions, .. } = self;
        timed("process acknowledgements", || {
            subscriptions.stop(CALL_LIMIT)?;
            channels.consuming.call("process acknowledgements", |channel| channel.qos(0, 1, false))
        })
    }
}

impl Drop for OperatorLink<'_> {
    /// Returns what is not settled to its place in the queue. What broke the connection, if anything did, was reported before.
    fn drop(&mut self) {
        let connection = &self.channels.consuming_connection;
        // Quorum queues drop a message that was delivered too often: since RabbitMQ 4 by default, after 20 times. A lost connection
        // counts, and a nack does not since 4.3. Before 4, a nack appends the message to a queue without a limit.
        if connection.major_version() >= NACK_KEEPS_PLACES {
            let channel = &self.channels.consuming;
            // In this order: a consumer would get what it returns, again. The last call makes sure that the queue has it.
            let _ = self
                .subscriptions
                .stop(CLOSE_LIMIT)
                .and_then(|()| channel.write("requeue messages", |channel| channel.nack_all(true)))
                .and_then(|()| channel.call("requeue messages", |channel| channel.qos(0, 1, false)));
        }
        let _ = connection.read_limiter().without_limit(|| connection.close(Instant::now() + CLOSE_LIMIT));
    }
}
