//! The schema of a payload, as the MOV understands it.

use std::collections::{BTreeMap, BTreeSet};

use super::json::{Json, Members};

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Schema {
    /// `INTEGER`, `NUMBER`, `STRING` or `BOOLEAN`.
    Basic(&'static str),
    Enum(BTreeSet<String>),
    Const(Option<String>),
    Object(Object),
    Array(Option<Vec<Schema>>),
    Combined(Combination, Vec<Schema>),
    /// An object that has the same property names as an earlier one, whose ordinal this is.
    Ref(usize),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Object {
    /// Its ordinal among the objects of the payload; known to others only when it is referenced.
    pub(crate) ordinal: usize,
    pub(crate) referenced: bool,
    /// A property whose schema is no map is kept as nothing.
    pub(crate) properties: BTreeMap<String, Option<Schema>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Combination {
    One,
    Any,
    All,
}

/// Whether each schema says its type twice, as on pages and in REST answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TypeWritten {
    Once,
    Twice,
}

impl Object {
    /// The identifier under which references find it.
    pub(crate) fn id(&self) -> Option<usize> {
        self.referenced.then_some(self.ordinal)
    }

    /// Whether it has all of these properties, of whatever type.
    pub(crate) fn has_all(&self, names: &[&str]) -> bool {
        names.iter().all(|name| self.properties.contains_key(*name))
    }
}

impl Schema {
    pub(crate) fn to_json(&self, written: TypeWritten) -> Json {
        let members = Members::new().text("type", self.type_name());
        let members = match written {
            TypeWritten::Once => members,
            TypeWritten::Twice => members.text("type", self.type_name()),
        };
        let list = |items: &[Self]| items.iter().map(|item| item.to_json(written)).collect::<Vec<_>>();
        match self {
            Self::Basic(format) => members.text("format", format),
            Self::Enum(values) => members.list("values", values.iter().map(Json::text)),
            Self::Const(value) => members.optional("value", value.as_deref()),
            Self::Array(items) => members.list("items", list(items.as_deref().unwrap_or_default())),
            Self::Combined(_, items) => members.list("items", list(items)),
            Self::Ref(ordinal) => members.number("identifier", ordinal),
            Self::Object(object) => {
                let members = match object.id() {
                    Some(id) => members.number("id", id),
                    None => members,
                };
                members.with("properties", properties_to_json(object, written))
            }
        }
        .object()
    }

    fn type_name(&self) -> &'static str {
        match self {
            Self::Basic(_) => "BASIC",
            Self::Enum(_) => "ENUM",
            Self::Const(_) => "CONST",
            Self::Object(_) => "OBJECT",
            Self::Array(_) => "ARRAY",
            Self::Ref(_) => "REF",
            Self::Combined(Combination::One, _) => "ONE_OF",
            Self::Combined(Combination::Any, _) => "ANY_OF",
            Self::Combined(Combination::All, _) => "ALL_OF",
        }
    }
}

fn properties_to_json(object: &Object, written: TypeWritten) -> Json {
    let to_json = |schema: &Option<Schema>| schema.as_ref().map_or(Json::Null, |schema| schema.to_json(written));
    Json::Object(object.properties.iter().map(|(name, schema)| (name.clone(), to_json(schema))).collect())
}
