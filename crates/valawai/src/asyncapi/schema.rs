//! The schema of a payload, as the MOV keeps it: without formats, limits and required fields.

use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Schema {
    Basic(Basic),
    Enum(BTreeSet<String>),
    /// `None` stands for null.
    Const(Option<String>),
    Object(Object),
    Array(Vec<Schema>),
    Combined(Combination, Vec<Schema>),
    /// An object with the same property names as an earlier one, by the ordinal of that one.
    Ref(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Basic {
    Integer,
    Number,
    String,
    Boolean,
}

/// `oneOf`, `anyOf` or `allOf`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Combination {
    One,
    Any,
    All,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Object {
    /// The ordinal among the objects of the payload, if a [`Schema::Ref`] refers to it.
    pub(super) id: Option<usize>,
    /// `None` stands for a property whose schema is not a map.
    pub(super) properties: BTreeMap<String, Option<Schema>>,
}

impl Object {
    pub(super) fn new<'a>(properties: impl IntoIterator<Item = (&'a str, Schema)>) -> Self {
        let properties = properties.into_iter().map(|(name, schema)| (name.to_owned(), Some(schema))).collect();
        Self { id: None, properties }
    }

    /// Those of `names` that are not properties, in one text.
    pub(super) fn missing(&self, names: &[&str]) -> Option<String> {
        let missing = names.iter().filter(|name| !self.properties.contains_key(**name));
        let quoted: Vec<String> = missing.map(|name| format!("`{name}`")).collect();
        (!quoted.is_empty()).then(|| quoted.join(", "))
    }
}

impl Schema {
    pub(super) fn as_object(&self) -> Option<&Object> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }

    /// Sets the identifiers of the objects, which are numbered in the order of the file, to which references exist.
    pub(super) fn set_ids(&mut self, ordinals: &BTreeMap<Vec<String>, usize>, referenced: &BTreeSet<usize>) {
        match self {
            Self::Object(object) => {
                let names: Vec<String> = object.properties.keys().cloned().collect();
                object.id = ordinals.get(&names).copied().filter(|ordinal| referenced.contains(ordinal));
                for property in object.properties.values_mut().flatten() {
                    property.set_ids(ordinals, referenced);
                }
            }
            Self::Array(items) | Self::Combined(_, items) => {
                for item in items {
                    item.set_ids(ordinals, referenced);
                }
            }
            _ => (),
        }
    }
}
