//! Which names routes may have, consume and publish to.

use crate::secret::holds_credentials;

/// The type of an exchange that delays messages.
pub(super) const DELAYED: &str = "x-delayed-message";

/// The longest name that AMQP allows, in bytes.
pub(super) const LONGEST_NAME: usize = 255;

/// The longest name of a route, which is part of the names of its queues and of its thread.
const LONGEST_ROUTE: usize = 64;

/// The exchanges through which the MOV consumes its queues.
const EXCHANGES_OF_MOV: [&str; 9] = [
    "register_component",
    "unregister_component",
    "query_components",
    "add_log",
    "query_connections",
    "change_topology",
    "create_connection",
    "create_notification",
    "change_topology_notification",
];

/// What a name must be, if `text` is not one.
type Check = Result<(), &'static str>;

pub(super) fn route(text: &str) -> Check {
    let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    if !text.is_empty() && text.len() <= LONGEST_ROUTE && text.bytes().all(is_valid) {
        return Ok(());
    }
    Err("a name of at most 64 letters, digits, `_`, `-` and `.`")
}

pub(super) fn queue(text: &str) -> Check {
    any(text)?;
    if text.starts_with("amq.") {
        return Err("the name of a queue that does not begin with `amq.`, which the broker reserves");
    }
    // The MOV's own queues, and channels, which the MOV connects.
    if is_of_platform(text) {
        return Err("a queue that does not begin with `valawai/`: the MOV connects the channels of the platform");
    }
    Ok(())
}

pub(super) fn exchange(text: &str, create: bool) -> Check {
    any(text)?;
    if EXCHANGES_OF_MOV.contains(&text) || text.starts_with("valawai.") || is_of_platform(text) {
        return Err("an exchange that does not belong to the platform");
    }
    if create && text.starts_with("amq.") {
        return Err("the name of an exchange that does not begin with `amq.`, or no `create`: the broker has those");
    }
    if text == "amq.default" || text.starts_with("amq.rabbitmq.") {
        return Err("an exchange that the broker does not use for itself");
    }
    Ok(())
}

/// A name in general.
pub(super) fn any(text: &str) -> Check {
    key(text)?;
    if text.is_empty() || holds_credentials(text) {
        return Err("a name of 1 to 255 bytes, without control characters");
    }
    Ok(())
}

/// A routing key, which may be empty.
pub(super) fn key(text: &str) -> Check {
    if text.len() > LONGEST_NAME || text.chars().any(char::is_control) {
        return Err("at most 255 bytes, without control characters");
    }
    Ok(())
}

pub(super) fn host(text: &str) -> Check {
    let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:[]%".contains(&byte);
    if !text.is_empty() && text.len() <= LONGEST_NAME && text.bytes().all(is_valid) && text.matches(':').count() != 1 {
        return Ok(());
    }
    Err("the name or the address of one host; its port is in `port`")
}

fn is_of_platform(text: &str) -> bool {
    text == "valawai" || text.starts_with("valawai/")
}
