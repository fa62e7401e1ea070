//! What a C2 component is told of a message that passed between two others.

use std::collections::BTreeMap;

use super::connection::{Connection, End};
use super::id::now;
use super::json::{Json, Members};
use super::schema::{Object, Schema};

/// The schema of an envelope with this message in it. Neither of the two ends refers to the other: that is why a C2 component
/// that writes `target` before `source`, and so has a reference where the first of them is looked at, does not match.
pub(crate) fn schema(message: &Schema) -> Schema {
    let text = || Schema::Basic("STRING");
    let kinds = || Schema::Enum(["C0", "C1", "C2"].map(str::to_owned).into());
    let end = || object([("id", text()), ("name", text()), ("type", kinds())]);
    object([
        ("connection_id", text()),
        ("source", end()),
        ("target", end()),
        ("message_payload", message.clone()),
        ("timestamp", Schema::Basic("INTEGER")),
    ])
}

fn object<const N: usize>(properties: [(&str, Schema); N]) -> Schema {
    let properties = properties.map(|(name, schema)| (name.to_owned(), Some(schema)));
    Schema::Object(Object { ordinal: 0, referenced: false, properties: BTreeMap::from(properties) })
}

pub(crate) fn seal(connection: &Connection, message: &Json) -> Json {
    Members::new()
        .text("connection_id", connection.id.as_str())
        .with("source", end(&connection.source))
        .with("target", end(&connection.target))
        .with("message_payload", message.clone())
        .number("timestamp", now())
        .object()
}

/// Name and type are guessed from the channel's name, and may be missing.
fn end(end: &End) -> Json {
    let (kind, name) = guess(&end.channel).unzip();
    Members::new()
        .text("id", end.component.as_str())
        .optional("name", name.as_deref())
        .optional("type", kind.as_deref())
        .object()
}

/// `…/c1/A-name/…` is a `C1` named `c1_a_name`; the last such place counts.
fn guess(channel: &str) -> Option<(String, String)> {
    let segments: Vec<&str> = channel.split('/').collect();
    let pairs = segments.windows(2).rev();
    let [level, name] = pairs.into_iter().find(|pair| ["c0", "c1", "c2"].contains(&pair[0]))? else { return None };
    let word = |next: char| if next.is_ascii_alphanumeric() { next.to_ascii_lowercase() } else { '_' };
    Some((level.to_ascii_uppercase(), format!("{level}_{}", name.chars().map(word).collect::<String>())))
}
