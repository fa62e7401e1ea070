//! Reads the asyncapi text of a component as the MOV does: lenient where it should not be, and one schema that it does not
//! understand refuses the whole registration.

use std::collections::BTreeSet;

use yaml_rust2::{Yaml, YamlLoader, yaml};

use super::schema::{Combination, Object, Schema};
use super::yaml_limits;

/// What the MOV keeps of the text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Document {
    pub(crate) description: Option<String>,
    pub(crate) api_version: Option<String>,
    pub(crate) channels: Vec<Channel>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Channel {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) subscribe: Option<Schema>,
    pub(crate) publish: Option<Schema>,
}

/// The first thing at which the MOV's parser throws. It tells nobody; the simulator does.
type Refused = String;

/// Deeper means that a schema contains itself.
const DEEPEST: usize = 300;

pub(crate) fn parse(text: &str) -> Result<Document, Refused> {
    yaml_limits::check(text)?;
    let documents = YamlLoader::load_from_str(text).map_err(|error| format!("not YAML: {error}"))?;
    let [root] = documents.as_slice() else { return Err("not exactly one YAML document".to_owned()) };
    let root = &merged(root);
    let channels = section(root, "channels").ok_or("no `channels` map")?;
    Ok(Document {
        description: text_of(&root["info"], "description"),
        api_version: text_of(&root["info"], "version"),
        channels: channels
            .iter()
            .map(|(name, channel)| parse_channel(name, channel, root))
            .collect::<Result<_, _>>()?,
    })
}

fn parse_channel(name: &Yaml, channel: &Yaml, root: &Yaml) -> Result<Channel, Refused> {
    let name = name.as_str().ok_or_else(|| format!("a channel whose name is no text: {name:?}"))?;
    if !matches!(channel, Yaml::Hash(_) | Yaml::Null) {
        return Err(format!("channel {name} is not a map"));
    }
    let schema_of = |verb: &str| {
        message_schema(&channel[verb]["message"], root).map_err(|reason| format!("channel {name}, {verb}: {reason}"))
    };
    Ok(Channel {
        name: name.to_owned(),
        description: text_of(channel, "description"),
        subscribe: schema_of("subscribe")?,
        publish: schema_of("publish")?,
    })
}

/// A message is written in place or behind one reference; behind two, or with several choices, it has no schema.
fn message_schema(message: &Yaml, root: &Yaml) -> Result<Option<Schema>, Refused> {
    let message = referenced(message, root)?.unwrap_or(message);
    if section(message, "payload").is_none() {
        return Ok(None);
    }
    let mut reader = PayloadReader { root, objects: Vec::new(), referenced: BTreeSet::new(), depth: 0 };
    let mut schema = reader.schema(&message["payload"])?;
    mark(&mut schema, &reader.referenced);
    Ok(Some(schema))
}

struct PayloadReader<'a> {
    root: &'a Yaml,
    /// The property names of each object, by its ordinal.
    objects: Vec<BTreeSet<String>>,
    referenced: BTreeSet<usize>,
    depth: usize,
}

impl<'a> PayloadReader<'a> {
    fn schema(&mut self, node: &'a Yaml) -> Result<Schema, Refused> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("a schema that contains itself".to_owned());
        }
        let schema = self.schema_of_kind(node);
        self.depth -= 1;
        schema
    }

    /// The order matters: of several keywords the first of these wins.
    fn schema_of_kind(&mut self, node: &'a Yaml) -> Result<Schema, Refused> {
        if let Some(target) = referenced(node, self.root)? {
            return self.schema(target);
        }
        if has(node, "const") {
            return constant(&node["const"]);
        }
        if has(node, "enum") {
            let values = node["enum"].as_vec().ok_or("an `enum` that is not a list")?;
            return Ok(Schema::Enum(values.iter().map(as_java_writes).collect()));
        }
        if !has(node, "type") {
            return self.choice(node);
        }
        match node["type"].as_str().ok_or("a `type` that is not a text")? {
            "integer" => Ok(Schema::Basic("INTEGER")),
            "number" => Ok(Schema::Basic("NUMBER")),
            "string" => Ok(Schema::Basic("STRING")),
            "boolean" => Ok(Schema::Basic("BOOLEAN")),
            "object" => self.object(node),
            "array" => Ok(Schema::Array(self.items(&node["items"])?)),
            _ => self.choice(node),
        }
    }

    fn choice(&mut self, node: &'a Yaml) -> Result<Schema, Refused> {
        let kinds = [("oneOf", Combination::One), ("anyOf", Combination::Any), ("allOf", Combination::All)];
        let Some((keyword, kind)) = kinds.into_iter().find(|(keyword, _)| has(node, keyword)) else {
            return self.object(node);
        };
        let mut items = self.items(&node[keyword])?.ok_or_else(|| format!("a `{keyword}` that is no list"))?;
        Ok(if items.len() == 1 { items.remove(0) } else { Schema::Combined(kind, items) })
    }

    /// A list or a single schema. What is not a map in the list does not count.
    fn items(&mut self, node: &'a Yaml) -> Result<Option<Vec<Schema>>, Refused> {
        match node {
            Yaml::Array(items) => {
                let maps = items.iter().filter(|item| matches!(item, Yaml::Hash(_)));
                maps.map(|item| self.schema(item)).collect::<Result<_, _>>().map(Some)
            }
            Yaml::Hash(_) => Ok(Some(vec![self.schema(node)?])),
            _ => Ok(None),
        }
    }

    /// Two objects with the same property names are one to the MOV, whatever the types of the properties.
    fn object(&mut self, node: &'a Yaml) -> Result<Schema, Refused> {
        let properties =
            section(node, "properties").ok_or("a schema without a type it knows, or an object without `properties`")?;
        let names: BTreeSet<String> = properties.keys().filter_map(Yaml::as_str).map(str::to_owned).collect();
        if names.len() != properties.len() {
            return Err("a property whose name is no text".to_owned());
        }
        if let Some(earlier) = self.objects.iter().position(|known| *known == names) {
            self.referenced.insert(earlier);
            return Ok(Schema::Ref(earlier));
        }
        let ordinal = self.objects.len();
        self.objects.push(names);
        let mut object = Object { ordinal, referenced: false, properties: std::collections::BTreeMap::new() };
        for (name, property) in properties {
            let schema = matches!(property, Yaml::Hash(_)).then(|| self.schema(property)).transpose()?;
            object.properties.insert(name.as_str().unwrap_or_default().to_owned(), schema);
        }
        Ok(Schema::Object(object))
    }
}

fn constant(value: &Yaml) -> Result<Schema, Refused> {
    match value {
        Yaml::String(text) => Ok(Schema::Const(Some(text.clone()))),
        Yaml::Null => Ok(Schema::Const(None)),
        other => Err(format!("a `const` that is not a text: {other:?}")),
    }
}

/// Where `$ref` leads: to a map of this document, or nowhere. The two first characters are not even looked at.
fn referenced<'a>(node: &Yaml, root: &'a Yaml) -> Result<Option<&'a Yaml>, Refused> {
    let Some(reference) = node["$ref"].as_str() else { return Ok(None) };
    let path = reference.get(2..).ok_or("a `$ref` of less than two characters")?;
    let target = path.split('/').fold(root, |at, key| &at[key]);
    Ok(matches!(target, Yaml::Hash(_)).then_some(target))
}

fn mark(schema: &mut Schema, referenced: &BTreeSet<usize>) {
    match schema {
        Schema::Object(object) => {
            object.referenced = referenced.contains(&object.ordinal);
            for property in object.properties.values_mut().flatten() {
                mark(property, referenced);
            }
        }
        Schema::Array(Some(items)) | Schema::Combined(_, items) => {
            for item in items {
                mark(item, referenced);
            }
        }
        _ => (),
    }
}

fn section<'a>(node: &'a Yaml, name: &str) -> Option<&'a yaml::Hash> {
    node[name].as_hash()
}

fn text_of(node: &Yaml, name: &str) -> Option<String> {
    node[name].as_str().map(str::to_owned)
}

fn has(node: &Yaml, name: &str) -> bool {
    !node[name].is_badvalue()
}

fn as_java_writes(value: &Yaml) -> String {
    match value {
        Yaml::String(text) | Yaml::Real(text) => text.clone(),
        Yaml::Integer(number) => number.to_string(),
        Yaml::Boolean(value) => value.to_string(),
        Yaml::Null => "null".to_owned(),
        other => format!("{other:?}"),
    }
}

/// YAML's merge keys (`<<: *other`), which our library leaves as they are.
fn merged(node: &Yaml) -> Yaml {
    match node {
        Yaml::Array(items) => Yaml::Array(items.iter().map(merged).collect()),
        Yaml::Hash(entries) => {
            let mut result = yaml::Hash::new();
            for (key, value) in entries {
                match (key.as_str(), merged(value)) {
                    (Some("<<"), Yaml::Hash(inherited)) => {
                        for (key, value) in inherited {
                            result.entry(key).or_insert(value);
                        }
                    }
                    (_, value) => {
                        result.insert(key.clone(), value);
                    }
                }
            }
            Yaml::Hash(result)
        }
        other => other.clone(),
    }
}
