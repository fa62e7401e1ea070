//! Reads the schema of a payload. One that the MOV does not understand makes it refuse the whole component.

mod fields;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use self::values::{constant, enumeration, names_of, size_of};
use super::Direction;
use super::finding::{Finding, Findings, quote};
use super::reference;
use super::schema::{Basic, Combination, Object, Schema};
use super::yaml::{Node, Value};

/// A deeper schema contains itself: the MOV's stack overflows.
const MAX_DEPTH: usize = 300;
/// How many parts all schemas of a file may have when their references are replaced by their targets. Without a limit, a
/// few lines could stand for more than the memory holds.
pub(super) const MAX_PARTS: usize = 200_000;

/// Reads one payload.
pub(super) struct PayloadReader<'a, 'f> {
    root: &'a Node,
    direction: Direction,
    findings: &'f mut Findings,
    /// What is left of [`MAX_PARTS`].
    parts: &'f mut usize,
    /// The objects by their property names, which are sorted.
    ordinals: BTreeMap<Vec<String>, usize>,
    /// The same objects, by their ordinals.
    objects: Vec<&'a Node>,
    referenced: BTreeSet<usize>,
    depth: usize,
}

impl<'a, 'f> PayloadReader<'a, 'f> {
    pub(super) fn new(root: &'a Node, direction: Direction, findings: &'f mut Findings, parts: &'f mut usize) -> Self {
        let (ordinals, objects, referenced) = (BTreeMap::new(), Vec::new(), BTreeSet::new());
        Self { root, direction, findings, parts, ordinals, objects, referenced, depth: 0 }
    }

    /// Returns `None` if the MOV refuses it, which is reported.
    pub(super) fn read(mut self, payload: &'a Node) -> Option<Schema> {
        match self.schema(payload) {
            Ok(mut schema) => {
                schema.set_ids(&self.ordinals, &self.referenced);
                Some(schema)
            }
            Err(Finding { line, text }) => {
                self.findings.error(line, text);
                None
            }
        }
    }

    fn schema(&mut self, node: &'a Node) -> Result<Schema, Finding> {
        self.count_parts(1, node)?;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(refused(node.line, "the schema contains itself without an object in between", "use an object"));
        }
        let schema = self.schema_by_keyword(node);
        self.depth -= 1;
        schema
    }

    /// The order of the keywords matters: the first that is present wins.
    fn schema_by_keyword(&mut self, node: &'a Node) -> Result<Schema, Finding> {
        if let Some(target) = self.resolve(node)? {
            return self.schema(target);
        }
        if let Some(value) = node.get("const") {
            self.count_parts(size_of(value), value)?;
            return constant(value);
        }
        if let Some(value) = node.get("enum") {
            self.count_parts(size_of(value), value)?;
            return enumeration(value);
        }
        let Some(entry) = node.entry("type") else { return self.combination(node) };
        match entry.value.as_text() {
            Some("integer") => Ok(Schema::Basic(Basic::Integer)),
            Some("number") => Ok(Schema::Basic(Basic::Number)),
            Some("string") => Ok(Schema::Basic(Basic::String)),
            Some("boolean") => Ok(Schema::Basic(Basic::Boolean)),
            Some("object") => self.object(node),
            Some("array") => Ok(Schema::Array(self.items(node.get("items"))?.unwrap_or_default())),
            Some(_) => self.combination(node),
            None => Err(refused(entry.line, "a `type` that is not one name", "write one type, without `null`")),
        }
    }

    fn resolve(&mut self, node: &'a Node) -> Result<Option<&'a Node>, Finding> {
        let Some((text, line)) = reference::reference_of(node) else { return Ok(None) };
        let target = reference::resolve(text, self.root);
        if target.is_none() {
            let unresolved = format!("the reference {} does not resolve", quote(text));
            // The MOV reads what stands beside it.
            let has_other_keywords = ["const", "enum", "type", "oneOf", "anyOf", "allOf", "properties"]
                .iter()
                .any(|keyword| node.entry(keyword).is_some());
            if !has_other_keywords || reference::is_too_short(text) {
                return Err(refused(line, &unresolved, reference::remedy(text)));
            }
            self.findings.warning(line, format!("{unresolved}; the MOV ignores it: {}", reference::remedy(text)));
        }
        Ok(target)
    }

    fn combination(&mut self, node: &'a Node) -> Result<Schema, Finding> {
        let keywords = [("oneOf", Combination::One), ("anyOf", Combination::Any), ("allOf", Combination::All)];
        for (keyword, combination) in keywords {
            let Some(entry) = node.entry(keyword) else { continue };
            let items = self.items(Some(&entry.value))?;
            let mut items = items
                .ok_or_else(|| refused(entry.line, &format!("a `{keyword}` that is not a list"), "list the schemas"))?;
            return Ok(if items.len() == 1 { items.remove(0) } else { Schema::Combined(combination, items) });
        }
        self.object(node)
    }

    /// A list of schemas, without the items that are not maps, or a single schema.
    fn items(&mut self, node: Option<&'a Node>) -> Result<Option<Vec<Schema>>, Finding> {
        let Some(node) = node else { return Ok(None) };
        match &node.value {
            Value::List(items) => {
                let maps = items.iter().filter(|item| item.as_map().is_some());
                maps.map(|item| self.schema(item)).collect::<Result<_, _>>().map(Some)
            }
            Value::Map(_) => Ok(Some(vec![self.schema(node)?])),
            _ => Ok(None),
        }
    }

    /// To the MOV, two objects with the same property names are the same object, whatever the types of the properties.
    fn object(&mut self, node: &'a Node) -> Result<Schema, Finding> {
        let line = node.entry("type").map_or(node.line, |entry| entry.line);
        let properties = node.map("properties").ok_or_else(|| without_properties(node, line))?;
        self.count_parts(properties.entries().iter().map(|entry| size_of(&entry.key)).sum(), node)?;
        let names = names_of(properties)?;
        if let Some(&ordinal) = self.ordinals.get(&names) {
            self.referenced.insert(ordinal);
            fields::warn_of_other_types(self.objects[ordinal], node, self.findings);
            return Ok(Schema::Ref(ordinal));
        }
        self.ordinals.insert(names, self.objects.len());
        self.objects.push(node);
        let mut object = Object::default();
        for entry in properties.entries() {
            let name = entry.name().unwrap_or_default();
            fields::warn_of_name(name, entry.line, self.findings);
            let schema = if entry.value.as_map().is_some() {
                Some(self.schema(&entry.value)?)
            } else {
                fields::report_missing_schema(name, entry.line, self.direction, self.findings);
                None
            };
            object.properties.insert(name.to_owned(), schema);
        }
        Ok(Schema::Object(object))
    }

    fn count_parts(&mut self, count: usize, node: &Node) -> Result<(), Finding> {
        let too_many = || {
            let what = format!("with their references replaced, the schemas have more than {MAX_PARTS} parts");
            Finding {
                line: node.line,
                text: format!("{what}, which the MOV may not have the memory for; simplify them"),
            }
        };
        *self.parts = self.parts.checked_sub(count).ok_or_else(too_many)?;
        Ok(())
    }
}

fn without_properties(node: &Node, line: usize) -> Finding {
    match node.get("type").and_then(Node::as_text) {
        Some("object") => refused(line, "an object without `properties`", "list its fields under `properties`"),
        Some(other) => refused(line, &format!("the type {} is unknown", quote(other)), "use another type"),
        None => refused(line, "a schema without a type", "give it a `type`, or `properties`"),
    }
}

fn refused(line: usize, what: &str, remedy: &str) -> Finding {
    Finding { line, text: format!("{what}: the MOV refuses the component; {remedy}") }
}
