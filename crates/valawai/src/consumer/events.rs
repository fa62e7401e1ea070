//! What producers from configuration publish by themselves: what becomes of messages.
//!
//! A producer of replies only publishes the replies as they are, one of dead letters only publishes error reports, and all others
//! publish envelopes, which keep any event in one form.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::consumer_loop::ConsumerLoop;
use super::outcome::Outcome;
use crate::clock;
use crate::message::{Body, Message, Outgoing, Properties};
use crate::name::Kind;
use crate::payload;
use crate::routes::{Events, Form};

/// The longest part of an identifier from outside, in bytes. AMQP allows 255 for all of it.
const LONGEST_ID: usize = 160;

/// The name of an event, in `meta.outcome`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Name {
    Received,
    Reply,
    Retry,
    DeadLetter,
}

/// One event of a delivery.
struct Event<'e> {
    name: Name,
    body: &'e [u8],
    reason: Option<&'e str>,
    /// The identifier of the message in the body.
    id: &'e str,
    /// Where it was consumed from, or published to.
    at: &'e str,
    /// How many attempts have failed.
    attempts: u32,
}

/// A body as JSON that others can parse, or as a text.
struct Data<'e>(&'e [u8]);

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if payload::is_too_deep(self.0) {
            return String::from_utf8_lossy(self.0).serialize(serializer);
        }
        Body(self.0).serialize(serializer)
    }
}

/// A stored message.
#[derive(Serialize)]
struct Envelope<'e> {
    id: &'e str,
    #[serde(rename = "type")]
    kind: &'e str,
    version: &'e str,
    occurred_on: String,
    attributes: Data<'e>,
    meta: Meta<'e>,
}

#[derive(Serialize)]
struct Meta<'e> {
    outcome: Name,
    component: &'e str,
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation_id: Option<&'e str>,
}

/// An error report.
#[derive(Serialize)]
struct Report<'e> {
    data: Data<'e>,
    message: &'e str,
    error_details: Details<'e>,
}

#[derive(Serialize)]
struct Details<'e> {
    id: &'e str,
    #[serde(rename = "type")]
    kind: &'e str,
    component: &'e str,
    version: &'e str,
    occurred_on: String,
    attempts: u32,
}

impl Name {
    fn is_in(self, events: Events) -> bool {
        match self {
            Self::Received => events.received,
            Self::Reply => events.reply,
            Self::Retry => events.retry,
            Self::DeadLetter => events.dead_letter,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Reply => "reply",
            Self::Retry => "retry",
            Self::DeadLetter => "dead-letter",
        }
    }
}

impl ConsumerLoop<'_> {
    /// Hands a delivered message over to the producers that want it. Returns what the later events need of it; `None` without
    /// producers, and for control channels, which work while a producer does not.
    pub(super) fn hand_over_received(&mut self, tag: u64, route: usize, message: &Message) -> Option<Properties> {
        if self.handing_over.outlets.is_empty() {
            return None;
        }
        let input = &self.consumer.router.routes()[route].input;
        if input.is_channel_of(Kind::Control) {
            return None;
        }
        let mut properties = message.properties.clone();
        properties.message_id.get_or_insert_with(|| self.consumer.router.new_id());
        let event = Event {
            name: Name::Received,
            body: &message.body,
            reason: None,
            id: properties.message_id.as_deref().unwrap_or_default(),
            at: input.short(),
            attempts: properties.attempts,
        };
        self.hand_over_event(tag, &properties, &event);
        Some(properties)
    }

    /// Hands over what becomes of a delivered message.
    pub(super) fn hand_over_outcome(&mut self, tag: u64, route: usize, properties: &Properties, outcome: &Outcome) {
        let consumer = self.consumer;
        let route = &consumer.router.routes()[route];
        let id = properties.message_id.as_deref().unwrap_or_default();
        let failed = |name, body, reason, attempts| Event {
            name,
            body,
            reason: Some(reason),
            id,
            at: route.input.short(),
            attempts,
        };
        let attempts = properties.attempts;
        let event = match outcome {
            Outcome::Publish { messages, has_reply: true, .. } => {
                let (Some(reply), Some(channel)) = (messages.last(), &route.reply_to) else { return };
                let id = reply.properties.message_id.as_deref().unwrap_or(id);
                Event { name: Name::Reply, body: &reply.body, reason: None, id, at: channel.short(), attempts }
            }
            Outcome::Publish { .. } | Outcome::Requeue => return,
            Outcome::Retry { body, reason, attempts, .. } => failed(Name::Retry, body, reason, *attempts),
            Outcome::DeadLetter(letter) => failed(Name::DeadLetter, &letter.body, &letter.reason, letter.attempts),
            Outcome::Discard { body, reason, .. } => failed(Name::DeadLetter, body, reason, attempts + 1),
        };
        self.hand_over_event(tag, properties, &event);
    }

    fn hand_over_event(&mut self, tag: u64, properties: &Properties, event: &Event<'_>) {
        let outlets = Arc::clone(&self.handing_over.outlets);
        for outlet in outlets.iter().filter(|outlet| event.name.is_in(outlet.events)) {
            let form = outlet.events.form();
            let message = self.message_of(properties, event, form);
            self.hand_over(tag, outlet, message);
        }
    }

    fn message_of(&self, properties: &Properties, event: &Event<'_>, form: Form) -> Outgoing {
        let scope = self.consumer.router.scope();
        let (component, version) = (&*scope.component, scope.version);
        let occurred_on = clock::rfc_3339(clock::milliseconds());
        let Event { name, body, reason, id, at, attempts } = *event;
        let (body, message_id) = match form {
            Form::Reply => (Ok(body.to_vec()), id.to_owned()),
            Form::Report => {
                let details = Details { id, kind: at, component, version, occurred_on, attempts };
                let report = Report { data: Data(body), message: reason.unwrap_or_default(), error_details: details };
                (serde_json::to_vec(&report), id_of(id, "error"))
            }
            Form::Envelope => {
                let (correlation_id, conversation_id) =
                    (properties.correlation_id.as_deref(), properties.conversation_id.as_deref());
                let meta = Meta { outcome: name, component, attempts, reason, correlation_id, conversation_id };
                let envelope = Envelope { id, kind: at, version, occurred_on, attributes: Data(body), meta };
                (serde_json::to_vec(&envelope), id_of(id, &format!("{}/{attempts}", name.text())))
            }
        };
        let properties = Properties {
            message_id: Some(message_id),
            correlation_id: properties.correlation_id.clone(),
            conversation_id: properties.conversation_id.clone(),
            trace: properties.trace.clone(),
            ..Properties::default()
        };
        let body = body.expect("texts, numbers and valid JSON can be serialized");
        Outgoing { properties, ..Outgoing::new("", body) }
    }
}

/// The identifier of what is published for the message `id`: the same whenever that is published again.
pub(super) fn id_of(id: &str, what: &str) -> String {
    format!("{}/{what}", &id[..id.floor_char_boundary(LONGEST_ID)])
}
