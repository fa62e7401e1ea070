//! Fields of an object that the MOV reads, but not as they are meant.

use crate::asyncapi::Direction;
use crate::asyncapi::finding::{Findings, quote};
use crate::asyncapi::yaml::{Map, Node};

/// The MOV reads the second of two objects with the same property names as a reference to the first.
pub(super) fn warn_of_other_types(first: &Node, second: &Node, findings: &mut Findings) {
    let type_of = |object: &Node, name: &str| {
        let field = object.map("properties")?.entry(name)?;
        field.value.get("type")?.scalar().map(str::to_owned)
    };
    for entry in second.map("properties").map(Map::entries).unwrap_or_default() {
        let name = entry.name().unwrap_or_default();
        if type_of(first, name) != type_of(second, name) {
            let text = format!(
                "the field {} has another type than in the object with the same fields in line {}: the MOV reads this \
                 object as a reference to that one; name a field differently",
                quote(name),
                first.line
            );
            findings.warning(entry.line, text);
        }
    }
}

pub(super) fn warn_of_name(name: &str, line: usize, findings: &mut Findings) {
    if name == "_id" || name.starts_with('$') || name.contains('.') {
        let text = format!("the MOV's database changes or rejects fields such as {}; rename it", quote(name));
        findings.warning(line, text);
    }
}

/// A field whose schema is not a map.
pub(super) fn report_missing_schema(name: &str, line: usize, direction: Direction, findings: &mut Findings) {
    let name = quote(name);
    match direction {
        Direction::Publish => findings.error(
            line,
            format!(
                "the field {name} has no schema: the MOV fails when it compares it, and never notifies the component; \
                 give it a type"
            ),
        ),
        Direction::Consume => findings.warning(
            line,
            format!("the field {name} has no schema: the MOV connects no channel that publishes it; give it a type"),
        ),
    }
}
