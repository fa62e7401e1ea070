//! The simulator's console output: one line for each event.

use std::io::{Write, stdout};

const MAX_CHARACTERS: usize = 400;

/// Prints a line. Write errors are ignored: the simulation continues when the output is closed.
pub(crate) fn print(text: &str) {
    let _ = writeln!(stdout(), "{}", single_line(text));
}

/// Prints a line only when it differs from the one before, so that a long outage does not flood the output.
#[derive(Debug, Default)]
pub(crate) struct ChangedLines {
    last: String,
}

impl ChangedLines {
    pub(crate) fn print(&mut self, text: String) {
        if text != self.last {
            print(&text);
            self.last = text;
        }
    }
}

fn single_line(text: &str) -> String {
    let replace_control = |character: char| if character.is_control() { ' ' } else { character };
    let mut line: String = text.chars().take(MAX_CHARACTERS).map(replace_control).collect();
    if text.chars().nth(MAX_CHARACTERS).is_some() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_becomes_one_short_line() {
        assert_eq!(single_line("a\nb\tc"), "a b c");
        assert_eq!(single_line(&"é".repeat(MAX_CHARACTERS)), "é".repeat(MAX_CHARACTERS));
        assert_eq!(single_line(&"é".repeat(MAX_CHARACTERS + 1)), "é".repeat(MAX_CHARACTERS) + "…");
    }
}
