//! Between amiquip's properties and ours.

use amiquip::{AmqpProperties, AmqpValue, FieldTable};

use crate::broker::ATTEMPTS;
use crate::message::{Outgoing, Properties};

/// The header by which the platform's services follow a conversation.
const CONVERSATION_ID: &str = "conversation_id";

/// The header by which a quorum queue tells how often it delivered a message in vain.
const DELIVERIES: &str = "x-delivery-count";

/// What an AMQP short string holds; a longer one could not be sent on.
const LONGEST_IDENTIFIER: usize = 255;

const PERSISTENT: u8 = 2;

/// The properties that mean something here, taken out of those of a delivery.
pub(super) fn taken_from(amqp: &AmqpProperties) -> Properties {
    Properties {
        message_id: amqp.message_id().clone().filter(|id| !id.is_empty()),
        correlation_id: amqp.correlation_id().clone(),
        conversation_id: amqp.headers().as_ref().and_then(conversation_in),
        attempts: amqp.headers().as_ref().map_or(0, attempts_in),
        deliveries: amqp.headers().as_ref().map_or(0, deliveries_in),
    }
}

/// The properties that `message` travels with.
pub(super) fn made_for(message: &Outgoing) -> AmqpProperties {
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
    if let Some(id) = &message.properties.conversation_id {
        amqp = amqp.with_headers(conversation_table(id));
    }
    if let Some(milliseconds) = message.expires_after_ms {
        amqp = amqp.with_expiration(milliseconds.to_string());
    }
    amqp
}

/// The properties of a delivery that is published once more, with `headers` added. Two are left behind: the user, which
/// the broker would hold against ours, and the expiration, which would lose it.
pub(super) fn forwarded(amqp: &AmqpProperties, headers: &[(&str, &str)]) -> AmqpProperties {
    let mut table = amqp.headers().clone().unwrap_or_default();
    // A count of the queue that it leaves.
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

fn attempts_in(headers: &FieldTable) -> u32 {
    match headers.get(ATTEMPTS) {
        Some(AmqpValue::LongString(text)) => text.parse().unwrap_or(0),
        _ => 0,
    }
}

fn deliveries_in(headers: &FieldTable) -> u32 {
    match headers.get(DELIVERIES) {
        Some(AmqpValue::LongLongInt(count)) => u32::try_from(*count).unwrap_or(0),
        _ => 0,
    }
}

fn conversation_in(headers: &FieldTable) -> Option<String> {
    match headers.get(CONVERSATION_ID)? {
        AmqpValue::LongString(id) if id.len() <= LONGEST_IDENTIFIER => Some(id.clone()),
        _ => None,
    }
}

fn conversation_table(id: &str) -> FieldTable {
    let mut headers = FieldTable::new();
    headers.insert(CONVERSATION_ID.to_owned(), AmqpValue::LongString(id.to_owned()));
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_for_a_message_is_taken_from_its_delivery() {
        let properties = Properties {
            message_id: Some("m-1".into()),
            correlation_id: Some("q-1".into()),
            conversation_id: Some("c-1".into()),
            ..Properties::default()
        };
        let amqp = made_for(&Outgoing { properties: properties.clone(), ..Outgoing::new("q", Vec::new()) });
        assert_eq!(taken_from(&amqp), properties);
        assert_eq!(amqp.content_type().as_deref(), Some("application/json"));
        assert_eq!(amqp.delivery_mode(), &Some(PERSISTENT));
    }

    #[test]
    fn what_is_forwarded_keeps_its_properties_and_gets_the_headers() {
        let mut headers = FieldTable::new();
        headers.insert("kept".to_owned(), AmqpValue::Boolean(true));
        headers.insert(DELIVERIES.to_owned(), AmqpValue::LongLongInt(12));
        let amqp = AmqpProperties::default()
            .with_headers(headers)
            .with_content_type("text/plain".into())
            .with_reply_to("back".into())
            .with_user_id("somebody".into())
            .with_expiration("5".into());
        let forwarded = forwarded(&amqp, &[(ATTEMPTS, "3")]);
        assert_eq!(taken_from(&forwarded).attempts, 3);
        assert_eq!(forwarded.headers().as_ref().unwrap()["kept"], AmqpValue::Boolean(true));
        assert_eq!((forwarded.content_type(), forwarded.reply_to()), (amqp.content_type(), amqp.reply_to()));
        assert_eq!((forwarded.user_id(), forwarded.expiration()), (&None, &None));
        assert_eq!(forwarded.delivery_mode(), &Some(PERSISTENT));
    }

    #[test]
    fn a_conversation_that_is_no_identifier_is_left_behind() {
        for value in [AmqpValue::LongString("x".repeat(256)), AmqpValue::Boolean(true)] {
            let mut headers = FieldTable::new();
            headers.insert(CONVERSATION_ID.to_owned(), value);
            assert_eq!(taken_from(&AmqpProperties::default().with_headers(headers)).conversation_id, None);
        }
    }
}
