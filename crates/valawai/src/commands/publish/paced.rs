//! How fast messages are published.

use std::time::{Duration, Instant};

use super::window::Window;
use crate::commands::exit::Stop;

/// Keeps a rate: a message that was late does not make the next ones come faster than the rate for long.
pub(super) struct Pace {
    period: Duration,
    next: Instant,
}

impl Pace {
    pub(super) fn new(rate: Option<f64>) -> Self {
        let period = rate.map_or(Duration::ZERO, |rate| Duration::from_secs_f64(1.0 / rate));
        Self { period, next: Instant::now() }
    }

    /// Waits until the next message is due. False after Ctrl-C.
    pub(super) fn wait(&mut self, window: &mut Window<'_, '_>) -> Result<bool, Stop> {
        if self.period.is_zero() {
            return Ok(true);
        }
        let due = self.next;
        self.next = (due + self.period).max(Instant::now());
        window.wait_until(due)
    }
}

/// Parses messages in a second.
pub(super) fn parse_rate(text: &str) -> Result<f64, String> {
    let allowed = 0.001..=1_000_000.0;
    text.parse()
        .ok()
        .filter(|rate| allowed.contains(rate))
        .ok_or_else(|| "expected a number from 0.001 to 1000000".to_owned())
}

/// Parses a factor, or 0.
pub(super) fn parse_speed(text: &str) -> Result<f64, String> {
    let is_allowed = |speed: &f64| *speed == 0.0 || (0.001..=1_000_000.0).contains(speed);
    text.parse().ok().filter(is_allowed).ok_or_else(|| "expected 0, or a number from 0.001 to 1000000".to_owned())
}
