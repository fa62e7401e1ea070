//! The broker's part of the connection handshake, acceptable to every client.

use bytes::BufMut;
use echo_bench::wire::{MAX_FRAME_SIZE, Method, PutString, WriteBuffer};

/// RabbitMQ's default limits.
const MAX_CHANNELS: u16 = 2047;
const HEARTBEAT_SECONDS: u16 = 60;

const CAPABILITIES: [&str; 5] = [
    "publisher_confirms",
    "basic.nack",
    "consumer_cancel_notify",
    "connection.blocked",
    "authentication_failure_close",
];

/// Some clients require these properties.
const PROPERTIES: [(&str, &str); 4] =
    [("product", "stub"), ("version", "3.10.8"), ("cluster_name", "stub"), ("platform", "none")];

/// Field types of AMQP tables.
const TABLE: u8 = b'F';
const BOOLEAN: u8 = b't';
const LONG_STRING: u8 = b'S';

/// Appends `connection.start`.
pub(super) fn put_start(output: &mut WriteBuffer) {
    output.put_method(0, Method::CONNECTION_START, |bytes| {
        bytes.put_slice(&[0, 9]);
        bytes.put_long_string(&server_properties());
        bytes.put_long_string(b"PLAIN AMQPLAIN");
        bytes.put_long_string(b"en_US");
    });
}

/// Appends `connection.tune`.
pub(super) fn put_tune(output: &mut WriteBuffer) {
    output.put_method(0, Method::CONNECTION_TUNE, |bytes| {
        bytes.put_u16(MAX_CHANNELS);
        bytes.put_u32(MAX_FRAME_SIZE);
        bytes.put_u16(HEARTBEAT_SECONDS);
    });
}

fn server_properties() -> Vec<u8> {
    let mut capabilities = Vec::new();
    for name in CAPABILITIES {
        capabilities.put_short_string(name);
        capabilities.put_slice(&[BOOLEAN, 1]);
    }
    let mut table = Vec::new();
    table.put_short_string("capabilities");
    table.put_u8(TABLE);
    table.put_long_string(&capabilities);
    for (name, value) in PROPERTIES {
        table.put_short_string(name);
        table.put_u8(LONG_STRING);
        table.put_long_string(value.as_bytes());
    }
    table
}
