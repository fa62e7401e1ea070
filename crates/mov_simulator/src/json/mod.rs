//! JSON values as the MOV's Java libraries hold them.
//!
//! [`Json`] is not `serde_json::Value`, because it needs the digits of long integers and the order of members, without the
//! features `arbitrary_precision` and `preserve_order` (see `Cargo.toml`), and objects with a repeated key, which the MOV writes
//! in pages and REST responses.

mod builder;
mod number;
mod reader;
mod writer;

use std::fmt::Display;

pub(crate) use builder::ObjectBuilder;
pub(crate) use reader::read;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    /// A number as it will be written.
    Number(String),
    String(String),
    Array(Vec<Json>),
    /// The members in the order in which they will be written.
    Object(Vec<(String, Json)>),
}

impl Json {
    pub(crate) fn string(text: impl Into<String>) -> Self {
        Self::String(text.into())
    }

    pub(crate) fn number(number: impl Display) -> Self {
        Self::Number(number.to_string())
    }

    /// The value of a member, if this is an object that has it.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// Null, or an empty string, array or object.
    fn is_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::String(text) => text.is_empty(),
            Self::Array(items) => items.is_empty(),
            Self::Object(members) => members.is_empty(),
            Self::Bool(_) | Self::Number(_) => false,
        }
    }
}
