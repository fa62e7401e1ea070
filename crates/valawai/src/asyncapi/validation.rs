//! Checks a message against the schema of its channel.
//!
//! The MOV and the components compare schemas, not messages. What a contract says beyond that (lengths, ranges, required fields) is
//! checked by the handlers, and here, for messages that people write. `pattern` and `format` are not checked.

use std::rc::Rc;

use serde_json::Value;

use super::finding::{Findings, quote};
use super::reference;
use super::yaml::{self, Node, Value as Yaml};

/// A schema without an end is not followed deeper.
const MAX_DEPTH: usize = 200;

/// More schemas than these are not looked at: choices of choices could take for ever.
const MAX_STEPS: usize = 100_000;

/// More violations than these are not listed.
const MAX_VIOLATIONS: usize = 20;

/// The schemas of a contract.
pub struct MessageSchemas {
    root: Rc<Node>,
}

impl MessageSchemas {
    /// Reads the text of `asyncapi.yaml`. `None` if it is not YAML.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        yaml::load(text, &mut Findings::default()).map(|root| Self { root })
    }

    /// Whether the contract has a schema for the messages of the channel with this queue.
    #[cfg(test)]
    pub(super) fn has(&self, queue: &str) -> bool {
        self.payload(queue).is_some()
    }

    /// What is wrong with a message of the channel with this queue, each with its place: `content: expected a string`. Nothing is
    /// wrong with a message of a channel without a schema.
    #[must_use]
    pub fn violations(&self, queue: &str, message: &Value) -> Vec<String> {
        let mut validator = Validator { root: &self.root, violations: Vec::new(), depth: 0, steps: MAX_STEPS };
        if let Some(payload) = self.payload(queue) {
            validator.check(payload, message, "");
        }
        validator.violations
    }

    fn payload(&self, queue: &str) -> Option<&Node> {
        let channel = self.root.get("channels")?.get(queue)?;
        let operation = ["subscribe", "publish"].iter().find_map(|name| channel.get(name))?;
        let message = operation.get("message")?;
        let message = match reference::reference_of(message) {
            Some((reference, _)) => reference::resolve(reference, &self.root)?,
            None => message,
        };
        message.get("payload")
    }
}

struct Validator<'r> {
    root: &'r Node,
    violations: Vec<String>,
    depth: usize,
    /// What is left of [`MAX_STEPS`].
    steps: usize,
}

impl<'r> Validator<'r> {
    fn check(&mut self, schema: &'r Node, value: &Value, path: &str) {
        if self.depth == MAX_DEPTH || self.steps == 0 || self.violations.len() >= MAX_VIOLATIONS {
            return;
        }
        self.depth += 1;
        self.steps -= 1;
        let target = reference::reference_of(schema).and_then(|(text, _)| reference::resolve(text, self.root));
        match target {
            Some(target) => self.check(target, value, path),
            None => self.check_keywords(schema, value, path),
        }
        self.depth -= 1;
    }

    fn check_keywords(&mut self, schema: &'r Node, value: &Value, path: &str) {
        if let Some(expected) = schema.get("type").and_then(|types| wrong_type(types, value)) {
            // What else the schema says is about values of that type.
            return self.add(path, &format!("expected {expected}, found {}", kind_of(value)));
        }
        if let Some(constant) = schema.get("const")
            && !equals(constant, value)
        {
            self.add(path, &format!("expected {}", constant.scalar().map_or("another constant".to_owned(), quote)));
        }
        if let Some(Node { value: Yaml::List(allowed), .. }) = schema.get("enum")
            && !allowed.iter().any(|allowed| equals(allowed, value))
        {
            let allowed: Vec<&str> = allowed.iter().filter_map(|allowed| allowed.scalar()).collect();
            self.add(path, &format!("expected one of {}", quote(&allowed.join(", "))));
        }
        match value {
            Value::String(text) => {
                let length = text.chars().count();
                self.check_size(schema, path, ("minLength", "maxLength"), length, "characters");
            }
            Value::Array(items) => {
                self.check_size(schema, path, ("minItems", "maxItems"), items.len(), "items");
                if let Some(of_items) = schema.get("items").filter(|items| items.as_map().is_some()) {
                    for (index, item) in items.iter().enumerate() {
                        self.check(of_items, item, &join(path, &index.to_string()));
                    }
                }
            }
            Value::Object(fields) => self.check_fields(schema, fields, path),
            Value::Number(number) => self.check_range(schema, number.as_f64().unwrap_or(f64::NAN), path),
            Value::Null | Value::Bool(_) => {}
        }
        self.check_combinations(schema, value, path);
    }

    fn check_fields(&mut self, schema: &'r Node, fields: &serde_json::Map<String, Value>, path: &str) {
        if let Some(Node { value: Yaml::List(required), .. }) = schema.get("required") {
            for name in required.iter().filter_map(|name| name.scalar()).filter(|name| !fields.contains_key(*name)) {
                self.add(&join(path, name), "is required");
            }
        }
        let properties = schema.map("properties");
        for (name, value) in fields {
            match (properties.and_then(|properties| properties.entry(name)), schema.get("additionalProperties")) {
                (Some(property), _) => self.check(&property.value, value, &join(path, name)),
                (None, Some(node)) if node.as_map().is_some() => self.check(node, value, &join(path, name)),
                (None, Some(node)) if node.scalar() == Some("false") => {
                    self.add(&join(path, name), "is not a field of the schema");
                }
                (None, _) => {}
            }
        }
    }

    fn check_size(&mut self, schema: &Node, path: &str, (min, max): (&str, &str), size: usize, unit: &str) {
        let limit = |name| schema.get(name).and_then(Node::scalar).and_then(|text| text.parse::<usize>().ok());
        if let Some(min) = limit(min).filter(|min| size < *min) {
            self.add(path, &format!("expected at least {min} {unit}, found {size}"));
        }
        if let Some(max) = limit(max).filter(|max| size > *max) {
            self.add(path, &format!("expected at most {max} {unit}, found {size}"));
        }
    }

    fn check_range(&mut self, schema: &Node, number: f64, path: &str) {
        type IsWithin = fn(f64, f64) -> bool;
        let limits: [(&str, &str, IsWithin); 4] = [
            ("minimum", "at least", |number, limit| number >= limit),
            ("maximum", "at most", |number, limit| number <= limit),
            ("exclusiveMinimum", "more than", |number, limit| number > limit),
            ("exclusiveMaximum", "less than", |number, limit| number < limit),
        ];
        for (name, words, is_within) in limits {
            let limit = schema.get(name).and_then(Node::scalar).and_then(|text| text.parse::<f64>().ok());
            if let Some(limit) = limit.filter(|limit| !is_within(number, *limit)) {
                self.add(path, &format!("expected {words} {limit}, found {number}"));
            }
        }
    }

    fn check_combinations(&mut self, schema: &'r Node, value: &Value, path: &str) {
        for keyword in ["allOf", "anyOf", "oneOf"] {
            let Some(Node { value: Yaml::List(schemas), .. }) = schema.get(keyword) else { continue };
            if keyword == "allOf" {
                for schema in schemas {
                    self.check(schema, value, path);
                }
                continue;
            }
            let matching = schemas.iter().filter(|schema| self.accepts(schema, value)).count();
            if matching == 0 {
                self.add(path, &format!("matches none of the schemas of `{keyword}`"));
            } else if matching > 1 && keyword == "oneOf" {
                self.add(path, &format!("matches {matching} of the schemas of `oneOf`"));
            }
        }
    }

    fn accepts(&mut self, schema: &'r Node, value: &Value) -> bool {
        let violations = std::mem::take(&mut self.violations);
        self.check(schema, value, "");
        std::mem::replace(&mut self.violations, violations).is_empty()
    }

    fn add(&mut self, path: &str, text: &str) {
        let path = if path.is_empty() { "the message" } else { path };
        self.violations.push(format!("{path}: {text}"));
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// What `types` expects, if it does not expect `value`.
fn wrong_type(types: &Node, value: &Value) -> Option<String> {
    let names: Vec<&str> = match &types.value {
        Yaml::List(names) => names.iter().filter_map(|name| name.scalar()).collect(),
        _ => types.scalar().into_iter().collect(),
    };
    let is_type = |name: &&str| match *name {
        "string" => value.is_string(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        "null" => value.is_null(),
        // The MOV refuses other types.
        _ => true,
    };
    (!names.iter().any(is_type)).then(|| format!("the type {}", names.join(" or ")))
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn equals(node: &Node, value: &Value) -> bool {
    match (&node.value, value) {
        (Yaml::Null, Value::Null) => true,
        (Yaml::Text(text), Value::String(value)) => text == value,
        (Yaml::Other(text), Value::Bool(value)) => *text == value.to_string(),
        (Yaml::Other(text), Value::Number(number)) => text.parse().ok() == number.as_f64(),
        (Yaml::List(items), Value::Array(values)) => {
            items.len() == values.len() && items.iter().zip(values).all(|(item, value)| equals(item, value))
        }
        (Yaml::Map(map), Value::Object(fields)) => {
            map.entries().len() == fields.len()
                && fields.iter().all(|(name, value)| map.entry(name).is_some_and(|entry| equals(&entry.value, value)))
        }
        _ => false,
    }
}
