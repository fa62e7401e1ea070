//! Builds the objects that the MOV writes.

use std::fmt::Display;

use super::Json;

/// Builds an object and omits empty members, as Jackson does with `JsonInclude.NON_EMPTY`: null, `""`, `[]` and `{}`.
#[derive(Debug, Default)]
pub(crate) struct ObjectBuilder {
    members: Vec<(String, Json)>,
}

impl ObjectBuilder {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn value(mut self, name: &str, value: Json) -> Self {
        if !value.is_empty() {
            self.members.push((name.to_owned(), value));
        }
        self
    }

    pub(crate) fn string(self, name: &str, value: &str) -> Self {
        self.value(name, Json::string(value))
    }

    pub(crate) fn optional_string(self, name: &str, value: Option<&str>) -> Self {
        self.string(name, value.unwrap_or_default())
    }

    pub(crate) fn number(self, name: &str, value: impl Display) -> Self {
        self.value(name, Json::number(value))
    }

    pub(crate) fn bool(self, name: &str, value: bool) -> Self {
        self.value(name, Json::Bool(value))
    }

    pub(crate) fn array(self, name: &str, items: impl IntoIterator<Item = Json>) -> Self {
        self.value(name, Json::Array(items.into_iter().collect()))
    }

    pub(crate) fn build(self) -> Json {
        Json::Object(self.members)
    }
}
