//! Parses the schema of one payload.

use std::collections::{BTreeMap, BTreeSet};

use yaml_rust2::Yaml;

use super::super::schema::{Combination, Object, Schema};
use super::ParseError;
use super::yaml::{has, map, resolve_reference, to_java_string};

/// A deeper schema contains itself: the MOV's stack overflows.
const MAX_DEPTH: usize = 300;

pub(super) struct PayloadParser<'a> {
    root: &'a Yaml,
    /// The property names of each object, by its ordinal.
    objects: Vec<BTreeSet<String>>,
    referenced: BTreeSet<usize>,
    depth: usize,
}

impl<'a> PayloadParser<'a> {
    pub(super) fn new(root: &'a Yaml) -> Self {
        Self { root, objects: Vec::new(), referenced: BTreeSet::new(), depth: 0 }
    }

    pub(super) fn parse(mut self, payload: &'a Yaml) -> Result<Schema, ParseError> {
        let mut schema = self.schema(payload)?;
        mark_referenced(&mut schema, &self.referenced);
        Ok(schema)
    }

    fn schema(&mut self, node: &'a Yaml) -> Result<Schema, ParseError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("a schema that contains itself".to_owned());
        }
        let schema = self.schema_by_keyword(node);
        self.depth -= 1;
        schema
    }

    /// The order of the keywords matters: the first that is present wins.
    fn schema_by_keyword(&mut self, node: &'a Yaml) -> Result<Schema, ParseError> {
        if let Some(target) = resolve_reference(node, self.root)? {
            return self.schema(target);
        }
        if has(node, "const") {
            return constant(&node["const"]);
        }
        if has(node, "enum") {
            let values = node["enum"].as_vec().ok_or("an `enum` that is not a list")?;
            return Ok(Schema::Enum(values.iter().map(to_java_string).collect()));
        }
        if !has(node, "type") {
            return self.combination(node);
        }
        match node["type"].as_str().ok_or("a `type` that is not a string")? {
            "integer" => Ok(Schema::Basic("INTEGER")),
            "number" => Ok(Schema::Basic("NUMBER")),
            "string" => Ok(Schema::Basic("STRING")),
            "boolean" => Ok(Schema::Basic("BOOLEAN")),
            "object" => self.object(node),
            "array" => Ok(Schema::Array(self.items(&node["items"])?)),
            _ => self.combination(node),
        }
    }

    fn combination(&mut self, node: &'a Yaml) -> Result<Schema, ParseError> {
        let keywords = [("oneOf", Combination::One), ("anyOf", Combination::Any), ("allOf", Combination::All)];
        let Some((keyword, combination)) = keywords.into_iter().find(|(keyword, _)| has(node, keyword)) else {
            return self.object(node);
        };
        let mut items = self.items(&node[keyword])?.ok_or_else(|| format!("a `{keyword}` that is not a list"))?;
        Ok(if items.len() == 1 { items.remove(0) } else { Schema::Combined(combination, items) })
    }

    /// A list of schemas, without the items that are not maps, or a single schema.
    fn items(&mut self, node: &'a Yaml) -> Result<Option<Vec<Schema>>, ParseError> {
        match node {
            Yaml::Array(items) => {
                let maps = items.iter().filter(|item| matches!(item, Yaml::Hash(_)));
                maps.map(|item| self.schema(item)).collect::<Result<_, _>>().map(Some)
            }
            Yaml::Hash(_) => Ok(Some(vec![self.schema(node)?])),
            _ => Ok(None),
        }
    }

    /// To the MOV, two objects with the same property names are the same object, whatever the types of the properties.
    fn object(&mut self, node: &'a Yaml) -> Result<Schema, ParseError> {
        let properties =
            map(node, "properties").ok_or("a schema without a known type, or an object without `properties`")?;
        let names: BTreeSet<String> = properties.keys().filter_map(Yaml::as_str).map(str::to_owned).collect();
        if names.len() != properties.len() {
            return Err("a property whose name is not a string".to_owned());
        }
        if let Some(ordinal) = self.objects.iter().position(|known| *known == names) {
            self.referenced.insert(ordinal);
            return Ok(Schema::Ref(ordinal));
        }
        let ordinal = self.objects.len();
        self.objects.push(names);
        let mut object = Object { ordinal, is_referenced: false, properties: BTreeMap::new() };
        for (name, property) in properties {
            let schema = matches!(property, Yaml::Hash(_)).then(|| self.schema(property)).transpose()?;
            object.properties.insert(name.as_str().unwrap_or_default().to_owned(), schema);
        }
        Ok(Schema::Object(object))
    }
}

fn constant(value: &Yaml) -> Result<Schema, ParseError> {
    match value {
        Yaml::String(text) => Ok(Schema::Const(Some(text.clone()))),
        Yaml::Null => Ok(Schema::Const(None)),
        other => Err(format!("a `const` that is not a string: {other:?}")),
    }
}

fn mark_referenced(schema: &mut Schema, referenced: &BTreeSet<usize>) {
    match schema {
        Schema::Object(object) => {
            object.is_referenced = referenced.contains(&object.ordinal);
            for property in object.properties.values_mut().flatten() {
                mark_referenced(property, referenced);
            }
        }
        Schema::Array(Some(items)) | Schema::Combined(_, items) => {
            for item in items {
                mark_referenced(item, referenced);
            }
        }
        _ => (),
    }
}
