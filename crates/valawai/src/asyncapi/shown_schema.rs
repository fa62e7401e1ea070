//! Schemas as the MOV keeps them: in its JSON, and in a short text for people.

use serde_json::{Map, Value, json};

use super::schema::{Basic, Combination, Schema};

impl Schema {
    /// The MOV's own JSON, as in the notice of a registration.
    pub(super) fn to_json(&self) -> Value {
        let list = |items: &[Self]| items.iter().map(Self::to_json).collect::<Vec<_>>();
        match self {
            Self::Basic(basic) => json!({"type": "BASIC", "format": basic.name().to_uppercase()}),
            Self::Enum(values) => json!({"type": "ENUM", "values": values}),
            Self::Const(value) => json!({"type": "CONST", "value": value}),
            Self::Array(items) => json!({"type": "ARRAY", "items": list(items)}),
            Self::Combined(combination, items) => json!({"type": combination.name(), "items": list(items)}),
            Self::Ref(id) => json!({"type": "REF", "identifier": id}),
            Self::Object(object) => {
                let value = |schema: &Option<Self>| schema.as_ref().map_or(Value::Null, Self::to_json);
                let properties: Map<String, Value> =
                    object.properties.iter().map(|(name, schema)| (name.clone(), value(schema))).collect();
                let mut map = json!({"type": "OBJECT", "properties": properties});
                if let Some(id) = object.id {
                    map["id"] = id.into();
                }
                map
            }
        }
    }

    /// A short text: `{content: string, tags: [string], kind: C0|C1}`.
    pub(super) fn describe(&self) -> String {
        let list = |items: &[Self]| items.iter().map(Self::describe).collect::<Vec<_>>().join(", ");
        match self {
            Self::Basic(basic) => basic.name().to_owned(),
            Self::Enum(values) => values.iter().cloned().collect::<Vec<_>>().join("|"),
            Self::Const(value) => value.as_ref().map_or_else(|| "null".to_owned(), |value| format!("\"{value}\"")),
            Self::Array(items) => format!("[{}]", list(items)),
            Self::Combined(combination, items) => format!("{}({})", combination.name().to_lowercase(), list(items)),
            Self::Ref(id) => format!("the object &{id}"),
            Self::Object(object) => {
                let field = |(name, schema): (&String, &Option<Self>)| {
                    format!("{name}: {}", schema.as_ref().map_or_else(|| "?".to_owned(), Self::describe))
                };
                let id = object.id.map(|id| format!("&{id} ")).unwrap_or_default();
                format!("{id}{{{}}}", object.properties.iter().map(field).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

impl Basic {
    fn name(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Number => "number",
            Self::String => "string",
            Self::Boolean => "boolean",
        }
    }
}

impl Combination {
    fn name(self) -> &'static str {
        match self {
            Self::One => "ONE_OF",
            Self::Any => "ANY_OF",
            Self::All => "ALL_OF",
        }
    }
}
