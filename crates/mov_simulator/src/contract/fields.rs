//! The fields of a payload, with the coercions of Jackson. Unknown fields are ignored.

use std::fmt::{self, Display, Formatter};

use crate::json::Json;
use crate::object_id::ObjectId;

/// A field that violates the contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InvalidField {
    pub(crate) name: &'static str,
    problem: String,
}

impl InvalidField {
    pub(crate) fn new(name: &'static str, problem: impl Into<String>) -> Self {
        Self { name, problem: problem.into() }
    }

    fn missing(name: &'static str) -> Self {
        Self::new(name, "is missing")
    }
}

impl Display for InvalidField {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}` {}", self.name, self.problem)
    }
}

pub(crate) struct Fields<'a>(pub(crate) &'a Json);

impl<'a> Fields<'a> {
    /// A string. Numbers and booleans are converted to one, arrays and objects are not.
    pub(crate) fn text(&self, name: &'static str) -> Result<Option<String>, InvalidField> {
        match self.get(name) {
            None => Ok(None),
            Some(Json::String(text) | Json::Number(text)) => Ok(Some(text.clone())),
            Some(Json::Bool(value)) => Ok(Some(value.to_string())),
            Some(_) => Err(InvalidField::new(name, "must be a text")),
        }
    }

    pub(crate) fn required_text(&self, name: &'static str) -> Result<String, InvalidField> {
        self.text(name)?.ok_or_else(|| InvalidField::missing(name))
    }

    /// One of `constants`, by its exact name or by its ordinal.
    pub(crate) fn required_enum(
        &self,
        name: &'static str,
        constants: &[&'static str],
    ) -> Result<&'static str, InvalidField> {
        let constant = match self.get(name) {
            None => return Err(InvalidField::missing(name)),
            Some(Json::String(text)) => constants.iter().find(|constant| *constant == text),
            Some(Json::Number(number)) => number.parse().ok().and_then(|ordinal: usize| constants.get(ordinal)),
            Some(_) => None,
        };
        let problem = || InvalidField::new(name, format!("must be one of {}", constants.join(", ")));
        constant.copied().ok_or_else(problem)
    }

    pub(crate) fn id(&self, name: &'static str) -> Result<Option<ObjectId>, InvalidField> {
        let problem = || InvalidField::new(name, "must be 24 hexadecimal digits");
        match self.get(name) {
            None => Ok(None),
            Some(Json::String(text)) => ObjectId::parse(text).map(Some).ok_or_else(problem),
            Some(_) => Err(problem()),
        }
    }

    pub(crate) fn required_id(&self, name: &'static str) -> Result<ObjectId, InvalidField> {
        self.id(name)?.ok_or_else(|| InvalidField::missing(name))
    }

    /// A Java `int` of at least `min`. The default is checked, too: with a default below `min` the field is required.
    pub(crate) fn integer(&self, name: &'static str, default: usize, min: usize) -> Result<usize, InvalidField> {
        let value = match self.get(name) {
            None => Some(default),
            Some(Json::Number(number) | Json::String(number)) => {
                number.parse::<i32>().ok().and_then(|value| usize::try_from(value).ok())
            }
            Some(_) => None,
        };
        let problem = || InvalidField::new(name, format!("must be an integer of at least {min}"));
        value.filter(|value| *value >= min).ok_or_else(problem)
    }

    /// A boolean that is false when it is missing.
    pub(crate) fn flag(&self, name: &'static str) -> Result<bool, InvalidField> {
        match self.get(name) {
            None => Ok(false),
            Some(Json::Bool(value)) => Ok(*value),
            Some(_) => Err(InvalidField::new(name, "must be true or false")),
        }
    }

    pub(crate) fn required_object(&self, name: &'static str) -> Result<Fields<'a>, InvalidField> {
        match self.get(name) {
            Some(object @ Json::Object(_)) => Ok(Fields(object)),
            None => Err(InvalidField::missing(name)),
            Some(_) => Err(InvalidField::new(name, "must be an object")),
        }
    }

    /// Null is the same as missing.
    fn get(&self, name: &str) -> Option<&'a Json> {
        self.0.get(name).filter(|value| **value != Json::Null)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::read;

    #[test]
    fn scalars_are_converted_to_texts() {
        let payload = read(br#"{"a":5,"b":true,"c":null,"d":[],"e":""}"#).expect("valid JSON");
        let text = |name| Fields(&payload).text(name).map_err(|error| error.to_string());
        assert_eq!(text("a"), Ok(Some("5".to_owned())));
        assert_eq!(text("b"), Ok(Some("true".to_owned())));
        assert_eq!((text("c"), text("missing")), (Ok(None), Ok(None)));
        assert_eq!(text("d"), Err("`d` must be a text".to_owned()));
        assert_eq!(text("e"), Ok(Some(String::new())));
    }

    #[test]
    fn enums_have_exact_names_and_ordinals() {
        let payload = read(br#"{"a":"ERROR","b":1,"c":2,"d":"error","e":1.0}"#).expect("valid JSON");
        let constant = |name| Fields(&payload).required_enum(name, &["ERROR", "WARN"]).ok();
        assert_eq!((constant("a"), constant("b")), (Some("ERROR"), Some("WARN")));
        assert_eq!((constant("c"), constant("d"), constant("e"), constant("missing")), (None, None, None, None));
    }

    #[test]
    fn integers_are_checked_with_their_default() {
        let payload = read(br#"{"a":3,"b":"4","c":0,"d":-1,"e":1.0,"f":3000000000}"#).expect("valid JSON");
        let integer = |name, default| Fields(&payload).integer(name, default, 1).ok();
        assert_eq!((integer("a", 0), integer("b", 0), integer("missing", 20)), (Some(3), Some(4), Some(20)));
        for name in ["c", "d", "e", "f", "missing"] {
            assert_eq!(integer(name, 0), None, "{name}");
        }
    }
}
