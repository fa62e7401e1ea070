//! The envelope in which a C2 component receives a message that was forwarded between two others.

use std::collections::BTreeMap;

use crate::clock::epoch_seconds;
use crate::contract::names::component_of_channel;
use crate::contract::schema::{Object, Schema};
use crate::json::{Json, ObjectBuilder};
use crate::state::component::COMPONENT_TYPES;
use crate::state::connection::{Connection, Endpoint};

/// The schema of an envelope with this message. Neither `source` nor `target` is a reference to the other. So a C2 component
/// whose contract has `target` before `source`, which makes `source` the reference, does not match.
pub(super) fn schema(message: &Schema) -> Schema {
    let string = || Schema::Basic("STRING");
    let kind = || Schema::Enum(COMPONENT_TYPES.map(str::to_owned).into());
    let component = || object([("id", string()), ("name", string()), ("type", kind())]);
    object([
        ("connection_id", string()),
        ("source", component()),
        ("target", component()),
        ("message_payload", message.clone()),
        ("timestamp", Schema::Basic("INTEGER")),
    ])
}

fn object<const N: usize>(properties: [(&str, Schema); N]) -> Schema {
    let properties = properties.map(|(name, schema)| (name.to_owned(), Some(schema)));
    Schema::Object(Object { ordinal: 0, is_referenced: false, properties: BTreeMap::from(properties) })
}

/// The envelope with a message.
pub(super) fn wrap(connection: &Connection, message: &Json) -> Json {
    ObjectBuilder::new()
        .string("connection_id", connection.id.as_str())
        .value("source", component(&connection.source))
        .value("target", component(&connection.target))
        .value("message_payload", message.clone())
        .number("timestamp", epoch_seconds())
        .build()
}

/// The MOV derives the name and the type from the name of the channel, and omits them when that has none.
fn component(endpoint: &Endpoint) -> Json {
    let (kind, name) = component_of_channel(&endpoint.channel).unzip();
    ObjectBuilder::new()
        .string("id", endpoint.component.as_str())
        .optional_string("name", name.as_deref())
        .optional_string("type", kind.as_deref())
        .build()
}
