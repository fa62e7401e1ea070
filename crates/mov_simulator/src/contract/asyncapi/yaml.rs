//! Access to YAML nodes, references and merge keys.

use yaml_rust2::{Yaml, yaml};

use super::ParseError;

pub(super) fn map<'a>(node: &'a Yaml, name: &str) -> Option<&'a yaml::Hash> {
    node[name].as_hash()
}

pub(super) fn string(node: &Yaml, name: &str) -> Option<String> {
    node[name].as_str().map(str::to_owned)
}

/// Whether the member exists, even if it is null.
pub(super) fn has(node: &Yaml, name: &str) -> bool {
    !node[name].is_badvalue()
}

/// The map of this document to which the `$ref` of a node points. The MOV ignores the first two characters of a reference.
pub(super) fn resolve_reference<'a>(node: &Yaml, root: &'a Yaml) -> Result<Option<&'a Yaml>, ParseError> {
    let Some(reference) = node["$ref"].as_str() else { return Ok(None) };
    let path = reference.get(2..).ok_or("a `$ref` of less than two characters")?;
    let target = path.split('/').fold(root, |node, key| &node[key]);
    Ok(matches!(target, Yaml::Hash(_)).then_some(target))
}

/// Java's `String.valueOf`.
pub(super) fn to_java_string(value: &Yaml) -> String {
    match value {
        Yaml::String(text) | Yaml::Real(text) => text.clone(),
        Yaml::Integer(number) => number.to_string(),
        Yaml::Boolean(value) => value.to_string(),
        Yaml::Null => "null".to_owned(),
        other => format!("{other:?}"),
    }
}

/// Resolves merge keys (`<<: *other`), which the YAML library does not do.
pub(super) fn resolve_merge_keys(node: &Yaml) -> Yaml {
    match node {
        Yaml::Array(items) => Yaml::Array(items.iter().map(resolve_merge_keys).collect()),
        Yaml::Hash(members) => {
            let mut resolved = yaml::Hash::new();
            for (key, value) in members {
                match (key.as_str(), resolve_merge_keys(value)) {
                    (Some("<<"), Yaml::Hash(merged)) => {
                        for (key, value) in merged {
                            resolved.entry(key).or_insert(value);
                        }
                    }
                    (_, value) => {
                        resolved.insert(key.clone(), value);
                    }
                }
            }
            Yaml::Hash(resolved)
        }
        other => other.clone(),
    }
}
