//! Keeps each log record on one line, without control sequences for terminals.
//!
//! Records contain names, bodies and reasons from outside, which could otherwise forge log lines or control a terminal. This
//! is the only place where they are escaped.

use std::fmt::{self, Write};

use log::{Log, Metadata, Record};

/// How many bytes are checked without an early return.
const BLOCK: usize = 64;

/// Passes records to a logger with their messages escaped.
pub(super) struct OneLine<L>(pub(super) L);

impl<L: Log> Log for OneLine<L> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.0.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        let mut copy = Record::builder();
        copy.metadata(record.metadata().clone());
        copy.module_path(record.module_path()).file(record.file()).line(record.line());
        self.0.log(&copy.args(format_args!("{}", Escaped(record.args()))).build());
    }

    fn flush(&self) {
        self.0.flush();
    }
}

/// Displays a value with its control characters escaped.
pub(super) struct Escaped<'t, T: ?Sized>(pub(super) &'t T);

impl<T: fmt::Display + ?Sized> fmt::Display for Escaped<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping(formatter), "{}", self.0)
    }
}

struct Escaping<'f, 'b>(&'f mut fmt::Formatter<'b>);

impl Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if is_plain(text.as_bytes()) {
            return self.0.write_str(text);
        }
        let mut rest = text;
        while let Some((index, character)) = rest.char_indices().find(|(_, character)| is_escaped(*character)) {
            write!(self.0, "{}{}", &rest[..index], character.escape_default())?;
            rest = &rest[index + character.len_utf8()..];
        }
        self.0.write_str(rest)
    }
}

/// Whether `text` is printable ASCII, as most records are. The compiler vectorizes the loop over a block, which has no early
/// return.
fn is_plain(text: &[u8]) -> bool {
    text.chunks(BLOCK).all(|block| block.iter().fold(true, |plain, byte| plain & (b' '..=b'~').contains(byte)))
}

/// Control characters, line and paragraph separators, and characters that change the direction of text.
fn is_escaped(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_and_terminal_control_sequences_are_escaped() {
        let text = "é\n2026 [INFO]\r\t\u{1b}[2J\u{9b}1m\u{2028}\u{202e}\u{2066}\u{7f}\0 日本";
        let expected = r"é\n2026 [INFO]\r\t\u{1b}[2J\u{9b}1m\u{2028}\u{202e}\u{2066}\u{7f}\u{0} 日本";
        assert_eq!(Escaped(text).to_string(), expected);
    }

    #[test]
    fn other_characters_are_not_escaped() {
        for text in ["", "plain", &"long".repeat(100), "ünï😀\u{200d}", r#"{"a": "\n"}"#] {
            assert_eq!(Escaped(text).to_string(), text);
        }
    }

    #[test]
    fn a_line_break_is_escaped_in_any_block() {
        for index in [0, BLOCK - 1, BLOCK, 3 * BLOCK + 1] {
            let text = format!("{}\n", "x".repeat(index));
            assert_eq!(Escaped(&*text).to_string(), format!("{}\\n", "x".repeat(index)));
        }
    }
}
