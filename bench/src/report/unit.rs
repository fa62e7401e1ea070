//! What figures count, and how they are written.

use serde::Serialize;

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    /// Messages a second.
    Rate,
    /// Microseconds, of a clock or of a processor.
    Microseconds,
    /// Milliseconds.
    Milliseconds,
    /// Megabytes.
    Megabytes,
    /// Machine instructions.
    Instructions,
    /// So many times something else.
    Times,
}

impl Unit {
    /// As it stands behind the name of a row.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rate => "1/s",
            Self::Microseconds => "µs",
            Self::Milliseconds => "ms",
            Self::Megabytes => "MB",
            Self::Instructions => "instructions",
            Self::Times => "x",
        }
    }

    /// `value` with as many digits as mean something.
    pub(crate) fn write(self, value: f64) -> String {
        match self {
            Self::Times => format!("{value:.2}"),
            _ if value < 100.0 => format!("{value:.1}"),
            _ => grouped(value),
        }
    }
}

/// Bytes as megabytes.
#[expect(clippy::cast_precision_loss, reason = "there are not so many")]
pub(crate) fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// A whole number with a gap before each three digits.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
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
    fn figures_are_short() {
        assert_eq!(Unit::Rate.write(1_234_567.8), "1 234 568");
        assert_eq!(Unit::Rate.write(39.06), "39.1");
        assert_eq!(Unit::Times.write(1.956), "1.96");
    }
}
