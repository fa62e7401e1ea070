//! The queues that the MOV consumes, one file for what each of them does.

mod log;
mod notification;
mod query;
mod register;
pub(crate) mod topology;
mod unregister;

use super::journal;
use super::json::Json;
use super::payload::{Decoded, Invalid, decode};
use super::world::World;

/// The fate of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Ack,
    /// Not requeued: it is dropped, and its sender never learns of it.
    Nack,
    /// It stays unacknowledged, and nothing more is taken from its queue until the MOV starts again.
    StreamDies,
}

/// A queue of the MOV.
#[derive(Debug)]
pub(crate) struct Inlet {
    pub(crate) queue: &'static str,
    /// The topic exchange that the MOV binds it to, for no use that anybody knows of.
    pub(crate) exchange: &'static str,
    handle: fn(&mut World, &Json) -> Result<(), Dropped>,
}

/// Why a message is dropped: what the MOV writes to its log, and what exactly was wrong, which only the simulator tells.
#[derive(Debug)]
pub(crate) struct Dropped {
    log: String,
    reason: Invalid,
}

pub(crate) static INLETS: [Inlet; 9] = [
    Inlet { queue: "valawai/component/register", exchange: "register_component", handle: register::handle },
    Inlet { queue: "valawai/component/unregister", exchange: "unregister_component", handle: unregister::handle },
    Inlet { queue: "valawai/component/query", exchange: "query_components", handle: query::components },
    Inlet { queue: "valawai/log/add", exchange: "add_log", handle: log::handle },
    Inlet { queue: topology::CREATE, exchange: "create_connection", handle: topology::create },
    Inlet { queue: topology::CHANGE, exchange: "change_topology", handle: topology::change },
    Inlet { queue: notification::CREATE, exchange: "create_notification", handle: notification::create },
    Inlet {
        queue: "valawai/topology/notification/change",
        exchange: "change_topology_notification",
        handle: notification::change,
    },
    Inlet { queue: "valawai/topology/query", exchange: "query_connections", handle: query::connections },
];

impl Inlet {
    /// Deals with one message.
    pub(crate) fn consume(
        &self,
        world: &mut World,
        content_type: Option<&str>,
        content_encoding: Option<&str>,
        body: &[u8],
    ) -> Verdict {
        match decode(content_type, content_encoding, body) {
            Decoded::Poison(reason) => {
                journal::tell(&format!("POISONED {} by a message: {reason}", self.queue));
                world.poisoned.insert(self.queue.to_owned(), reason);
                Verdict::StreamDies
            }
            Decoded::Null => {
                world.refuse(self.queue, "null", &Json::Null);
                Verdict::Nack
            }
            Decoded::Object(payload) => match (self.handle)(world, &payload) {
                Ok(()) => Verdict::Ack,
                Err(dropped) => {
                    world.refuse(self.queue, &dropped.reason, &payload);
                    world.logs.note("ERROR", dropped.log, Some(&payload));
                    Verdict::Nack
                }
            },
        }
    }
}

impl Dropped {
    /// The payload itself is wrong: the MOV says no more than that.
    fn invalid(what: &str) -> impl Fn(Invalid) -> Self {
        let log = format!("Received invalid {what} payload.");
        move |reason| Self { log: log.clone(), reason }
    }

    /// The payload is well-formed, but cannot be obeyed.
    fn because(what: &str, reason: &str) -> Self {
        Self { log: format!("Received invalid {what} payload, because {reason}."), reason: reason.to_owned() }
    }
}
