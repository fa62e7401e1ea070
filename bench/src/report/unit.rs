//! Units and the format of values.

use serde::Serialize;

/// The unit of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    /// Messages per second.
    Rate,
    Microseconds,
    Milliseconds,
    Megabytes,
    /// Machine instructions.
    Instructions,
    /// A multiple of another value.
    Factor,
}

impl Unit {
    /// The symbol for the table.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Rate => "1/s",
            Self::Microseconds => "µs",
            Self::Milliseconds => "ms",
            Self::Megabytes => "MB",
            Self::Instructions => "instructions",
            Self::Factor => "×",
        }
    }

    /// Formats `value` with as many digits as are significant.
    pub(crate) fn format(self, value: f64) -> String {
        match self {
            Self::Factor => format!("{value:.2}"),
            _ if value < 100.0 => format!("{value:.1}"),
            _ => group_digits(value),
        }
    }
}

/// Converts bytes.
#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 bytes")]
pub(crate) fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// Formats an integer with a space before each group of three digits.
fn group_digits(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_significant_digits_are_formatted() {
        assert_eq!(Unit::Rate.format(1_234_567.8), "1 234 568");
        assert_eq!(Unit::Rate.format(39.06), "39.1");
        assert_eq!(Unit::Factor.format(1.956), "1.96");
    }
}
