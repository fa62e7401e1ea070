//! `info`: the MOV keeps the description and the version of the API if they are texts.

use crate::asyncapi::finding::Findings;
use crate::asyncapi::yaml::Node;

pub(super) fn check(root: &Node, findings: &mut Findings) {
    let Some(info) = root.get("info") else { return };
    for name in ["version", "description"] {
        if let Some(entry) = info.entry(name)
            && entry.value.as_text().is_none()
        {
            let remedy = entry.value.scalar().map_or("write a text".to_owned(), |text| format!("write \"{text}\""));
            findings.warning(entry.line, format!("`info.{name}` is not a text: the MOV drops it; {remedy}"));
        }
    }
}
