//! Text from outside, made safe for a terminal and for a line of a log.
//!
//! Names, bodies, headers and reasons of others could otherwise forge log lines or control a terminal. This is the only place
//! where they are escaped.

use std::fmt::{self, Write};

/// How many bytes are checked without an early return.
const BLOCK: usize = 64;

/// Displays a value with its control characters escaped.
pub(crate) struct Escaped<'t, T: ?Sized>(pub(crate) &'t T);

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

/// Escapes the same characters in JSON, where they can only be in strings if it was written without line breaks.
pub(crate) fn escape_json(json: String) -> String {
    if is_plain(json.as_bytes()) {
        return json;
    }
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        if is_escaped(character) {
            // All of them have four hexadecimal digits.
            let _ = write!(escaped, "\\u{:04x}", u32::from(character));
        } else {
            escaped.push(character);
        }
    }
    escaped
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
    fn json_keeps_its_meaning() {
        let json = serde_json::to_string("\u{1b}[2J \u{9b}1m \u{7f} \u{202e} é \"").unwrap();
        let escaped = escape_json(json.clone());
        assert_eq!(escaped, r#""\u001b[2J \u009b1m \u007f \u202e é \"""#);
        assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), serde_json::from_str::<String>(&json).unwrap());
    }

    #[test]
    fn a_line_break_is_escaped_in_any_block() {
        for index in [0, BLOCK - 1, BLOCK, 3 * BLOCK + 1] {
            let text = format!("{}\n", "x".repeat(index));
            assert_eq!(Escaped(&*text).to_string(), format!("{}\\n", "x".repeat(index)));
        }
    }
}
