//! Whether what one component sends is what another understands: each property of the sender must be one of the receiver.

use std::collections::HashMap;

use super::schema::{Object, Schema};

/// The MOV's own failure: a property of the sender without a schema (a null pointer), or references without end (a stack
/// overflow).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Broken;

/// Where the MOV's stack would end, more or less.
const DEEPEST: usize = 400;

/// What references mean is known to both sides together: ordinals of one may find objects of the other.
type References<'a> = HashMap<usize, &'a Object>;

pub(crate) fn matches(publish: &Schema, subscribe: Option<&Schema>) -> Result<bool, Broken> {
    Matcher { references: References::new(), depth: 0 }.matches(publish, subscribe)
}

struct Matcher<'a> {
    references: References<'a>,
    depth: usize,
}

impl<'a> Matcher<'a> {
    fn matches(&mut self, source: &'a Schema, target: Option<&'a Schema>) -> Result<bool, Broken> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Broken);
        }
        let result = match (source, target) {
            (Schema::Ref(mine), Some(Schema::Ref(other))) => Ok(mine == other),
            (Schema::Object(mine), _) => {
                self.introduce(mine);
                self.matches_any(source, target)
            }
            _ => self.matches_any(source, target),
        };
        self.depth -= 1;
        result
    }

    fn matches_any(&mut self, source: &'a Schema, target: Option<&'a Schema>) -> Result<bool, Broken> {
        match target {
            None => Ok(false),
            Some(Schema::Ref(ordinal)) => match self.references.get(ordinal).copied() {
                None => Ok(false),
                Some(found) => self.matches_object(source, found),
            },
            Some(Schema::Object(other)) => self.matches_object(source, other),
            Some(other) => self.matches_other(source, other),
        }
    }

    fn matches_object(&mut self, source: &'a Schema, target: &'a Object) -> Result<bool, Broken> {
        if let Schema::Object(mine) = source {
            self.introduce(mine);
        }
        if let Some(known) = target.id().and_then(|id| self.references.get(&id).copied()) {
            if !self.is_part_of(known, target)? {
                return Ok(false);
            }
        } else {
            self.introduce(target);
        }
        match source {
            Schema::Object(mine) => self.is_part_of(mine, target),
            Schema::Ref(ordinal) => match self.references.get(ordinal).copied() {
                None => Ok(false),
                Some(found) => self.is_part_of(found, target),
            },
            _ => Ok(false),
        }
    }

    fn matches_other(&mut self, source: &'a Schema, target: &'a Schema) -> Result<bool, Broken> {
        match (source, target) {
            (Schema::Basic(mine), Schema::Basic(other)) => Ok(mine == other),
            (Schema::Enum(mine), Schema::Enum(other)) => Ok(mine == other),
            (Schema::Const(mine), Schema::Const(other)) => Ok(mine == other),
            (Schema::Array(mine), Schema::Array(other)) => {
                self.same_items(mine.as_deref().unwrap_or_default(), other.as_deref().unwrap_or_default())
            }
            (Schema::Array(mine), Schema::Combined(_, other)) => {
                self.same_items(mine.as_deref().unwrap_or_default(), other)
            }
            (Schema::Combined(my_kind, mine), Schema::Combined(other_kind, other)) if my_kind == other_kind => {
                self.same_items(mine, other)
            }
            _ => Ok(false),
        }
    }

    /// The publisher's properties are a subset of the subscriber's.
    fn is_part_of(&mut self, source: &'a Object, target: &'a Object) -> Result<bool, Broken> {
        for (name, mine) in &source.properties {
            let Some(other) = target.properties.get(name) else { return Ok(false) };
            let mine = mine.as_ref().ok_or(Broken)?;
            if !self.matches(mine, other.as_ref())? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn same_items(&mut self, mine: &'a [Schema], others: &'a [Schema]) -> Result<bool, Broken> {
        if mine.len() != others.len() {
            return Ok(false);
        }
        let mut left: Vec<&Schema> = others.iter().collect();
        for item in mine {
            for index in 0..left.len() {
                if self.matches(item, Some(left[index]))? {
                    left.remove(index);
                    break;
                }
            }
        }
        Ok(left.is_empty())
    }

    fn introduce(&mut self, object: &'a Object) {
        if let Some(id) = object.id() {
            self.references.entry(id).or_insert(object);
        }
    }
}
