//! Receiving messages, by `basic.get` or by a consumer.

use std::time::{Duration, Instant};

use amiquip::{AmqpValue, Consumer, ConsumerMessage, ConsumerOptions};
use crossbeam_channel::RecvTimeoutError;

use super::{Client, Received};

const PREFETCH: u16 = 1000;
/// For messages that are known to be ready.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);
/// How often a receiver looks whether it is to end.
const PAUSE: Duration = Duration::from_millis(100);

impl Client {
    /// Receives and acknowledges the next message, if there is one.
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

    /// Receives the next message without an acknowledgement, so that it is requeued. Returns its `x-delivery-count`: how
    /// often a quorum queue had delivered it before.
    #[track_caller]
    pub fn get_without_ack(&self, queue: &str) -> Option<i64> {
        let channel = self.channel();
        let got = channel.basic_get(queue, false).unwrap_or_else(|error| panic!("cannot get from {queue}: {error}"))?;
        let headers = got.delivery.properties.headers().clone().unwrap_or_default();
        match headers.get("x-delivery-count") {
            Some(AmqpValue::LongLongInt(count)) => Some(*count),
            _ => None,
        }
    }

    /// Receives exactly `count` messages, or fails the test.
    #[track_caller]
    pub fn receive(&self, queue: &str, count: usize, limit: Duration) -> Vec<Received> {
        let received = self.receive_up_to(queue, count, limit);
        assert_eq!(received.len(), count, "messages received from {queue} within {limit:?}");
        received
    }

    /// Receives up to `count` messages, as many as arrive within the limit. Other prefetched messages are requeued.
    #[track_caller]
    pub fn receive_up_to(&self, queue: &str, count: usize, limit: Duration) -> Vec<Received> {
        let channel = self.channel();
        channel.qos(0, u16::try_from(count).unwrap_or(PREFETCH).clamp(1, PREFETCH), false).expect("set the prefetch");
        let consumer = channel
            .basic_consume(queue, ConsumerOptions::default())
            .unwrap_or_else(|error| panic!("cannot consume {queue}: {error}"));
        let received = receive_from(&consumer, count, Instant::now() + limit);
        cancel_consumer(&consumer);
        received
    }

    /// Receives messages from a broker that may fail, until `receive` returns false, and acknowledges each.
    ///
    /// # Errors
    ///
    /// Fails when the connection is lost or the broker ends the consumer. Messages may then be delivered again.
    pub fn try_receive_while(
        &self,
        queue: &str,
        mut receive: impl FnMut(Option<Received>) -> bool,
    ) -> Result<(), String> {
        let describe = |error: amiquip::Error| format!("cannot receive from {queue}: {error}");
        let channel = self.try_channel().map_err(describe)?;
        channel.qos(0, PREFETCH, false).map_err(describe)?;
        let consumer = channel.basic_consume(queue, ConsumerOptions::default()).map_err(describe)?;
        loop {
            let received = match consumer.receiver().recv_timeout(PAUSE) {
                Ok(ConsumerMessage::Delivery(mut delivery)) => {
                    let body = std::mem::take(&mut delivery.body);
                    let (properties, redelivered) = (delivery.properties.clone(), delivery.redelivered);
                    consumer.ack(delivery).map_err(describe)?;
                    Some(Received { body, properties, redelivered })
                }
                Err(RecvTimeoutError::Timeout) => None,
                end => return Err(format!("the consumer of {queue} ended: {end:?}")),
            };
            if !receive(received) {
                cancel_consumer(&consumer);
                return Ok(());
            }
        }
    }

    /// Receives messages until the queue is empty.
    #[track_caller]
    pub fn drain(&self, queue: &str) -> Vec<Received> {
        let mut drained = Vec::new();
        loop {
            let ready = self.depth(queue) as usize;
            if ready == 0 {
                return drained;
            }
            drained.extend(self.receive_up_to(queue, ready, DRAIN_LIMIT));
        }
    }
}

/// Cancels a consumer and discards what was delivered to it, up to the cancellation. amiquip closes the whole connection
/// when it cannot hand an event to a consumer because the consumer was dropped.
pub fn cancel_consumer(consumer: &Consumer<'_>) {
    consumer.cancel().expect("cancel a consumer");
    while let Ok(ConsumerMessage::Delivery(_)) = consumer.receiver().recv() {}
}

fn receive_from(consumer: &Consumer<'_>, count: usize, deadline: Instant) -> Vec<Received> {
    let mut received = Vec::with_capacity(count.min(100_000));
    while received.len() < count {
        match consumer.receiver().recv_deadline(deadline) {
            Ok(ConsumerMessage::Delivery(mut delivery)) => {
                received.push(Received {
                    body: std::mem::take(&mut delivery.body),
                    properties: delivery.properties.clone(),
                    redelivered: delivery.redelivered,
                });
                consumer.ack(delivery).expect("acknowledge a message");
            }
            Ok(end) => panic!("the broker ended the consumer after {} of {count} messages: {end:?}", received.len()),
            Err(RecvTimeoutError::Timeout) => break,
            Err(RecvTimeoutError::Disconnected) => {
                panic!("lost the connection after {} of {count} messages", received.len())
            }
        }
    }
    received
}

/// The options of a consumer that wants a queue for itself.
pub fn exclusive() -> ConsumerOptions {
    ConsumerOptions { exclusive: true, ..ConsumerOptions::default() }
}
