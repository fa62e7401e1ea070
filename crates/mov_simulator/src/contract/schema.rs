//! The schema of a payload, as the MOV understands it.

use std::collections::{BTreeMap, BTreeSet};

use crate::json::{Json, ObjectBuilder};

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Schema {
    /// `INTEGER`, `NUMBER`, `STRING` or `BOOLEAN`.
    Basic(&'static str),
    Enum(BTreeSet<String>),
    Const(Option<String>),
    Object(Object),
    Array(Option<Vec<Schema>>),
    Combined(Combination, Vec<Schema>),
    /// The ordinal of an earlier object that has the same property names.
    Ref(usize),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Object {
    /// The position among the objects of the payload.
    pub(crate) ordinal: usize,
    pub(crate) is_referenced: bool,
    /// `None` stands for a property whose schema is not a map.
    pub(crate) properties: BTreeMap<String, Option<Schema>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Combination {
    One,
    Any,
    All,
}

/// How often a schema's JSON has the member `type`: the MOV writes it twice in pages and REST responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TypeMember {
    Once,
    Twice,
}

impl Object {
    /// The identifier by which references find this object.
    pub(crate) fn id(&self) -> Option<usize> {
        self.is_referenced.then_some(self.ordinal)
    }

    /// Whether it has all of these properties, whatever their schemas.
    pub(crate) fn has_properties(&self, names: &[&str]) -> bool {
        names.iter().all(|name| self.properties.contains_key(*name))
    }
}

impl Schema {
    pub(crate) fn to_json(&self, type_member: TypeMember) -> Json {
        let builder = ObjectBuilder::new().string("type", self.type_name());
        let builder = match type_member {
            TypeMember::Once => builder,
            TypeMember::Twice => builder.string("type", self.type_name()),
        };
        let to_array = |items: &[Self]| items.iter().map(|item| item.to_json(type_member)).collect::<Vec<_>>();
        match self {
            Self::Basic(format) => builder.string("format", format),
            Self::Enum(values) => builder.array("values", values.iter().map(Json::string)),
            Self::Const(value) => builder.optional_string("value", value.as_deref()),
            Self::Array(items) => builder.array("items", to_array(items.as_deref().unwrap_or_default())),
            Self::Combined(_, items) => builder.array("items", to_array(items)),
            Self::Ref(ordinal) => builder.number("identifier", ordinal),
            Self::Object(object) => {
                let builder = match object.id() {
                    Some(id) => builder.number("id", id),
                    None => builder,
                };
                builder.value("properties", properties_to_json(object, type_member))
            }
        }
        .build()
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

fn properties_to_json(object: &Object, type_member: TypeMember) -> Json {
    let to_json = |schema: &Option<Schema>| schema.as_ref().map_or(Json::Null, |schema| schema.to_json(type_member));
    Json::Object(object.properties.iter().map(|(name, schema)| (name.clone(), to_json(schema))).collect())
}
