//! The queues that a component declares for itself: for retries, and for dead letters.

use super::exit::Stop;
use super::invocation::Invocation;
use crate::broker::{Error, OwnQueue};
use crate::consumer::retry::{RetryQueue, dead_letter_queue};
use crate::name::ChannelName;

/// One of the component's own queues.
pub(super) enum OwnQueueName {
    Retry(RetryQueue),
    DeadLetters { name: String, channel: ChannelName },
}

impl OwnQueueName {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Retry(queue) => &queue.name,
            Self::DeadLetters { name, .. } => name,
        }
    }

    pub(super) fn options(&self) -> OwnQueue<'_> {
        match self {
            Self::Retry(queue) => queue.options(),
            Self::DeadLetters { .. } => OwnQueue::default(),
        }
    }
}

/// The dead-letter queue of each consumed channel, and its retry queues with the delays of the settings.
pub(super) fn own_queues(invocation: &Invocation) -> Result<Vec<OwnQueueName>, Stop> {
    let target = invocation.target()?;
    if target.channels.is_empty() {
        return Err(Stop::usage(format!("the channels of {} are not known: add --asyncapi FILE", target.name)));
    }
    let options = invocation.settings()?.retry;
    let mut delays: Vec<_> = (1..=options.max_retries).map_while(|attempts| options.delay(attempts, None)).collect();
    // They grow, up to the longest.
    delays.dedup();
    let mut queues = Vec::new();
    for channel in target.handled() {
        queues.push(OwnQueueName::DeadLetters { name: dead_letter_queue(channel), channel: channel.clone() });
        queues.extend(delays.iter().map(|delay| OwnQueueName::Retry(RetryQueue::of(channel, *delay))));
    }
    Ok(queues)
}

/// Deletes a queue; one with messages only if `force`. Returns how many messages it had, or `None` if it has messages and stays.
pub(super) fn delete(invocation: &Invocation, queue: &str, force: bool) -> Result<Option<u32>, Stop> {
    // A connection of its own, because the broker may close it.
    match invocation.connect()?.delete(queue, force) {
        Ok(messages) => Ok(Some(messages)),
        Err(Error::Denied { reason, .. }) if reason.contains("PRECONDITION_FAILED") => Ok(None),
        // RabbitMQ cannot delete a quorum queue on the condition that it is empty, and closes the connection.
        Err(Error::Lost { .. }) if !force => {
            let operator = invocation.connect()?;
            match operator.inspect(queue)? {
                Some(state) if state.messages == 0 => Ok(Some(operator.delete(queue, true)?)),
                Some(_) => Ok(None),
                None => Ok(Some(0)),
            }
        }
        Err(error) => Err(error.into()),
    }
}

/// What was done to a queue that had these messages.
pub(super) fn deletion_word(messages: u32) -> String {
    match messages {
        0 => "deleted".to_owned(),
        1 => "deleted with 1 message".to_owned(),
        _ => format!("deleted with {messages} messages"),
    }
}
