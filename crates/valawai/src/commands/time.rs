//! Points in time and durations, as people write them.

use std::time::Duration;

pub(super) use crate::clock::format_time;

const DAY: u64 = 86_400;

/// A later point in time may not be one that the clock can count to.
const LONGEST: Duration = Duration::from_secs(3650 * DAY);

/// Parses a duration: `10m`, `7d`, `1.5s`, `200ms`; a number alone is in seconds.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    let expected = || "a duration, as in 500ms, 10s, 5m, 2h or 7d".to_owned();
    let digits = text.find(|each: char| !each.is_ascii_digit() && each != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let seconds = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return Err(expected()),
    };
    let number: f64 = number.parse().map_err(|_| expected())?;
    let duration = Duration::try_from_secs_f64(number * seconds).map_err(|_| expected())?;
    if duration <= LONGEST { Ok(duration) } else { Err("at most 3650 days".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        for (text, milliseconds) in
            [("5", 5_000), ("1.5s", 1_500), ("200ms", 200), ("10m", 600_000), ("2h", 7_200_000), ("7d", 604_800_000)]
        {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "s", "-1s", "1w", "1 s", "1.2.3s", "9999999999999999999999d", "3651d"] {
            assert!(parse_duration(text).is_err(), "{text:?} was accepted");
        }
    }
}
