//! One record is one line, and does nothing to a terminal, whatever stands in it.
//!
//! Names, bodies and reasons that come from outside end up in the log. Here, and nowhere else, the characters are escaped with
//! which they could begin a line of their own, or give orders to a terminal.

use std::fmt::{self, Write};

use log::{Log, Metadata, Record};

/// Bytes that are looked at in one go.
const BLOCK: usize = 64;

/// A logger that is given messages of one line each.
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

/// Something displayed with its control characters escaped.
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
        while let Some((place, character)) = rest.char_indices().find(|(_, character)| is_escaped(*character)) {
            write!(self.0, "{}{}", &rest[..place], character.escape_default())?;
            rest = &rest[place + character.len_utf8()..];
        }
        self.0.write_str(rest)
    }
}

/// Printable ASCII, as nearly everything is. Block by block, without an early end in a block, it takes the processor little.
fn is_plain(text: &[u8]) -> bool {
    text.chunks(BLOCK).all(|block| block.iter().fold(true, |plain, byte| plain & (b' '..=b'~').contains(byte)))
}

/// Control characters, line and paragraph separators, and those that turn the direction of a text.
fn is_escaped(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_a_line_or_gives_orders_to_a_terminal_is_escaped() {
        let text = "é\n2026 [INFO]\r\t\u{1b}[2J\u{9b}1m\u{2028}\u{202e}\u{2066}\u{7f}\0 日本";
        let expected = r"é\n2026 [INFO]\r\t\u{1b}[2J\u{9b}1m\u{2028}\u{202e}\u{2066}\u{7f}\u{0} 日本";
        assert_eq!(Escaped(text).to_string(), expected);
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        for text in ["", "plain", &"long".repeat(100), "ünï😀\u{200d}", r#"{"a": "\n"}"#] {
            assert_eq!(Escaped(text).to_string(), text);
        }
        for at in [0, BLOCK - 1, BLOCK, 3 * BLOCK + 1] {
            let text = format!("{}\n", "x".repeat(at));
            assert_eq!(Escaped(&*text).to_string(), format!("{}\\n", "x".repeat(at)));
        }
    }
}
