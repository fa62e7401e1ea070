//! The map of a YAML document: it keeps the order of the file, which matters to the MOV.

use std::collections::HashMap;
use std::rc::Rc;

use super::{Node, Value};

/// An entry, with the line of its key.
#[derive(Debug, Clone)]
pub(in crate::asyncapi) struct Entry {
    pub(in crate::asyncapi) line: usize,
    pub(in crate::asyncapi) key: Rc<Node>,
    pub(in crate::asyncapi) value: Rc<Node>,
    /// Whether it was copied by a merge key, so that another entry may replace it.
    pub(super) is_merged: bool,
}

impl Entry {
    /// The key, if it is a text: `5` and `on` are none.
    pub(in crate::asyncapi) fn name(&self) -> Option<&str> {
        self.key.as_text()
    }
}

#[derive(Debug, Default)]
pub(in crate::asyncapi) struct Map {
    entries: Vec<Entry>,
    positions: HashMap<Rc<str>, usize>,
}

impl Map {
    pub(in crate::asyncapi) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(in crate::asyncapi) fn entry(&self, name: &str) -> Option<&Entry> {
        self.positions.get(name).map(|position| &self.entries[*position])
    }

    /// Adds an entry, or replaces the one with the same key at its position.
    pub(super) fn insert(&mut self, entry: Entry) {
        let Some(name) = entry.name() else { return self.entries.push(entry) };
        if let Some(position) = self.positions.get(name) {
            self.entries[*position] = entry;
        } else {
            self.positions.insert(name.into(), self.entries.len());
            self.entries.push(entry);
        }
    }

    /// Adds the entries of a merge key (`<<: *other`) that are not there yet. A list of maps is merged in its order.
    /// Returns how many were added, or `None` if it is neither a map nor a list of maps.
    pub(super) fn merge(&mut self, node: &Node) -> Option<usize> {
        match &node.value {
            Value::Map(map) => {
                let before = self.entries.len();
                for entry in &map.entries {
                    if entry.name().is_none_or(|name| self.entry(name).is_none()) {
                        self.insert(Entry { is_merged: true, ..entry.clone() });
                    }
                }
                Some(self.entries.len() - before)
            }
            Value::List(items) if items.iter().all(|item| item.as_map().is_some()) => {
                items.iter().map(|item| self.merge(item)).sum()
            }
            _ => None,
        }
    }
}
