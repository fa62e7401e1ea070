//! `--where`: which messages a command is about.

use std::str::FromStr;

use serde_json::Value;

use super::Body;
use crate::broker::amqp::operator::MessageProperties;

/// A condition on a message: `content=hello`, `items.0.price!=5`, `header:x-error~=timeout`, `property:message_id=m-1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::commands) struct Filter {
    place: Place,
    operator: Operator,
    expected: String,
}

/// The help of `--where`.
pub(in crate::commands) const HELP: &str = "Only messages with this value: PATH=VALUE, PATH!=VALUE, or PATH~=TEXT if it contains \
TEXT. PATH is a field of the body as in a.b.0, or header:NAME, or property:NAME. Several must all be true";

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// A field of the body.
    Body(Vec<String>),
    Header(String),
    Property(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equals,
    Differs,
    Contains,
}

impl FromStr for Filter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "a condition, as in content=hello, a.b.0!=5, header:x-error~=timeout or property:message_id=m-1";
        let (path, value) = text.split_once('=').ok_or(expected)?;
        let (path, operator) = match path.as_bytes().last() {
            Some(b'!') => (&path[..path.len() - 1], Operator::Differs),
            Some(b'~') => (&path[..path.len() - 1], Operator::Contains),
            _ => (path, Operator::Equals),
        };
        let place = match path.split_once(':') {
            Some(("header", name)) => Place::Header(name.to_owned()),
            Some(("property", name)) => Place::Property(name.to_owned()),
            _ => Place::Body(path.split('.').map(str::to_owned).collect()),
        };
        let is_empty = match &place {
            Place::Body(fields) => fields.iter().any(String::is_empty),
            Place::Header(name) | Place::Property(name) => name.is_empty(),
        };
        if is_empty { Err(expected.to_owned()) } else { Ok(Self { place, operator, expected: value.to_owned() }) }
    }
}

impl Filter {
    /// Whether the message meets all `filters`.
    pub(in crate::commands) fn all(filters: &[Self], properties: &MessageProperties, body: &[u8]) -> bool {
        if filters.is_empty() {
            return true;
        }
        let needs_body = filters.iter().any(|filter| matches!(filter.place, Place::Body(_)));
        let body = needs_body.then(|| Body::decode(properties.content_type(), body).value()).flatten();
        filters.iter().all(|filter| filter.matches(properties, body.as_ref()))
    }

    fn matches(&self, properties: &MessageProperties, body: Option<&Value>) -> bool {
        let found = match &self.place {
            Place::Body(fields) => {
                body.and_then(|body| fields.iter().try_fold(body, |value, field| field_of(value, field))).cloned()
            }
            Place::Header(name) => properties.header(name),
            Place::Property(name) => properties.to_json().remove(name),
        };
        match self.operator {
            Operator::Equals => found.is_some_and(|found| self.equals(&found)),
            Operator::Differs => !found.is_some_and(|found| self.equals(&found)),
            Operator::Contains => found.is_some_and(|found| text_of(&found).contains(&self.expected)),
        }
    }

    /// Texts are compared as they are, other values as JSON: `5.0` is not `5`, and `"5"` is.
    fn equals(&self, found: &Value) -> bool {
        text_of(found) == self.expected
            || serde_json::from_str::<Value>(&self.expected).is_ok_and(|value| value == *found)
    }
}

fn field_of<'v>(value: &'v Value, field: &str) -> Option<&'v Value> {
    match value {
        Value::Object(map) => map.get(field),
        Value::Array(values) => values.get(field.parse::<usize>().ok()?),
        _ => None,
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(filters: &[&str], body: &str) -> bool {
        let filters: Vec<Filter> = filters.iter().map(|text| text.parse().unwrap()).collect();
        let properties = MessageProperties::persistent("application/json").with_header("x-error", "a timeout");
        Filter::all(&filters, &properties.with_message_id("m-1"), body.as_bytes())
    }

    #[test]
    fn a_field_of_the_body_is_compared() {
        let body = r#"{"a": {"b": [5, "x=y"]}, "t": true, "n": null}"#;
        for filter in
            ["a.b.0=5", "a.b.1=x=y", "t=true", "n=null", "a.b.0!=6", "missing!=1", "a.b.1~==", r#"a.b=[5,"x=y"]"#]
        {
            assert!(matches(&[filter], body), "{filter} does not match");
        }
        for filter in ["a.b.0=6", "a.b.9=5", "missing=1", "a.b.0!=5", "t~=x"] {
            assert!(!matches(&[filter], body), "{filter} matches");
        }
        assert!(!matches(&["a.b.0=5", "t=false"], body), "one of two conditions is false");
    }

    #[test]
    fn headers_and_properties_are_compared() {
        for filter in ["header:x-error~=timeout", "property:message_id=m-1", "header:other!=1"] {
            assert!(matches(&[filter], "not JSON"), "{filter} does not match");
        }
    }

    #[test]
    fn a_condition_without_a_path_or_a_value_is_rejected() {
        for text in ["", "content", "=5", "!=5", "a..b=5", "header:=5", ".=1"] {
            assert!(text.parse::<Filter>().is_err(), "{text:?} was accepted");
        }
    }
}
