//! Payloads that the MOV connects, but cannot forward, or connects with too much.

use super::registered::FIELDS;
use crate::asyncapi::channels::ParsedChannel;
use crate::asyncapi::finding::Findings;
use crate::asyncapi::matching::matches;
use crate::asyncapi::schema::{Basic, Object, Schema};

pub(super) fn check(channels: &[ParsedChannel<'_>], findings: &mut Findings) {
    for channel in channels {
        let short = channel.name.short();
        if let Some(message) = channel.publish.as_ref().and_then(|operation| operation.message.as_ref()) {
            if !is_object(&message.schema) {
                let text = format!(
                    "the payload of `{short}` is not an object: its first message ends the MOV's forwarding of the \
                     channel; put the value into a field of an object"
                );
                findings.error(message.line(), text);
            } else if let Some(text) = describe_broad_match(short, &message.schema) {
                findings.warning(message.line(), text);
            }
        }
        if let Some(message) = channel.subscribe.as_ref().and_then(|operation| operation.message.as_ref())
            && !is_object(&message.schema)
        {
            let text = format!(
                "the payload of `{short}` is not an object: the MOV forwards only objects; put the value into a field"
            );
            findings.warning(message.line(), text);
        }
    }
}

/// Whether each message is an object.
fn is_object(schema: &Schema) -> bool {
    match schema {
        Schema::Object(_) | Schema::Ref(_) => true,
        Schema::Combined(_, items) => items.iter().all(is_object),
        _ => false,
    }
}

fn describe_broad_match(short: &str, schema: &Schema) -> Option<String> {
    if schema.as_object().is_some_and(|object| object.properties.is_empty()) {
        Some(format!(
            "`{short}` publishes an object without fields, which the MOV connects with each channel that subscribes to \
             an object; list its fields"
        ))
    } else if matches(schema, &usual_notice(), &mut 1000) {
        Some(format!(
            "`{short}` publishes nothing that a notice of the MOV has not: the MOV connects it with `control/registered` \
             of components that register later; add a field, or rename one"
        ))
    } else {
        None
    }
}

/// The notice as most components declare it.
fn usual_notice() -> Schema {
    let schema = |name| match name {
        "since" => Schema::Basic(Basic::Integer),
        "type" => Schema::Enum(["C0", "C1", "C2"].map(str::to_owned).into()),
        _ => Schema::Basic(Basic::String),
    };
    let fields = FIELDS.iter().filter(|name| **name != "channels");
    Schema::Object(Object::new(fields.map(|name| (*name, schema(name)))))
}
