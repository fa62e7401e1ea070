//! From a message's body to the fields of a payload, with the coercions of the MOV's libraries.

use super::id::Id;
use super::json::Json;
use super::json_reader;

/// What arrives in a queue of the MOV, before anybody looks at its fields.
#[derive(Debug)]
pub(crate) enum Decoded {
    Object(Json),
    /// The literal `null`: dropped, and nothing else happens.
    Null,
    /// It ends the queue's stream for good.
    Poison(String),
}

/// Only JSON that says that it is JSON, and is an object, is let through.
pub(crate) fn decode(content_type: Option<&str>, content_encoding: Option<&str>, body: &[u8]) -> Decoded {
    if !content_type.is_some_and(|value| value.eq_ignore_ascii_case("application/json")) {
        return Decoded::Poison(format!("content type {}", content_type.unwrap_or("missing")));
    }
    if let Some(encoding) = content_encoding {
        return Decoded::Poison(format!("content encoding {encoding:?}"));
    }
    match json_reader::read(body) {
        Ok(object @ Json::Object(_)) => Decoded::Object(object),
        Ok(Json::Null) => Decoded::Null,
        Ok(_) => Decoded::Poison("JSON, but not an object".to_owned()),
        Err(reason) => Decoded::Poison(reason),
    }
}

/// A field that is not as it must be: which one, and why.
pub(crate) type Invalid = String;

/// The fields of a payload; unknown ones are never looked at.
pub(crate) struct Fields<'a>(pub(crate) &'a Json);

impl<'a> Fields<'a> {
    /// A text; numbers and booleans become one, lists and objects do not.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, Invalid> {
        match self.0.get(name) {
            None | Some(Json::Null) => Ok(None),
            Some(Json::Text(text) | Json::Number(text)) => Ok(Some(text.clone())),
            Some(Json::Bool(value)) => Ok(Some(value.to_string())),
            Some(_) => Err(format!("`{name}` must be a text")),
        }
    }

    pub(crate) fn required_text(&self, name: &str) -> Result<String, Invalid> {
        self.text(name)?.ok_or_else(|| format!("`{name}` is missing"))
    }

    /// One of the names, exactly, or its ordinal.
    pub(crate) fn required_enum(&self, name: &str, names: &[&'static str]) -> Result<&'static str, Invalid> {
        let known = match self.0.get(name) {
            None | Some(Json::Null) => return Err(format!("`{name}` is missing")),
            Some(Json::Text(text)) => names.iter().find(|known| *known == text),
            Some(Json::Number(number)) => number.parse().ok().and_then(|ordinal: usize| names.get(ordinal)),
            Some(_) => None,
        };
        known.copied().ok_or_else(|| format!("`{name}` must be one of {}", names.join(", ")))
    }

    pub(crate) fn id(&self, name: &str) -> Result<Option<Id>, Invalid> {
        let wrong = || format!("`{name}` must be 24 hexadecimal digits");
        match self.0.get(name) {
            None | Some(Json::Null) => Ok(None),
            Some(Json::Text(text)) => Id::parse(text).map(Some).ok_or_else(wrong),
            Some(_) => Err(wrong()),
        }
    }

    pub(crate) fn required_id(&self, name: &str) -> Result<Id, Invalid> {
        self.id(name)?.ok_or_else(|| format!("`{name}` is missing"))
    }

    /// A Java `int`, never below `least`: missing means `missing`, which may be too little itself.
    pub(crate) fn integer(&self, name: &str, missing: usize, least: usize) -> Result<usize, Invalid> {
        let wrong = || format!("`{name}` must be an integer of at least {least}");
        let value = match self.0.get(name) {
            None | Some(Json::Null) => missing,
            Some(Json::Number(number) | Json::Text(number)) => {
                number.parse::<i32>().ok().and_then(|value| usize::try_from(value).ok()).ok_or_else(wrong)?
            }
            Some(_) => return Err(wrong()),
        };
        if value < least { Err(wrong()) } else { Ok(value) }
    }

    pub(crate) fn flag(&self, name: &str) -> Result<bool, Invalid> {
        match self.0.get(name) {
            None | Some(Json::Null) => Ok(false),
            Some(Json::Bool(value)) => Ok(*value),
            Some(_) => Err(format!("`{name}` must be true or false")),
        }
    }

    /// An object that must be there.
    pub(crate) fn required_object(&self, name: &str) -> Result<Fields<'a>, Invalid> {
        match self.0.get(name) {
            Some(object @ Json::Object(_)) => Ok(Fields(object)),
            None | Some(Json::Null) => Err(format!("`{name}` is missing")),
            Some(_) => Err(format!("`{name}` must be an object")),
        }
    }
}
