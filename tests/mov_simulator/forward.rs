//! What the MOV does with the messages of a connected component: it takes them away, at most once, and copies them.

use super::journal;
use super::json::Json;
use super::json_reader;
use super::world::World;

/// One copy for each enabled connection from this queue: two registrations of either side make two, of both sides four.
pub(crate) fn forward(world: &mut World, queue: &str, body: &[u8]) {
    if world.sinks.contains_key(queue) {
        return;
    }
    let message = match json_reader::read(body) {
        Ok(message @ Json::Object(_)) => message,
        Ok(_) => return become_a_sink(world, queue, "JSON, but not an object"),
        Err(reason) => return become_a_sink(world, queue, &reason),
    };
    let carrying = world.connections.iter().filter(|connection| connection.carries(queue));
    let targets: Vec<String> = carrying.map(|connection| connection.target.channel.clone()).collect();
    for target in targets {
        journal::tell(&format!("Forwarded from {queue} to {target}: {message}"));
        world.publish(&target, &message);
        world.forwarded += 1;
    }
}

/// The stream of messages has ended, but not the consumer: from now on all are taken and none is passed on.
fn become_a_sink(world: &mut World, queue: &str, reason: &str) {
    journal::tell(&format!("POISONED {queue} by a message: {reason}; nothing is forwarded from it any more"));
    world.sinks.insert(queue.to_owned(), reason.to_owned());
    world.logs.say("ERROR", format!("Cannot listen for the messages from the queue {queue}"), &reason);
}
