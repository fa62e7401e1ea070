//! What the MOV does with the messages of a connected component: it takes them away, at most once, and copies them.

use super::connection::Connection;
use super::envelope;
use super::journal;
use super::json::Json;
use super::json_reader;
use super::shuffle::Shuffle;
use super::world::World;

/// Messages that came at the same time, for each of which the MOV asks its database: they leave in the order of the answers.
/// One copy goes out for each enabled connection from this queue: two registrations of either side make two, of both sides four.
pub(crate) fn forward(world: &mut World, queue: &str, bodies: &[Vec<u8>], shuffle: &mut Shuffle) {
    let mut messages = Vec::new();
    for body in bodies.iter().take_while(|_| !world.sinks.contains_key(queue)) {
        match json_reader::read(body) {
            Ok(message @ Json::Object(_)) => messages.push(message),
            Ok(_) => return become_a_sink(world, queue, "JSON, but not an object"),
            Err(reason) => return become_a_sink(world, queue, &reason),
        }
    }
    shuffle.mix(&mut messages);
    let carrying = world.connections.iter().filter(|connection| connection.carries(queue));
    let carrying: Vec<Connection> = carrying.cloned().collect();
    for message in &messages {
        for connection in &carrying {
            pass(world, connection, message);
        }
    }
}

fn pass(world: &mut World, connection: &Connection, message: &Json) {
    let (source, target) = (&connection.source.channel, &connection.target.channel);
    let ends = format!("the connection {} ( from '{source}' to '{target}')", connection.id);
    journal::tell(&format!("Forwarded from {source} to {target}: {message}"));
    world.logs.note("DEBUG", format!("Received from the source of {ends} a message"), Some(message));
    world.publish(target, message);
    world.logs.note("DEBUG", format!("Notified to the target of {ends} a message"), Some(message));
    world.forwarded += 1;
    for notification in connection.notifications.iter().filter(|notification| notification.enabled) {
        let (envelope, queue) = (envelope::seal(connection, message), &notification.target.channel);
        world.publish(queue, &envelope);
        world.logs.note("DEBUG", format!("Notified to {queue} a message of {ends}"), Some(&envelope));
    }
}

/// The stream of messages has ended, but not the consumer: from now on all are taken and none is passed on.
fn become_a_sink(world: &mut World, queue: &str, reason: &str) {
    journal::tell(&format!("POISONED {queue} by a message: {reason}; nothing is forwarded from it any more"));
    world.sinks.insert(queue.to_owned(), reason.to_owned());
    let payload = Json::text(reason);
    world.logs.say("ERROR", format!("Cannot listen for the messages from the queue {queue}"), Some(&payload));
}
