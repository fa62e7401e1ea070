//! The rule by which the MOV connects two channels: each field of the publisher must be one of the subscriber's, with the
//! same type. The subscriber may have more fields, and `required` is ignored.

use std::collections::HashMap;

use super::schema::{Object, Schema};

/// About where the MOV's stack overflows, in schemas whose references form a cycle.
const MAX_DEPTH: usize = 300;
/// How many pairs of schemas are compared for one file. What remains is not compared.
pub(super) const MAX_STEPS: usize = 1_000_000;

/// Whether the MOV connects them. Schemas that it fails to compare do not match. Each comparison takes from `steps`.
pub(super) fn matches(publish: &Schema, subscribe: &Schema, steps: &mut usize) -> bool {
    Matcher { steps, referenced: HashMap::new(), depth: 0 }.matches(publish, subscribe)
}

struct Matcher<'a, 's> {
    steps: &'s mut usize,
    /// The referenced objects of both sides: a reference of one side can find an object of the other.
    referenced: HashMap<usize, &'a Object>,
    depth: usize,
}

impl<'a> Matcher<'a, '_> {
    fn matches(&mut self, publish: &'a Schema, subscribe: &'a Schema) -> bool {
        if self.depth == MAX_DEPTH || *self.steps == 0 {
            return false;
        }
        *self.steps -= 1;
        self.depth += 1;
        let result = match (publish, subscribe) {
            (Schema::Ref(publish), Schema::Ref(subscribe)) => publish == subscribe,
            (_, Schema::Ref(id)) => {
                self.remember(publish.as_object());
                self.referenced.get(id).copied().is_some_and(|object| self.object_matches(publish, object))
            }
            (_, Schema::Object(object)) => self.object_matches(publish, object),
            (Schema::Array(publish), Schema::Array(subscribe)) => self.items_match(publish, subscribe),
            (Schema::Combined(left, publish), Schema::Combined(right, subscribe)) => {
                left == right && self.items_match(publish, subscribe)
            }
            _ => publish == subscribe,
        };
        self.depth -= 1;
        result
    }

    fn object_matches(&mut self, publish: &'a Schema, subscribe: &'a Object) -> bool {
        self.remember(publish.as_object());
        let known = subscribe.id.and_then(|id| self.referenced.get(&id).copied());
        if known.is_some_and(|known| !self.is_subset(known, subscribe)) {
            return false;
        }
        self.remember(Some(subscribe));
        match publish {
            Schema::Object(object) => self.is_subset(object, subscribe),
            Schema::Ref(id) => self.referenced.get(id).copied().is_some_and(|object| self.is_subset(object, subscribe)),
            _ => false,
        }
    }

    fn is_subset(&mut self, publish: &'a Object, subscribe: &'a Object) -> bool {
        publish.properties.iter().all(|(name, schema)| match (schema, subscribe.properties.get(name)) {
            (Some(schema), Some(Some(accepted))) => self.matches(schema, accepted),
            _ => false,
        })
    }

    /// In any order.
    fn items_match(&mut self, publish: &'a [Schema], subscribe: &'a [Schema]) -> bool {
        if publish.len() != subscribe.len() {
            return false;
        }
        let mut unmatched: Vec<&Schema> = subscribe.iter().collect();
        publish.iter().all(|item| match unmatched.iter().position(|accepted| self.matches(item, accepted)) {
            Some(position) => {
                unmatched.swap_remove(position);
                true
            }
            None => false,
        })
    }

    /// The first object with an identifier stays.
    fn remember(&mut self, object: Option<&'a Object>) {
        if let Some(object) = object
            && let Some(id) = object.id
        {
            self.referenced.entry(id).or_insert(object);
        }
    }
}
