//! JSON as the MOV's libraries hold it: members keep their order, whole numbers of any length survive, and a member may be
//! written twice.

use std::fmt::{self, Display, Formatter, Write};

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    /// A number as it is to be written.
    Number(String),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(crate) fn number(number: impl Display) -> Self {
        Self::Number(number.to_string())
    }

    /// As the shared client publishes it: what is beyond the basic plane of Unicode stands as two escapes.
    pub(crate) fn to_wire(&self) -> String {
        let mut wire = String::new();
        let mut units = [0; 2];
        for character in self.to_string().chars() {
            match character.encode_utf16(&mut units) {
                [high, low] => wire.extend([format!("\\u{high:04X}"), format!("\\u{low:04X}")]),
                _ => wire.push(character),
            }
        }
        wire
    }

    /// The member of an object; of two with the same name the reader kept the last.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }
}

/// Builds an object without what is empty: the MOV writes no member that is null, `""` or an empty list.
#[derive(Debug, Default)]
pub(crate) struct Members(Vec<(String, Json)>);

impl Members {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn with(mut self, name: &str, value: Json) -> Self {
        let empty = match &value {
            Json::Null => true,
            Json::Text(text) => text.is_empty(),
            Json::Array(items) => items.is_empty(),
            Json::Object(members) => members.is_empty(),
            Json::Bool(_) | Json::Number(_) => false,
        };
        if !empty {
            self.0.push((name.to_owned(), value));
        }
        self
    }

    pub(crate) fn text(self, name: &str, value: &str) -> Self {
        self.with(name, Json::text(value))
    }

    pub(crate) fn optional(self, name: &str, value: Option<&str>) -> Self {
        self.text(name, value.unwrap_or_default())
    }

    pub(crate) fn number(self, name: &str, value: impl Display) -> Self {
        self.with(name, Json::number(value))
    }

    pub(crate) fn bool(self, name: &str, value: bool) -> Self {
        self.with(name, Json::Bool(value))
    }

    pub(crate) fn list(self, name: &str, items: impl IntoIterator<Item = Json>) -> Self {
        self.with(name, Json::Array(items.into_iter().collect()))
    }

    pub(crate) fn object(self) -> Json {
        Json::Object(self.0)
    }
}

impl Display for Json {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => out.write_str("null"),
            Self::Bool(value) => write!(out, "{value}"),
            Self::Number(number) => out.write_str(number),
            Self::Text(text) => write_text(text, out),
            Self::Array(items) => {
                out.write_char('[')?;
                for (index, item) in items.iter().enumerate() {
                    write!(out, "{}{item}", comma(index))?;
                }
                out.write_char(']')
            }
            Self::Object(members) => {
                out.write_char('{')?;
                for (index, (name, value)) in members.iter().enumerate() {
                    out.write_str(comma(index))?;
                    write_text(name, out)?;
                    write!(out, ":{value}")?;
                }
                out.write_char('}')
            }
        }
    }
}

fn comma(index: usize) -> &'static str {
    if index == 0 { "" } else { "," }
}

fn write_text(text: &str, out: &mut Formatter<'_>) -> fmt::Result {
    out.write_char('"')?;
    for character in text.chars() {
        match character {
            '"' => out.write_str("\\\"")?,
            '\\' => out.write_str("\\\\")?,
            '\n' => out.write_str("\\n")?,
            '\r' => out.write_str("\\r")?,
            '\t' => out.write_str("\\t")?,
            control if control < ' ' => write!(out, "\\u{:04x}", u32::from(control))?,
            other => out.write_char(other)?,
        }
    }
    out.write_char('"')
}
