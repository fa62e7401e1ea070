//! Requests: messages whose sender wants the reply as well, in addition to the output of the component.

use std::sync::Arc;

use serde_json::json;

use crate::message::{Message, Outgoing, Properties, Reply};

/// The queues to which replies are sent: the broker chose their names, so that nobody can have a component publish to a queue
/// that he may not write to.
const REPLY_QUEUES: [&str; 2] = ["amq.rabbitmq.reply-to.", "amq.gen-"];

/// The body of a reply when the handler has none.
const NO_REPLY: &[u8] = b"{}";

/// The sender of a request.
pub(super) struct Request {
    to: Arc<str>,
    properties: Properties,
}

impl Request {
    /// The sender of `message`, if it wants a reply.
    pub(super) fn of(message: &Message) -> Option<Self> {
        let to = message.properties.reply_to.as_deref()?;
        REPLY_QUEUES
            .iter()
            .any(|prefix| to.starts_with(prefix))
            .then(|| Self { to: to.into(), properties: Properties { reply_to: None, ..message.properties.clone() } })
    }

    /// The handler has succeeded.
    pub(super) fn reply(self, reply: Option<&Reply>) -> Outgoing {
        self.outgoing(reply.map_or(NO_REPLY, Reply::body).to_vec(), "success")
    }

    /// The message cannot be processed.
    pub(super) fn error(self, message: &Message, reason: &str) -> Outgoing {
        self.outgoing(json!({ "reason": reason, "message": message }).to_string().into_bytes(), "error")
    }

    fn outgoing(self, body: Vec<u8>, status: &'static str) -> Outgoing {
        let Self { to, properties } = self;
        // The sender may be gone.
        Outgoing { properties, persistent: false, mandatory: false, status: Some(status), ..Outgoing::new(to, body) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(reply_to: &str) -> Message {
        let properties = Properties {
            reply_to: Some(reply_to.to_owned()),
            correlation_id: Some("c".to_owned()),
            ..Properties::default()
        };
        Message { body: br#"{"a":1}"#.to_vec(), properties }
    }

    #[test]
    fn the_reply_goes_to_the_sender_with_its_correlation() {
        let message = message("amq.rabbitmq.reply-to.x");
        let reply = Request::of(&message).unwrap().reply(Some(&Reply::json(&json!({ "b": 2 })).unwrap()));
        assert_eq!(
            (&*reply.to, &*reply.body, reply.status),
            ("amq.rabbitmq.reply-to.x", &br#"{"b":2}"#[..], Some("success"))
        );
        assert_eq!(reply.properties.correlation_id.as_deref(), Some("c"));
        assert!(!reply.mandatory && reply.properties.reply_to.is_none());
    }

    #[test]
    fn an_error_tells_the_reason_and_the_message() {
        let message = message("amq.gen-x");
        let error = Request::of(&message).unwrap().error(&message, "it is wrong");
        assert_eq!(error.status, Some("error"));
        assert_eq!(String::from_utf8(error.body).unwrap(), r#"{"message":{"a":1},"reason":"it is wrong"}"#);
    }

    #[test]
    fn a_sender_cannot_choose_any_queue() {
        for queue in ["valawai/component/unregister", "amq.rabbitmq.reply-to", "", "x.amq.gen-"] {
            assert!(Request::of(&message(queue)).is_none(), "{queue}");
        }
    }
}
