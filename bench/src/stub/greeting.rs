//! How a broker begins: what it says of itself must please every client.

use echo_bench::wire::{LARGEST_FRAME, Method, Outbox, PutExt};

const CAPABILITIES: [&str; 5] = [
    "publisher_confirms",
    "basic.nack",
    "consumer_cancel_notify",
    "connection.blocked",
    "authentication_failure_close",
];

/// The first thing that a broker says.
pub(super) fn start(outbox: &mut Outbox) {
    outbox.method(0, Method::CONNECTION_START, |bytes| {
        bytes.extend([0, 9]);
        bytes.put_long_text(&properties());
        bytes.put_long_text(b"PLAIN AMQPLAIN");
        bytes.put_long_text(b"en_US");
    });
}

/// The limits, with RabbitMQ's own figures.
pub(super) fn tune(outbox: &mut Outbox) {
    outbox.method(0, Method::CONNECTION_TUNE, |bytes| {
        bytes.put(2047_u16);
        bytes.put(LARGEST_FRAME);
        bytes.put(60_u16);
    });
}

fn properties() -> Vec<u8> {
    let mut table = Vec::new();
    table.put_text("capabilities");
    table.push(b'F');
    let mut capabilities = Vec::new();
    for name in CAPABILITIES {
        capabilities.put_text(name);
        capabilities.extend([b't', 1]);
    }
    table.put_long_text(&capabilities);
    for (name, value) in [("product", "stub"), ("version", "3.10.8"), ("cluster_name", "stub"), ("platform", "none")] {
        table.put_text(name);
        table.push(b'S');
        table.put_long_text(value.as_bytes());
    }
    table
}
