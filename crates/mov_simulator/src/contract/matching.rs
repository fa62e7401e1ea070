//! Whether a subscriber accepts what a publisher sends: each property of the publisher must be one of the subscriber's.

use std::collections::HashMap;

use super::schema::{Object, Schema};

/// The MOV fails while it compares: a property of the publisher has no schema (`NullPointerException`), or references form a
/// cycle (`StackOverflowError`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MatchingFailed;

/// About where the MOV's stack overflows.
const MAX_DEPTH: usize = 400;

pub(crate) fn matches(publish: &Schema, subscribe: Option<&Schema>) -> Result<bool, MatchingFailed> {
    Matcher { referenced: HashMap::new(), depth: 0 }.matches(publish, subscribe)
}

struct Matcher<'a> {
    /// The referenced objects of both sides, by ordinal. A reference of one side can find an object of the other.
    referenced: HashMap<usize, &'a Object>,
    depth: usize,
}

impl<'a> Matcher<'a> {
    fn matches(&mut self, publish: &'a Schema, subscribe: Option<&'a Schema>) -> Result<bool, MatchingFailed> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(MatchingFailed);
        }
        let result = match (publish, subscribe) {
            (Schema::Ref(publish), Some(Schema::Ref(subscribe))) => Ok(publish == subscribe),
            (Schema::Object(object), _) => {
                self.add_referenced(object);
                self.matches_any(publish, subscribe)
            }
            _ => self.matches_any(publish, subscribe),
        };
        self.depth -= 1;
        result
    }

    fn matches_any(&mut self, publish: &'a Schema, subscribe: Option<&'a Schema>) -> Result<bool, MatchingFailed> {
        match subscribe {
            None => Ok(false),
            Some(Schema::Ref(ordinal)) => match self.referenced.get(ordinal).copied() {
                None => Ok(false),
                Some(object) => self.matches_object(publish, object),
            },
            Some(Schema::Object(object)) => self.matches_object(publish, object),
            Some(other) => self.matches_other(publish, other),
        }
    }

    fn matches_object(&mut self, publish: &'a Schema, subscribe: &'a Object) -> Result<bool, MatchingFailed> {
        if let Schema::Object(object) = publish {
            self.add_referenced(object);
        }
        if let Some(known) = subscribe.id().and_then(|id| self.referenced.get(&id).copied()) {
            if !self.is_subset(known, subscribe)? {
                return Ok(false);
            }
        } else {
            self.add_referenced(subscribe);
        }
        match publish {
            Schema::Object(object) => self.is_subset(object, subscribe),
            Schema::Ref(ordinal) => match self.referenced.get(ordinal).copied() {
                None => Ok(false),
                Some(object) => self.is_subset(object, subscribe),
            },
            _ => Ok(false),
        }
    }

    fn matches_other(&mut self, publish: &'a Schema, subscribe: &'a Schema) -> Result<bool, MatchingFailed> {
        match (publish, subscribe) {
            (Schema::Basic(publish), Schema::Basic(subscribe)) => Ok(publish == subscribe),
            (Schema::Enum(publish), Schema::Enum(subscribe)) => Ok(publish == subscribe),
            (Schema::Const(publish), Schema::Const(subscribe)) => Ok(publish == subscribe),
            (Schema::Array(publish), Schema::Array(subscribe)) => {
                self.have_same_items(publish.as_deref().unwrap_or_default(), subscribe.as_deref().unwrap_or_default())
            }
            (Schema::Array(publish), Schema::Combined(_, subscribe)) => {
                self.have_same_items(publish.as_deref().unwrap_or_default(), subscribe)
            }
            (Schema::Combined(publish_kind, publish), Schema::Combined(subscribe_kind, subscribe))
                if publish_kind == subscribe_kind =>
            {
                self.have_same_items(publish, subscribe)
            }
            _ => Ok(false),
        }
    }

    fn is_subset(&mut self, publish: &'a Object, subscribe: &'a Object) -> Result<bool, MatchingFailed> {
        for (name, schema) in &publish.properties {
            let Some(accepted) = subscribe.properties.get(name) else { return Ok(false) };
            let schema = schema.as_ref().ok_or(MatchingFailed)?;
            if !self.matches(schema, accepted.as_ref())? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// In any order.
    fn have_same_items(&mut self, publish: &'a [Schema], subscribe: &'a [Schema]) -> Result<bool, MatchingFailed> {
        if publish.len() != subscribe.len() {
            return Ok(false);
        }
        let mut unmatched: Vec<&Schema> = subscribe.iter().collect();
        for item in publish {
            for index in 0..unmatched.len() {
                if self.matches(item, Some(unmatched[index]))? {
                    unmatched.remove(index);
                    break;
                }
            }
        }
        Ok(unmatched.is_empty())
    }

    fn add_referenced(&mut self, object: &'a Object) {
        if let Some(id) = object.id() {
            self.referenced.entry(id).or_insert(object);
        }
    }
}
