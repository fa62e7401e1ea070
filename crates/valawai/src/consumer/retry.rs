//! When a message is tried again, and where it waits until then.

use std::time::Duration;

use crate::broker::OwnQueue;
use crate::name::{ChannelName, Kind};

/// How much longer than its delay a retry queue stays when nobody uses it.
const STAYS: Duration = Duration::from_secs(60);

/// How often and how late a message is tried again.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// `MAX_RETRIES`: how often, after the first time. Defaults to 5.
    pub most: u32,
    /// `RETRY_TTL`: the first delay. Defaults to 5000 ms.
    pub first: Duration,
    /// `RETRY_BACKOFF`: how many times longer each delay is than the one before. Defaults to 2.0.
    pub factor: f64,
    /// `RETRY_MAX_TTL`: the longest delay. Defaults to 300000 ms.
    pub longest: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { most: 5, first: Duration::from_secs(5), factor: 2.0, longest: Duration::from_secs(300) }
    }
}

impl Options {
    /// How long a message waits that was tried in vain `attempts` times; `None` when it was tried often enough.
    #[must_use]
    pub fn delay(&self, attempts: u32) -> Option<Duration> {
        if attempts == 0 || attempts > self.most {
            return None;
        }
        let grown = self.first.as_secs_f64() * self.factor.powi(i32::try_from(attempts - 1).unwrap_or(i32::MAX));
        Some(Duration::from_secs_f64(grown.min(self.longest.as_secs_f64())))
    }
}

/// A queue where the messages of one channel wait for one delay, and from where they go back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryQueue {
    /// `valawai/c1/<component>/retry/<data|control>/<operation>/<milliseconds>`
    pub name: String,
    milliseconds: u32,
    back_to: String,
}

impl RetryQueue {
    /// Where messages of `channel` wait for `delay`.
    #[must_use]
    pub fn of(channel: &ChannelName, delay: Duration) -> Self {
        let milliseconds = u32::try_from(delay.as_millis()).unwrap_or(u32::MAX);
        let name = format!("{}/{milliseconds}", own_queue(channel, "retry"));
        Self { name, milliseconds, back_to: channel.queue().to_string() }
    }

    /// How it is declared.
    #[must_use]
    pub fn options(&self) -> OwnQueue<'_> {
        let stays = u32::try_from(STAYS.as_millis()).unwrap_or(u32::MAX);
        OwnQueue {
            delay: Some((self.milliseconds, &self.back_to)),
            expires_after_ms: Some(self.milliseconds.saturating_add(stays)),
            newest_only: false,
        }
    }
}

/// Where messages of `channel` go that nobody could process:
/// `valawai/c1/<component>/dead_letter/<data|control>/<operation>`.
#[must_use]
pub fn dead_letter_queue(channel: &ChannelName) -> String {
    own_queue(channel, "dead_letter")
}

/// The kind is part of the name, because a data and a control channel may have the same operation.
fn own_queue(channel: &ChannelName, purpose: &str) -> String {
    let (level, component) = (channel.level().lower(), channel.component());
    let kind = match channel.kind() {
        Kind::Control => "control",
        Kind::Data => "data",
    };
    format!("valawai/{level}/{component}/{purpose}/{kind}/{}", channel.operation())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_by_the_factor_up_to_the_longest_and_end() {
        let options =
            Options { most: 4, first: Duration::from_millis(100), factor: 3.0, longest: Duration::from_millis(1000) };
        let delays: Vec<_> = (1..=5).map(|attempts| options.delay(attempts).map(|delay| delay.as_millis())).collect();
        assert_eq!(delays, [Some(100), Some(300), Some(900), Some(1000), None]);
        assert_eq!(Options { most: 0, ..options }.delay(1), None);
        let endless = Options { most: u32::MAX, factor: 10.0, ..Options::default() };
        assert_eq!(endless.delay(u32::MAX), Some(endless.longest));
    }

    #[test]
    fn channels_of_the_same_operation_share_no_queue() {
        let [data, control] = ["data", "control"].map(|kind| format!("valawai/c1/echo/{kind}/x").parse().unwrap());
        let delay = Duration::from_secs(5);
        assert_ne!(RetryQueue::of(&data, delay).name, RetryQueue::of(&control, delay).name);
        assert_ne!(dead_letter_queue(&data), dead_letter_queue(&control));
    }

    #[test]
    fn the_queues_carry_the_component_the_operation_and_the_delay() {
        let channel: ChannelName = "valawai/c1/echo/data/received_message".parse().unwrap();
        let queue = RetryQueue::of(&channel, Duration::from_millis(5000));
        assert_eq!(queue.name, "valawai/c1/echo/retry/data/received_message/5000");
        assert_eq!(queue.options().delay, Some((5000, "valawai/c1/echo/data/received_message")));
        assert!(queue.options().expires_after_ms.unwrap() > 5000, "it would vanish with what waits in it");
        assert_eq!(dead_letter_queue(&channel), "valawai/c1/echo/dead_letter/data/received_message");
    }
}
