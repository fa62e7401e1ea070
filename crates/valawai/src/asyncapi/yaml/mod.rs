//! A YAML document as the MOV's library, `SnakeYAML`, reads it, with the line of each node.

mod limits;
mod loader;
mod map;
mod scalar;

use std::rc::Rc;

pub(super) use loader::load;
pub(super) use map::{Entry, Map};

/// A value of the document. Aliases share their node.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) value: Value,
}

#[derive(Debug)]
pub(super) enum Value {
    Null,
    Text(String),
    /// A number, a boolean or a date, as it is written.
    Other(String),
    List(Vec<Rc<Node>>),
    Map(Map),
}

impl Node {
    pub(super) fn as_map(&self) -> Option<&Map> {
        if let Value::Map(map) = &self.value { Some(map) } else { None }
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        if let Value::Text(text) = &self.value { Some(text) } else { None }
    }

    /// A text, a number, a boolean or a date, as it is written.
    pub(super) fn scalar(&self) -> Option<&str> {
        if let Value::Text(text) | Value::Other(text) = &self.value { Some(text) } else { None }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// The entry of a map. A node of another type has none.
    pub(super) fn entry(&self, name: &str) -> Option<&Entry> {
        self.as_map()?.entry(name)
    }

    /// The value of an entry of a map, which can be null.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        self.entry(name).map(|entry| &*entry.value)
    }

    /// The map that is the value of an entry.
    pub(super) fn map(&self, name: &str) -> Option<&Map> {
        self.get(name)?.as_map()
    }
}
