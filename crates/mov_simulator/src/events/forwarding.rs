//! Forwards the messages of connected components, at most once.

use super::{Reordering, envelope};
use crate::console;
use crate::json::{self, Json};
use crate::state::MovState;
use crate::state::connection::Connection;

/// Forwards a batch of messages. Each of them is sent once for each enabled connection from the queue, so two registrations of
/// the source or of the target double every message.
pub(crate) fn forward(state: &mut MovState, queue: &str, bodies: &[Vec<u8>], reordering: &mut Reordering) {
    if state.discarding.contains_key(queue) {
        return;
    }
    let mut messages = Vec::new();
    for body in bodies {
        match json::read(body) {
            Ok(message @ Json::Object(_)) => messages.push(message),
            Ok(_) => return start_discarding(state, queue, "JSON, but not an object"),
            Err(reason) => return start_discarding(state, queue, &reason),
        }
    }
    reordering.shuffle(&mut messages);
    let connections = state.connections.iter().filter(|connection| connection.forwards_from(queue));
    let connections: Vec<Connection> = connections.cloned().collect();
    for message in &messages {
        for connection in &connections {
            send(state, connection, message);
        }
    }
}

fn send(state: &mut MovState, connection: &Connection, message: &Json) {
    let (source, target) = (&connection.source.channel, &connection.target.channel);
    let description = format!("the connection {} ( from '{source}' to '{target}')", connection.id);
    console::print(&format!("Forwarded from {source} to {target}: {message}"));
    state.logs.add_own("DEBUG", format!("Received from the source of {description} a message"), Some(message));
    state.publish(target, message);
    state.logs.add_own("DEBUG", format!("Notified to the target of {description} a message"), Some(message));
    state.forwarded += 1;
    for notification in connection.notifications.iter().filter(|notification| notification.is_enabled) {
        let (envelope, queue) = (envelope::wrap(connection, message), &notification.target.channel);
        state.publish(queue, &envelope);
        state.logs.add_own("DEBUG", format!("Notified to {queue} a message of {description}"), Some(&envelope));
    }
}

/// As in the real MOV, the stream of messages ends, but not the consumer: from now on the queue's messages are consumed and
/// discarded.
fn start_discarding(state: &mut MovState, queue: &str, reason: &str) {
    console::print(&format!("POISONED {queue} by a message: {reason}; its messages are discarded from now on"));
    state.discarding.insert(queue.to_owned(), reason.to_owned());
    let message = format!("Cannot listen for the messages from the queue {queue}");
    state.logs.add_own_and_print("ERROR", message, Some(&Json::string(reason)));
}
