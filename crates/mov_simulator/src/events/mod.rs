//! What the MOV does with the messages of its queues (one file for each kind of event), and with those that it forwards.

mod body;
mod discovery;
mod envelope;
pub(crate) mod forwarding;
mod log;
mod notification;
mod query;
pub(crate) mod register;
mod reordering;
pub(crate) mod topology;
pub(crate) mod unregister;

use self::body::Body;
pub(crate) use self::reordering::Reordering;
use crate::console;
use crate::contract::fields::InvalidField;
use crate::json::Json;
use crate::state::MovState;

/// A queue that the MOV consumes.
#[derive(Debug)]
pub(crate) struct MovQueue {
    pub(crate) name: &'static str,
    /// The topic exchange to which the MOV binds the queue. It is also the name of the channel in the health checks.
    pub(crate) exchange: &'static str,
    handle: fn(&mut MovState, &Json) -> Result<(), Rejection>,
}

pub(crate) static MOV_QUEUES: [MovQueue; 9] = [
    MovQueue { name: register::QUEUE, exchange: "register_component", handle: register::handle },
    MovQueue { name: unregister::QUEUE, exchange: "unregister_component", handle: unregister::handle },
    MovQueue { name: query::COMPONENTS, exchange: "query_components", handle: query::components },
    MovQueue { name: log::QUEUE, exchange: "add_log", handle: log::handle },
    MovQueue { name: topology::CREATE, exchange: "create_connection", handle: topology::create },
    MovQueue { name: topology::CHANGE, exchange: "change_topology", handle: topology::change },
    MovQueue { name: notification::CREATE, exchange: "create_notification", handle: notification::create },
    MovQueue { name: notification::CHANGE, exchange: "change_topology_notification", handle: notification::change },
    MovQueue { name: query::CONNECTIONS, exchange: "query_connections", handle: query::connections },
];

/// What happens to a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Ack,
    /// The message is dropped, and its publisher does not learn of it.
    NackWithoutRequeue,
    /// The message stays unacknowledged, and the queue is not consumed any more until the MOV restarts.
    FailStream,
}

/// Why a message is dropped.
#[derive(Debug)]
struct Rejection {
    /// The entry in the MOV's log.
    log_message: String,
    /// The exact reason, which only the simulator reports.
    reason: String,
}

impl Rejection {
    /// A field of the payload is invalid; the MOV's log does not say which.
    fn invalid(payload_name: &str) -> impl Fn(InvalidField) -> Self {
        let log_message = format!("Received invalid {payload_name} payload.");
        move |field| Self { log_message: log_message.clone(), reason: field.to_string() }
    }

    /// The payload is valid, but the request cannot be fulfilled.
    fn because(payload_name: &str, reason: &str) -> Self {
        let log_message = format!("Received invalid {payload_name} payload, because {reason}.");
        Self { log_message, reason: reason.to_owned() }
    }
}

impl MovQueue {
    pub(crate) fn consume(
        &self,
        state: &mut MovState,
        content_type: Option<&str>,
        content_encoding: Option<&str>,
        body: &[u8],
    ) -> Outcome {
        match Body::decode(content_type, content_encoding, body) {
            Body::Object(payload) => match (self.handle)(state, &payload) {
                Ok(()) => Outcome::Ack,
                Err(rejection) => {
                    state.reject(self.name, &rejection.reason, &payload);
                    state.logs.add_own("ERROR", rejection.log_message, Some(&payload));
                    Outcome::NackWithoutRequeue
                }
            },
            Body::Null => {
                state.reject(self.name, "null", &Json::Null);
                Outcome::NackWithoutRequeue
            }
            Body::Poison(reason) => {
                console::print(&format!("POISONED {} by a message: {reason}", self.name));
                state.poisoned.insert(self.name.to_owned(), reason);
                Outcome::FailStream
            }
        }
    }
}
