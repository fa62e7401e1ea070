//! Messages to the MOV's queues.

use serde_json::{Map, Value};

use crate::broker::amqp::operator::{MessageProperties, Operator, OperatorLink, Outcome, Publication};
use crate::commands::exit::{Exit, Stop};
use crate::commands::invocation::Invocation;

/// How long the MOV has to consume a request, in milliseconds: it must not be surprised by it when it starts the next day.
const EXPIRES_AFTER_MS: &str = "10000";

/// How long the broker has to confirm.
const CONFIRM_LIMIT: std::time::Duration = std::time::Duration::from_secs(10);

/// Publishes a request to a queue of the MOV. It is a JSON object, because the MOV stops to read a queue at anything else.
pub(super) fn send(invocation: &Invocation, operator: &Operator, queue: &str, request: &Value) -> Result<(), Stop> {
    let mut properties = Map::new();
    properties.insert("content_type".to_owned(), "application/json".into());
    properties.insert("delivery_mode".to_owned(), 2.into());
    properties.insert("expiration".to_owned(), EXPIRES_AFTER_MS.into());
    let properties = MessageProperties::from_json(&properties, &Map::new());
    let body = request.to_string();
    let channels = operator.open()?;
    let mut link = OperatorLink::new(&channels)?;
    let publication = Publication { exchange: "", key: queue, properties: &properties, body: body.as_bytes() };
    match link.publish_and_wait(publication, &invocation.shutdown, CONFIRM_LIMIT)? {
        Some(Outcome::Routed) => Ok(()),
        Some(Outcome::Unroutable) => Err(Stop::no(format!("the queue {queue} does not exist: the MOV never ran here"))),
        Some(Outcome::Nacked) => Err(Stop::no("the broker rejected the request")),
        None if invocation.is_interrupted() => {
            Err(Stop::new(Exit::Interrupted, "stopped; whether the MOV gets the request is not known"))
        }
        None => Err(Stop::timed_out("the broker has not confirmed the request; it may be frozen or in an alarm")),
    }
}
