//! The channels on which a C2 is notified of the messages between other components.

use crate::asyncapi::channels::{MessageSchema, ParsedChannel};
use crate::asyncapi::finding::Findings;
use crate::asyncapi::matching::matches;
use crate::asyncapi::schema::{Basic, Object, Schema};
use crate::name::{Kind, Level};

const FIELDS: [&str; 5] = ["connection_id", "source", "target", "message_payload", "timestamp"];

const PAYLOAD: &str = "message_payload";

pub(super) fn check(channels: &[ParsedChannel<'_>], findings: &mut Findings) {
    for channel in channels.iter().filter(|channel| channel.name.level() == Level::C2) {
        let Some(message) = channel.subscribe.as_ref().and_then(|operation| operation.message.as_ref()) else {
            continue;
        };
        let Some(object) = message.schema.as_object() else { continue };
        if !object.properties.contains_key(PAYLOAD) {
            continue;
        }
        match channel.name.kind() {
            Kind::Control => check_channel(channel.name.short(), message, object, findings),
            Kind::Data if object.missing(&FIELDS).is_none() => findings.warning(
                channel.line,
                format!(
                    "`{}` has the fields of a sent message, which the MOV sends only on channels under `control/`: \
                     rename it",
                    channel.name.short()
                ),
            ),
            Kind::Data => (),
        }
    }
}

fn check_channel(short: &str, message: &MessageSchema<'_>, object: &Object, findings: &mut Findings) {
    let never = "the MOV never sends messages to it";
    if let Some(missing) = object.missing(&FIELDS) {
        let text =
            format!("the payload of `{short}` has `{PAYLOAD}`, but lacks {missing}: {never}; add what is missing");
        return findings.error(message.line_of(PAYLOAD), text);
    }
    // `target` is compared after `source`, to which it can be a reference.
    for (fields, expected) in [
        (&["connection_id"][..], "must be a string"),
        (&["source"], PARTICIPANT),
        (&["source", "target"], PARTICIPANT),
        (&["timestamp"], "must be an integer: seconds since 1970"),
    ] {
        let field = fields[fields.len() - 1];
        if !accepts(&message.schema, fields) {
            let expected = if is_reference(object, field) { REFERENCE } else { expected };
            return findings
                .error(message.line_of(field), format!("`{field}` of `{short}` {expected}; otherwise {never}"));
        }
    }
    check_payload(short, message, object, findings);
}

const PARTICIPANT: &str =
    "must be an object with `id` and `name` of the type string, and `type` with `enum: [C0, C1, C2]`";
const REFERENCE: &str = "has the fields of an object before it, so that the MOV reads it as a reference to that one, and \
     compares it first:      write `source` before `target`, and other objects with these fields behind both";

fn check_payload(short: &str, message: &MessageSchema<'_>, object: &Object, findings: &mut Findings) {
    let line = message.line_of(PAYLOAD);
    match object.properties.get(PAYLOAD) {
        Some(Some(Schema::Object(payload))) if payload.properties.is_empty() => findings.warning(
            line,
            format!(
                "`{PAYLOAD}` of `{short}` has no fields: the MOV sends it only messages without fields; list those to \
                 observe"
            ),
        ),
        Some(Some(Schema::Object(_) | Schema::Combined(..))) => (),
        _ => findings.error(
            line,
            format!(
                "`{PAYLOAD}` of `{short}` must be an object of its own; otherwise the MOV never sends messages to it: list \
                 its fields"
            ),
        ),
    }
}

fn is_reference(object: &Object, field: &str) -> bool {
    matches!(object.properties.get(field), Some(Some(Schema::Ref(_))))
}

/// Whether the MOV's envelope, reduced to these fields, matches.
fn accepts(schema: &Schema, fields: &[&str]) -> bool {
    let string = || Schema::Basic(Basic::String);
    let types = || Schema::Enum(["C0", "C1", "C2"].map(str::to_owned).into());
    let field_schema = |name| match name {
        "connection_id" => string(),
        "timestamp" => Schema::Basic(Basic::Integer),
        _ => Schema::Object(Object::new([("id", string()), ("name", string()), ("type", types())])),
    };
    let envelope = Schema::Object(Object::new(fields.iter().map(|name| (*name, field_schema(name)))));
    matches(&envelope, schema, &mut 10_000)
}
