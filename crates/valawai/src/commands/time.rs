//! Points in time and durations, as people write them.

use std::time::Duration;

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

/// `seconds` since 1970, in UTC: `2026-11-22 02:43:01`.
pub(super) fn format_time(seconds: u64) -> String {
    let (days, second) = (seconds / DAY, seconds % DAY);
    let (year, month, day) = date(days);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
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
    }
}
