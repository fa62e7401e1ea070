//! Writes JSON in the three forms that the MOV uses. `serde_json` does the work; the formatters hold what differs.

use std::fmt::{self, Display, Formatter as FmtFormatter};
use std::io::{self, Write};

use serde::ser::{Error, Serialize, Serializer};
use serde_json::ser::{CompactFormatter, Formatter};
use serde_json::value::RawValue;

use super::Json;

impl Json {
    /// The form of published messages: characters beyond the Basic Multilingual Plane are written as two `\u` escapes.
    pub(crate) fn to_message_body(&self) -> String {
        self.write_with(MessageFormatter)
    }

    /// The form of payloads in the MOV's log.
    pub(crate) fn to_pretty_string(&self) -> String {
        self.write_with(JacksonPrettyFormatter::default())
    }

    fn write_with(&self, formatter: impl Formatter) -> String {
        let mut bytes = Vec::new();
        let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
        self.serialize(&mut serializer).expect("memory can always be written");
        String::from_utf8(bytes).expect("JSON is UTF-8")
    }
}

/// The compact form.
impl Display for Json {
    fn fmt(&self, formatter: &mut FmtFormatter<'_>) -> fmt::Result {
        formatter.write_str(&self.write_with(CompactFormatter))
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(text) => RawValue::from_string(text.clone()).map_err(S::Error::custom)?.serialize(serializer),
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(items) => serializer.collect_seq(items),
            Self::Object(members) => serializer.collect_map(members.iter().map(|(name, value)| (name, value))),
        }
    }
}

struct MessageFormatter;

impl Formatter for MessageFormatter {
    fn write_string_fragment<W: Write + ?Sized>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((start, character)) = rest.char_indices().find(|(_, character)| *character > '\u{FFFF}') {
            writer.write_all(&rest.as_bytes()[..start])?;
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04X}")?;
            }
            rest = &rest[start + character.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }
}

/// The style of Jackson's `DefaultPrettyPrinter`: `"name" : value`, one member on each line, arrays on one line.
#[derive(Default)]
struct JacksonPrettyFormatter {
    depth: usize,
    /// Whether the object that was begun last has no member yet.
    is_empty: bool,
}

impl JacksonPrettyFormatter {
    fn write_line_break<W: Write + ?Sized>(&self, writer: &mut W) -> io::Result<()> {
        write!(writer, "\n{:indent$}", "", indent = 2 * self.depth)
    }
}

impl Formatter for JacksonPrettyFormatter {
    fn begin_object<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth += 1;
        self.is_empty = true;
        writer.write_all(b"{")
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if !first {
            writer.write_all(b",")?;
        }
        self.write_line_break(writer)
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b" : ")
    }

    fn end_object_value<W: Write + ?Sized>(&mut self, _writer: &mut W) -> io::Result<()> {
        self.is_empty = false;
        Ok(())
    }

    fn end_object<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth -= 1;
        if self.is_empty {
            writer.write_all(b" ")?;
        } else {
            self.write_line_break(writer)?;
        }
        writer.write_all(b"}")
    }

    fn begin_array_value<W: Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        writer.write_all(if first { b" " } else { b", " })
    }

    fn end_array<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b" ]")
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;

    #[test]
    fn members_and_numbers_are_written_as_they_were_read() {
        let text = r#"{"b":[1,123456789012345678901234567890,2.5],"a":null,"c":"\"\\\n\t","d":{}}"#;
        assert_eq!(read(text.as_bytes()).expect("valid JSON").to_string(), text);
    }

    #[test]
    fn message_bodies_escape_what_is_beyond_the_basic_multilingual_plane() {
        let value = read(r#"{"k😀":"é€😀x😀"}"#.as_bytes()).expect("valid JSON");
        assert_eq!(value.to_message_body(), r#"{"k\uD83D\uDE00":"é€\uD83D\uDE00x\uD83D\uDE00"}"#);
        assert_eq!(value.to_string(), r#"{"k😀":"é€😀x😀"}"#);
    }

    #[test]
    fn pretty_text_has_the_style_of_jackson() {
        let value = read(br#"{"word":"a","list":[1,{"b":[],"c":{}}],"empty":{},"object":{"x":{"y":true}}}"#);
        let expected = r#"{
  "word" : "a",
  "list" : [ 1, {
    "b" : [ ],
    "c" : { }
  } ],
  "empty" : { },
  "object" : {
    "x" : {
      "y" : true
    }
  }
}"#;
        assert_eq!(value.expect("valid JSON").to_pretty_string(), expected);
    }
}
