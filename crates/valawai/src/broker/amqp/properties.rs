//! Converts between amiquip's properties and this library's.

use amiquip::{AmqpProperties, AmqpValue, FieldTable};

use crate::broker::{ATTEMPTS, DELAYED};
use crate::message::{Outgoing, Properties};
use crate::trace::Trace;

/// The header with which the platform's services identify a conversation.
const CONVERSATION_ID: &str = "conversation_id";

/// The headers of W3C Trace Context.
const TRACE_PARENT: &str = "traceparent";
const TRACE_STATE: &str = "tracestate";

/// The header with the outcome of a request.
const STATUS: &str = "status";

/// The header with which a quorum queue counts the deliveries of a message that were not acknowledged.
const DELIVERIES: &str = "x-delivery-count";

/// The header with the milliseconds by which an exchange with a plugin delays a message. The plugin makes it negative.
const DELAY: &str = "x-delay";

/// The maximum length of an AMQP short string. A longer identifier is ignored.
const MAX_IDENTIFIER: usize = 255;

const PERSISTENT: u8 = 2;

/// The properties of a delivery that this library uses.
pub(super) fn from_amqp(amqp: &AmqpProperties, redelivered: bool) -> Properties {
    let headers = amqp.headers().as_ref();
    Properties {
        message_id: amqp.message_id().clone().filter(|id| !id.is_empty()),
        correlation_id: amqp.correlation_id().clone(),
        reply_to: amqp.reply_to().clone(),
        conversation_id: headers.and_then(conversation_id),
        trace: headers.and_then(trace),
        attempts: headers.map_or(0, attempts),
        redelivered,
        deliveries: headers.map_or(0, deliveries),
        delay_ms: headers.and_then(delay),
    }
}

/// The properties with which `message` is published.
pub(super) fn to_amqp(message: &Outgoing) -> AmqpProperties {
    let mut amqp = AmqpProperties::default().with_content_type("application/json".to_owned());
    if message.persistent {
        amqp = amqp.with_delivery_mode(PERSISTENT);
    }
    if let Some(id) = &message.properties.message_id {
        amqp = amqp.with_message_id(id.clone());
    }
    if let Some(id) = &message.properties.correlation_id {
        amqp = amqp.with_correlation_id(id.clone());
    }
    let trace = message.properties.trace.as_deref();
    let (parent, state) = (trace.map(Trace::traceparent), trace.and_then(Trace::tracestate));
    let headers = [
        (CONVERSATION_ID, message.properties.conversation_id.as_deref()),
        (STATUS, message.status),
        (TRACE_PARENT, parent.as_deref()),
        (TRACE_STATE, state),
    ];
    if headers.iter().any(|(_, text)| text.is_some()) {
        let present = headers.into_iter().filter_map(|(name, text)| Some((name, text?)));
        let table = present.map(|(name, text)| (name.to_owned(), AmqpValue::LongString(text.to_owned())));
        amqp = amqp.with_headers(table.collect());
    }
    if let Some(milliseconds) = message.expires_after_ms {
        amqp = amqp.with_expiration(milliseconds.to_string());
    }
    amqp
}

/// The properties with which a delivery is published to another queue, with `headers` added. Two are dropped: the
/// broker rejects the user of another connection, and an expiration would delete the message.
pub(super) fn forwarded(amqp: &AmqpProperties, headers: &[(&str, &str)]) -> AmqpProperties {
    let mut table = amqp.headers().clone().unwrap_or_default();
    // It belongs to the queue that the message leaves.
    table.remove(DELIVERIES);
    for (name, text) in headers {
        table.insert((*name).to_owned(), AmqpValue::LongString((*text).to_owned()));
    }
    let mut copy = AmqpProperties::default().with_headers(table).with_delivery_mode(PERSISTENT);
    macro_rules! keep {
        ($($property:ident by $setter:ident),* $(,)?) => {
            $(if let Some(value) = amqp.$property() { copy = copy.$setter(value.clone()); })*
        };
    }
    keep!(
        content_type by with_content_type,
        content_encoding by with_content_encoding,
        priority by with_priority,
        correlation_id by with_correlation_id,
        reply_to by with_reply_to,
        message_id by with_message_id,
        timestamp by with_timestamp,
        type_ by with_type_,
        app_id by with_app_id,
    );
    copy
}

fn attempts(headers: &FieldTable) -> u32 {
    match headers.get(ATTEMPTS) {
        Some(AmqpValue::LongString(text)) => text.parse().unwrap_or(0),
        _ => 0,
    }
}

fn deliveries(headers: &FieldTable) -> u32 {
    match headers.get(DELIVERIES) {
        Some(AmqpValue::LongLongInt(count)) => u32::try_from(*count).unwrap_or(0),
        _ => 0,
    }
}

/// The delay of a message that was not delayed yet.
fn delay(headers: &FieldTable) -> Option<u32> {
    let delay = match headers.get(DELAY)? {
        AmqpValue::ShortShortInt(value) => i64::from(*value),
        AmqpValue::ShortShortUInt(value) => i64::from(*value),
        AmqpValue::ShortInt(value) => i64::from(*value),
        AmqpValue::ShortUInt(value) => i64::from(*value),
        AmqpValue::LongInt(value) => i64::from(*value),
        AmqpValue::LongUInt(value) => i64::from(*value),
        AmqpValue::LongLongInt(value) => *value,
        AmqpValue::LongString(text) => text.parse().ok()?,
        _ => return None,
    };
    u32::try_from(delay).ok().filter(|delay| *delay > 0 && !headers.contains_key(DELAYED))
}

/// The trace; `None` if there is none, or it is invalid: that is no error of the message.
fn trace(headers: &FieldTable) -> Option<Box<Trace>> {
    let text = |name| match headers.get(name) {
        Some(AmqpValue::LongString(text)) => Some(&**text),
        _ => None,
    };
    Trace::from_headers(text(TRACE_PARENT)?, text(TRACE_STATE)).ok().map(Box::new)
}

fn conversation_id(headers: &FieldTable) -> Option<String> {
    match headers.get(CONVERSATION_ID)? {
        AmqpValue::LongString(id) if id.len() <= MAX_IDENTIFIER => Some(id.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn table(headers: impl IntoIterator<Item = (&'static str, AmqpValue)>) -> FieldTable {
        headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    #[test]
    fn the_properties_of_a_message_arrive_with_its_delivery() {
        let properties = Properties {
            message_id: Some("m-1".into()),
            correlation_id: Some("q-1".into()),
            conversation_id: Some("c-1".into()),
            trace: Trace::from_headers(PARENT, Some("vendor=1")).ok().map(Box::new),
            ..Properties::default()
        };
        let message = Outgoing { properties: properties.clone(), ..Outgoing::new("q", Vec::new()) };
        assert_eq!(from_amqp(&to_amqp(&message), false), properties);
    }

    #[test]
    fn a_message_is_published_as_persistent_json() {
        let amqp = to_amqp(&Outgoing::new("q", Vec::new()));
        assert_eq!(amqp.content_type().as_deref(), Some("application/json"));
        assert_eq!(amqp.delivery_mode(), &Some(PERSISTENT));
    }

    #[test]
    fn a_forwarded_message_keeps_its_properties_and_gets_the_headers() {
        let amqp = AmqpProperties::default()
            .with_headers(table([("kept", AmqpValue::Boolean(true))]))
            .with_content_type("text/plain".into())
            .with_reply_to("reply".into());
        let forwarded = forwarded(&amqp, &[(ATTEMPTS, "3")]);
        assert_eq!(from_amqp(&forwarded, false).attempts, 3);
        assert_eq!(forwarded.headers().as_ref().unwrap()["kept"], AmqpValue::Boolean(true));
        assert_eq!((forwarded.content_type(), forwarded.reply_to()), (amqp.content_type(), amqp.reply_to()));
        assert_eq!(forwarded.delivery_mode(), &Some(PERSISTENT));
    }

    #[test]
    fn a_forwarded_message_loses_its_user_expiration_and_delivery_count() {
        let amqp = AmqpProperties::default()
            .with_headers(table([(DELIVERIES, AmqpValue::LongLongInt(12))]))
            .with_user_id("somebody".into())
            .with_expiration("5".into());
        let forwarded = forwarded(&amqp, &[]);
        assert_eq!((forwarded.user_id(), forwarded.expiration()), (&None, &None));
        assert_eq!(from_amqp(&forwarded, false).deliveries, 0);
    }

    #[test]
    fn an_invalid_trace_is_ignored() {
        let state = |text: &str| ("tracestate", AmqpValue::LongString(text.into()));
        for parent in [AmqpValue::LongString(PARENT.to_uppercase()), AmqpValue::Boolean(true), AmqpValue::LongInt(1)] {
            let amqp = AmqpProperties::default().with_headers(table([("traceparent", parent), state("vendor=1")]));
            assert_eq!(from_amqp(&amqp, false).trace, None);
        }
        let only_state = AmqpProperties::default().with_headers(table([state("vendor=1")]));
        assert_eq!(from_amqp(&only_state, false).trace, None);
        let parent = AmqpValue::LongString(PARENT.into());
        let amqp = AmqpProperties::default().with_headers(table([("traceparent", parent), state("Vendor")]));
        let trace = from_amqp(&amqp, false).trace.expect("the parent is valid");
        assert_eq!((trace.traceparent(), trace.tracestate()), (PARENT.to_owned(), None));
    }

    #[test]
    fn a_forwarded_message_keeps_its_trace() {
        let headers = [("traceparent", PARENT), ("tracestate", "vendor=1")];
        let headers = headers.map(|(name, text)| (name, AmqpValue::LongString(text.into())));
        let amqp = AmqpProperties::default().with_headers(table(headers));
        assert_eq!(from_amqp(&forwarded(&amqp, &[]), false).trace, from_amqp(&amqp, false).trace);
        assert!(from_amqp(&amqp, false).trace.is_some());
    }

    #[test]
    fn an_invalid_conversation_id_is_ignored() {
        for value in [AmqpValue::LongString("x".repeat(256)), AmqpValue::Boolean(true)] {
            let amqp = AmqpProperties::default().with_headers(table([(CONVERSATION_ID, value)]));
            assert_eq!(from_amqp(&amqp, false).conversation_id, None);
        }
    }
}
