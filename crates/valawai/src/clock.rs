//! The clock: the time of day, as messages and logs carry it, and the time that passes. Both are virtual in a
//! [`simulation`].

use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crossbeam_channel::Receiver;

use crate::simulation;

/// The time now.
#[inline]
#[must_use]
pub fn now() -> Instant {
    match simulation::current() {
        Some(simulation) => simulation.now(),
        None => Instant::now(),
    }
}

/// The time that has passed since `earlier`.
#[must_use]
pub fn since(earlier: Instant) -> Duration {
    now().saturating_duration_since(earlier)
}

/// Blocks the thread for `time`.
pub(crate) fn sleep(time: Duration) {
    match simulation::current() {
        Some(simulation) => simulation.wait(Some(simulation.now() + time), &mut || false),
        None => thread::sleep(time),
    }
}

/// A channel on which one message arrives after `time`.
pub(crate) fn after(time: Duration) -> Receiver<Instant> {
    timer(time, None).unwrap_or_else(|| crossbeam_channel::after(time))
}

/// A channel on which a message arrives in each `period`.
pub(crate) fn tick(period: Duration) -> Receiver<Instant> {
    timer(period, Some(period)).unwrap_or_else(|| crossbeam_channel::tick(period))
}

fn timer(first: Duration, period: Option<Duration>) -> Option<Receiver<Instant>> {
    let simulation = simulation::current()?;
    let (sender, receiver) = crossbeam_channel::bounded(1);
    simulation.send_at(simulation.now() + first, period, sender);
    Some(receiver)
}

/// Seconds since 1970; 0 if the clock is set to an earlier time.
pub(crate) fn seconds() -> u64 {
    since_1970().as_secs()
}

/// Milliseconds since 1970; 0 if the clock is set to an earlier time.
pub(crate) fn milliseconds() -> u64 {
    u64::try_from(since_1970().as_millis()).unwrap_or_default()
}

fn since_1970() -> Duration {
    if let Some(simulation) = simulation::current() {
        return Duration::from_millis(simulation.milliseconds());
    }
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

const DAY: u64 = 86_400;

/// `seconds` since 1970, in UTC: `2026-11-22 02:43:01`.
pub(crate) fn format_time(seconds: u64) -> String {
    let (days, second) = (seconds / DAY, seconds % DAY);
    let (year, month, day) = date(days);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}

/// `milliseconds` since 1970, as RFC 3339: `2026-11-22T02:43:01.250Z`.
pub(crate) fn rfc_3339(milliseconds: u64) -> String {
    let time = format_time(milliseconds / 1000).replace(' ', "T");
    format!("{time}.{:03}Z", milliseconds % 1000)
}

/// The date of a day, counted from 1970-01-01. In a calendar whose year begins in March, the leap day is the last day of its
/// year, and months are 30.6 days long on average.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year_of_era + next, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_dates_in_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01 00:00:00"),
            (951_827_696, "2000-02-29 12:34:56"),
            (1_709_251_199, "2024-02-29 23:59:59"),
            (1_795_315_381, "2026-11-22 02:43:01"),
            (4_107_542_399, "2100-02-28 23:59:59"),
            (4_107_542_400, "2100-03-01 00:00:00"),
        ] {
            assert_eq!(format_time(seconds), expected);
        }
        assert_eq!(rfc_3339(951_827_696_007), "2000-02-29T12:34:56.007Z");
    }
}
