//! When a failed message is retried, and the queue in which it waits until then.

use std::time::Duration;

use crate::broker::OwnQueue;
use crate::component::input::Consumed;

/// How long an unused retry queue exists, beyond its delay.
const UNUSED_LIFETIME: Duration = Duration::from_secs(60);

/// How often, and after which delays, a failed message is retried.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// `MAX_RETRIES`: the number of retries after the first attempt. Defaults to 5.
    pub max_retries: u32,
    /// `RETRY_TTL`: the first delay. Defaults to 5000 ms.
    pub first_delay: Duration,
    /// `RETRY_BACKOFF`: the factor by which each delay is longer than the one before. Defaults to 2.0.
    pub factor: f64,
    /// `RETRY_MAX_TTL`: the longest delay. Defaults to 300000 ms.
    pub max_delay: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_retries: 5, first_delay: Duration::from_secs(5), factor: 2.0, max_delay: Duration::from_secs(300) }
    }
}

impl Options {
    /// The delay after `attempts` failed attempts; `None` if the message is not retried again. `max_retries` is the limit of its
    /// channel, if it has one of its own.
    #[must_use]
    pub fn delay(&self, attempts: u32, max_retries: Option<u32>) -> Option<Duration> {
        if attempts == 0 || attempts > max_retries.unwrap_or(self.max_retries) {
            return None;
        }
        let exponent = i32::try_from(attempts - 1).unwrap_or(i32::MAX);
        let seconds = self.first_delay.as_secs_f64() * self.factor.powi(exponent);
        Some(Duration::from_secs_f64(seconds.min(self.max_delay.as_secs_f64())))
    }
}

/// A queue in which messages of one queue wait for one delay; the broker then moves them back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryQueue {
    /// `valawai/c1/<component>/retry/<data|control>/<operation>/<milliseconds>`, or `…/retry/route/<name>/<milliseconds>`
    pub name: String,
    milliseconds: u32,
    back_to: String,
}

impl RetryQueue {
    /// The queue in which messages of `input` wait for `delay`.
    #[must_use]
    pub fn of(input: &impl Consumed, delay: Duration) -> Self {
        let milliseconds = u32::try_from(delay.as_millis()).unwrap_or(u32::MAX);
        let name = format!("{}{milliseconds}", retry_queues(input));
        Self { name, milliseconds, back_to: input.queue().to_string() }
    }

    /// The options with which the queue is declared.
    #[must_use]
    pub fn options(&self) -> OwnQueue<'_> {
        let unused = u32::try_from(UNUSED_LIFETIME.as_millis()).unwrap_or(u32::MAX);
        OwnQueue {
            delay: Some((self.milliseconds, &self.back_to)),
            expires_after_ms: Some(self.milliseconds.saturating_add(unused)),
            newest_only: false,
        }
    }
}

/// A delay that is at most a sixteenth longer, so that messages with many delays need few queues.
pub(super) fn rounded_up(milliseconds: u32) -> Duration {
    let step = 1_u64 << (u32::BITS - milliseconds.leading_zeros()).saturating_sub(5);
    let rounded = u64::from(milliseconds).div_ceil(step) * step;
    Duration::from_millis(rounded.min(u32::MAX.into()))
}

/// What the names of the retry queues of `input` begin with; their delays follow.
#[must_use]
pub fn retry_queues(input: &impl Consumed) -> String {
    input.own_queue("retry") + "/"
}

/// The queue of the dead letters of `input`: `valawai/c1/<component>/dead_letter/<data|control>/<operation>`, or
/// `…/dead_letter/route/<name>`.
#[must_use]
pub fn dead_letter_queue(input: &impl Consumed) -> String {
    input.own_queue("dead_letter")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::ChannelName;

    #[test]
    fn delays_grow_by_the_factor_up_to_the_longest() {
        let options = Options {
            max_retries: 4,
            first_delay: Duration::from_millis(100),
            factor: 3.0,
            max_delay: Duration::from_millis(1000),
        };
        let delays: Vec<_> =
            (1..=5).map(|attempts| options.delay(attempts, None).map(|delay| delay.as_millis())).collect();
        assert_eq!(delays, [Some(100), Some(300), Some(900), Some(1000), None]);
    }

    #[test]
    fn few_queues_serve_all_delays_and_none_is_shortened() {
        let rounded: Vec<u64> = [1, 31, 32, 33, 1000, 5000, u32::MAX].map(|it| milliseconds(rounded_up(it))).into();
        assert_eq!(rounded, [1, 31, 32, 34, 1024, 5120, u32::MAX.into()]);
        let distinct: std::collections::BTreeSet<_> = (1..1_000_000).map(rounded_up).collect();
        assert!(distinct.len() < 300, "{} queues", distinct.len());
        let is_close = |delay: u32| {
            let rounded = milliseconds(rounded_up(delay));
            rounded >= u64::from(delay) && rounded <= u64::from(delay) * 17 / 16
        };
        assert!((1..1_000_000).all(is_close));
    }

    fn milliseconds(duration: Duration) -> u64 {
        u64::try_from(duration.as_millis()).unwrap()
    }

    #[test]
    fn without_retries_there_is_no_delay() {
        assert_eq!(Options { max_retries: 0, ..Options::default() }.delay(1, None), None);
    }

    #[test]
    fn the_limit_of_a_channel_replaces_the_general_one() {
        let options = Options::default();
        assert_eq!(options.delay(1, Some(0)), None);
        assert!(options.delay(options.max_retries + 1, Some(options.max_retries + 1)).is_some());
    }

    #[test]
    fn many_attempts_do_not_overflow() {
        let options = Options { max_retries: u32::MAX, factor: 10.0, ..Options::default() };
        assert_eq!(options.delay(u32::MAX, None), Some(options.max_delay));
    }

    #[test]
    fn channels_with_the_same_operation_have_different_queues() {
        let [data, control]: [ChannelName; 2] =
            ["data", "control"].map(|kind| format!("valawai/c1/echo/{kind}/x").parse().unwrap());
        let delay = Duration::from_secs(5);
        assert_ne!(RetryQueue::of(&data, delay).name, RetryQueue::of(&control, delay).name);
        assert_ne!(dead_letter_queue(&data), dead_letter_queue(&control));
    }

    #[test]
    fn the_names_contain_the_component_the_operation_and_the_delay() {
        let channel: ChannelName = "valawai/c1/echo/data/received_message".parse().unwrap();
        let queue = RetryQueue::of(&channel, Duration::from_millis(5000));
        assert_eq!(queue.name, "valawai/c1/echo/retry/data/received_message/5000");
        assert_eq!(dead_letter_queue(&channel), "valawai/c1/echo/dead_letter/data/received_message");
    }

    #[test]
    fn a_retry_queue_moves_its_messages_back_before_it_expires() {
        let channel: ChannelName = "valawai/c1/echo/data/received_message".parse().unwrap();
        let queue = RetryQueue::of(&channel, Duration::from_millis(5000));
        assert_eq!(queue.options().delay, Some((5000, "valawai/c1/echo/data/received_message")));
        assert!(queue.options().expires_after_ms.unwrap() > 5000);
    }
}
