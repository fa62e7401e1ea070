//! References, resolved as the MOV resolves them.

use std::collections::HashSet;

use super::finding::{Findings, quote};
use super::yaml::{Node, Value};

/// The text of the `$ref` of a node, and its line.
pub(super) fn reference_of(node: &Node) -> Option<(&str, usize)> {
    let entry = node.entry("$ref")?;
    Some((entry.value.as_text()?, entry.line))
}

/// The map to which a reference points. The MOV ignores its first two characters, `#/`, splits the rest at each `/`, and
/// knows no escapes: it resolves no references to other files, nor into a channel, whose name contains `/`.
pub(super) fn resolve<'a>(reference: &str, root: &'a Node) -> Option<&'a Node> {
    let path = reference.get(2..)?;
    let target = path.split('/').try_fold(root, |node, key| node.get(key))?;
    target.as_map().is_some().then_some(target)
}

/// Whether the MOV throws instead of resolving it.
pub(super) fn is_too_short(reference: &str) -> bool {
    reference.get(2..).is_none()
}

/// The remedy for a reference that does not resolve.
pub(super) fn remedy(reference: &str) -> &'static str {
    if !reference.starts_with("#/") {
        "define it in this file, and refer to it with `#/…`"
    } else if reference.contains('~') || reference.contains('%') {
        "the MOV knows no escapes such as `~1`; move it to `components`"
    } else {
        "correct the path"
    }
}

/// Warns of unresolved references in the parts of the document that the MOV does not read.
pub(super) fn warn_of_unresolved(root: &Node, findings: &mut Findings) {
    // Aliases share nodes: without `visited`, the time could be exponential.
    let mut visited: HashSet<*const Node> = HashSet::new();
    let mut pending = vec![root];
    while let Some(node) = pending.pop() {
        if !visited.insert(node) {
            continue;
        }
        if let Some((reference, line)) = reference_of(node)
            && resolve(reference, root).is_none()
            && !findings.has_line(line)
        {
            let remedy = remedy(reference);
            findings.warning(line, format!("{} does not resolve; the MOV ignores it: {remedy}", quote(reference)));
        }
        match &node.value {
            Value::List(items) => pending.extend(items.iter().map(|item| &**item)),
            Value::Map(map) => pending.extend(map.entries().iter().map(|entry| &*entry.value)),
            _ => (),
        }
    }
}
