//! One JSON object of a configuration, and the problems that are found in it.

use serde_json::{Map, Value};

use super::names::LONGEST_NAME;
use super::problem::{Problem, kind};
use super::{Argument, Arguments};
use crate::secret::Secret;

/// How many arguments an exchange or a binding may have.
const MOST_ARGUMENTS: usize = 32;

/// The longest text of an argument, in bytes.
const LONGEST_TEXT: usize = 1024;

/// An object at a path of the configuration.
pub(super) struct Object<'v> {
    pub(super) path: String,
    fields: &'v Map<String, Value>,
}

impl<'v> Object<'v> {
    /// The object `value` with no other fields than `known`.
    pub(super) fn new(path: String, value: &'v Value, known: &[&str], problems: &mut Vec<Problem>) -> Option<Self> {
        let Value::Object(fields) = value else {
            problems.push(Problem::new(path, "an object", kind(value)));
            return None;
        };
        if fields.keys().any(|field| !known.contains(&&**field)) {
            let expected = format!("no other fields than {}", known.join(", "));
            problems.push(Problem::new(&path, expected, "another field"));
        }
        Some(Self { path, fields })
    }

    /// The value of a field; null counts as absent.
    pub(super) fn get(&self, field: &str) -> Option<&'v Value> {
        self.fields.get(field).filter(|value| !value.is_null())
    }

    pub(super) fn path_of(&self, field: &str) -> String {
        format!("{}.{field}", self.path)
    }

    pub(super) fn object(&self, field: &str, known: &[&str], problems: &mut Vec<Problem>) -> Option<Self> {
        Self::new(self.path_of(field), self.get(field)?, known, problems)
    }

    /// The text of a field if it passes `check`, which returns what is expected otherwise.
    pub(super) fn text(
        &self,
        field: &str,
        check: impl Fn(&str) -> Result<(), &'static str>,
        problems: &mut Vec<Problem>,
    ) -> Option<&'v str> {
        let value = self.get(field)?;
        let expected = match value.as_str().map(|text| check(text).map(|()| text)) {
            Some(Ok(text)) => return Some(text),
            Some(Err(expected)) => expected,
            None => "a text",
        };
        problems.push(Problem::new(self.path_of(field), expected, kind(value)));
        None
    }

    /// The same for a field that must be there.
    pub(super) fn required_text(
        &self,
        field: &str,
        check: impl Fn(&str) -> Result<(), &'static str>,
        problems: &mut Vec<Problem>,
    ) -> Option<&'v str> {
        if self.get(field).is_none() {
            let expected = check("").err().unwrap_or("a text");
            problems.push(Problem::new(self.path_of(field), expected, "nothing"));
        }
        self.text(field, check, problems)
    }

    pub(super) fn boolean(&self, field: &str, default: bool, problems: &mut Vec<Problem>) -> bool {
        let Some(value) = self.get(field) else { return default };
        value.as_bool().unwrap_or_else(|| {
            problems.push(Problem::new(self.path_of(field), "true or false", kind(value)));
            default
        })
    }

    /// A port, as a number or as a text.
    pub(super) fn port(&self, field: &str, problems: &mut Vec<Problem>) -> Option<u16> {
        let value = self.get(field)?;
        let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
        let port = number.and_then(|number| u16::try_from(number).ok()).filter(|port| *port > 0);
        if port.is_none() {
            problems.push(Problem::new(self.path_of(field), "a number from 1 to 65535", kind(value)));
        }
        port
    }

    pub(super) fn secret(&self, field: &str, problems: &mut Vec<Problem>) -> Option<Secret> {
        let check = |text: &str| if text.len() <= LONGEST_TEXT { Ok(()) } else { Err("at most 1024 bytes") };
        self.required_text(field, check, problems).map(Secret::new)
    }

    pub(super) fn arguments(&self, field: &str, problems: &mut Vec<Problem>) -> Arguments {
        let Some(value) = self.get(field) else { return Arguments::new() };
        let path = self.path_of(field);
        let Value::Object(fields) = value else {
            problems.push(Problem::new(path, "an object", kind(value)));
            return Arguments::new();
        };
        if fields.len() > MOST_ARGUMENTS || fields.keys().any(|name| name.is_empty() || name.len() > LONGEST_NAME) {
            problems.push(Problem::new(&*path, "at most 32 fields, with names of 1 to 255 bytes", "another object"));
        }
        let argument = |(name, value): (&String, &Value)| {
            let argument = argument(value);
            if argument.is_none() {
                let expected = "texts of at most 1024 bytes, whole numbers and booleans";
                problems.push(Problem::new(&*path, expected, kind(value)));
            }
            Some((name.clone(), argument?))
        };
        fields.iter().filter_map(argument).collect()
    }
}

fn argument(value: &Value) -> Option<Argument> {
    match value {
        Value::String(text) if text.len() <= LONGEST_TEXT => Some(Argument::Text(text.clone())),
        Value::Number(number) => number.as_i64().map(Argument::Number),
        Value::Bool(boolean) => Some(Argument::Boolean(*boolean)),
        _ => None,
    }
}
