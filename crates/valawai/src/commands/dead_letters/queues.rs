//! The dead-letter and retry queues of a component.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::broker::amqp::operator::{Operator, QueueState};
use crate::commands::exit::Stop;
use crate::commands::invocation::Invocation;
use crate::commands::target::Target;
use crate::consumer::retry::{self, RetryQueue, dead_letter_queue};
use crate::name::ChannelName;

/// A queue of dead letters that exists.
pub(super) struct DeadLetterQueue {
    pub(super) name: String,
    pub(super) state: QueueState,
}

/// The dead-letter queues that exist: of `channel`, or of all channels on which the component receives.
pub(super) fn dead_letter_queues(
    invocation: &Invocation,
    operator: &Operator,
    channel: Option<&str>,
) -> Result<Vec<DeadLetterQueue>, Stop> {
    let target = invocation.target()?;
    let names: Vec<String> = match channel {
        Some(text) => vec![named(target, text)?],
        None => channels(target)?.map(dead_letter_queue).collect(),
    };
    let mut found = Vec::new();
    for name in names {
        if let Some(state) = operator.inspect(&name)? {
            found.push(DeadLetterQueue { name, state });
        }
    }
    Ok(found)
}

/// The names of the retry queues of all channels, with their delays. They exist only while they are used.
pub(super) fn retry_queues(target: &Target, options: &retry::Options) -> Result<Vec<RetryQueue>, Stop> {
    // Delays grow up to a limit; a channel may have more retries than others.
    let delays: BTreeSet<Duration> =
        (1..=1000).filter_map(|attempts| options.delay(attempts, Some(options.max_retries.max(20)))).collect();
    let queues = |channel| delays.iter().map(move |delay| RetryQueue::of(channel, *delay));
    Ok(channels(target)?.flat_map(queues).collect())
}

/// The queue of the dead letters of the channel that `text` names, or that queue itself.
fn named(target: &Target, text: &str) -> Result<String, Stop> {
    if let Some(channel) = target.channel(text) {
        return Ok(dead_letter_queue(&channel));
    }
    let own = target.queue("dead_letter/");
    if text.starts_with("route/") {
        return Ok(format!("{own}{text}"));
    }
    if text.starts_with(&own) {
        return Ok(text.to_owned());
    }
    Err(Stop::usage(format!("`{text}` is not a channel of {}, as in data/received_message", target.name)))
}

fn channels(target: &Target) -> Result<impl Iterator<Item = &ChannelName>, Stop> {
    if target.channels.is_empty() {
        let text = format!("the channels of {} are not known; add CHANNEL, or --asyncapi FILE", target.name);
        return Err(Stop::usage(text));
    }
    Ok(target.handled())
}
