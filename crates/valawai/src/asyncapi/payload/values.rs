//! The values in a schema: constants, enumerations and names of fields.

use std::rc::Rc;

use super::refused;
use crate::asyncapi::finding::Finding;
use crate::asyncapi::schema::Schema;
use crate::asyncapi::yaml::{Entry, Map, Node, Value};

/// How many parts the texts of a node count as: long ones count more.
pub(super) fn size_of(node: &Node) -> usize {
    match &node.value {
        Value::Text(text) | Value::Other(text) => 1 + text.len() / 64,
        Value::List(items) => {
            1 + items.iter().filter_map(|item| item.scalar()).map(|text| 1 + text.len() / 64).sum::<usize>()
        }
        _ => 1,
    }
}

pub(super) fn constant(value: &Node) -> Result<Schema, Finding> {
    match &value.value {
        Value::Text(text) => Ok(Schema::Const(Some(text.clone()))),
        Value::Null => Ok(Schema::Const(None)),
        _ => Err(refused(value.line, "a `const` that is not a text", "quote it, or use `type`")),
    }
}

pub(super) fn enumeration(value: &Node) -> Result<Schema, Finding> {
    let Value::List(items) = &value.value else {
        return Err(refused(value.line, "an `enum` that is not a list", "list the values"));
    };
    // Lists and maps are no values of an enumeration; which of them it is does not matter.
    let to_text = |item: &Rc<Node>| item.scalar().unwrap_or("null").to_owned();
    Ok(Schema::Enum(items.iter().map(to_text).collect()))
}

/// The names of the properties, sorted.
pub(super) fn names_of(properties: &Map) -> Result<Vec<String>, Finding> {
    let name = |entry: &Entry| {
        entry.name().map(str::to_owned).ok_or_else(|| {
            refused(entry.line, "a field whose name is not a text, such as `5` or `on`", "quote the name")
        })
    };
    let mut names = properties.entries().iter().map(name).collect::<Result<Vec<_>, _>>()?;
    names.sort_unstable();
    Ok(names)
}
