//! The properties of a message as operators see them: all of them, as JSON.

use amiquip::{AmqpProperties, AmqpValue, FieldTable};
use serde_json::{Map, Value};

use super::values;

/// The properties and headers of a message. They are published as they were received, whatever their types.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MessageProperties(AmqpProperties);

const PERSISTENT: u8 = 2;

impl MessageProperties {
    /// The properties of a persistent message with this content type.
    #[must_use]
    pub fn persistent(content_type: &str) -> Self {
        let amqp = AmqpProperties::default().with_content_type(content_type.to_owned());
        Self(amqp.with_delivery_mode(PERSISTENT))
    }

    pub(super) fn from_amqp(amqp: AmqpProperties) -> Self {
        Self(amqp)
    }

    pub(super) fn as_amqp(&self) -> &AmqpProperties {
        &self.0
    }

    /// The identifier of the message.
    #[must_use]
    pub fn message_id(&self) -> Option<&str> {
        self.0.message_id().as_deref()
    }

    /// The request that it replies to, or that is to be replied to.
    #[must_use]
    pub fn correlation_id(&self) -> Option<&str> {
        self.0.correlation_id().as_deref()
    }

    /// What the body is.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.0.content_type().as_deref()
    }

    /// The header `name`.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<Value> {
        self.0.headers().as_ref()?.get(name).map(values::to_json)
    }

    /// The header `name`, if it is a text.
    #[must_use]
    pub fn text_header(&self, name: &str) -> Option<&str> {
        match self.0.headers().as_ref()?.get(name)? {
            AmqpValue::LongString(text) => Some(text),
            _ => None,
        }
    }

    /// All headers.
    #[must_use]
    pub fn headers(&self) -> Map<String, Value> {
        self.0.headers().as_ref().map(values::table_to_json).unwrap_or_default()
    }

    /// All other properties that are set, under their names in AMQP.
    #[must_use]
    pub fn to_json(&self) -> Map<String, Value> {
        let mut map = Map::new();
        macro_rules! add {
            ($($property:ident as $name:literal),* $(,)?) => {
                $(if let Some(value) = self.0.$property() { map.insert($name.to_owned(), value.clone().into()); })*
            };
        }
        add!(
            message_id as "message_id",
            correlation_id as "correlation_id",
            reply_to as "reply_to",
            content_type as "content_type",
            content_encoding as "content_encoding",
            delivery_mode as "delivery_mode",
            priority as "priority",
            expiration as "expiration",
            timestamp as "timestamp",
            type_ as "type",
            user_id as "user_id",
            app_id as "app_id",
            cluster_id as "cluster_id",
        );
        map
    }

    /// The properties and headers that [`Self::to_json`] and [`Self::headers`] returned. The user and unknown names are left out:
    /// the broker rejects the user of another connection.
    #[must_use]
    pub fn from_json(properties: &Map<String, Value>, headers: &Map<String, Value>) -> Self {
        let mut amqp = AmqpProperties::default();
        let text = |name: &str| properties.get(name).and_then(Value::as_str).map(str::to_owned);
        let number = |name: &str| properties.get(name).and_then(Value::as_u64);
        let byte = |name: &str| number(name).and_then(|number| u8::try_from(number).ok());
        macro_rules! set {
            ($($setter:ident from $value:expr),* $(,)?) => {
                $(if let Some(value) = $value { amqp = amqp.$setter(value); })*
            };
        }
        set!(
            with_message_id from text("message_id"),
            with_correlation_id from text("correlation_id"),
            with_reply_to from text("reply_to"),
            with_content_type from text("content_type"),
            with_content_encoding from text("content_encoding"),
            with_delivery_mode from byte("delivery_mode"),
            with_priority from byte("priority"),
            with_expiration from text("expiration"),
            with_timestamp from number("timestamp"),
            with_type_ from text("type"),
            with_app_id from text("app_id"),
        );
        if !headers.is_empty() {
            amqp = amqp.with_headers(values::table_from_json(headers));
        }
        Self(amqp)
    }

    /// Sets the header `name` to a text.
    #[must_use]
    pub fn with_header(self, name: &str, text: &str) -> Self {
        self.with_headers(|headers| {
            headers.insert(name.to_owned(), AmqpValue::LongString(text.to_owned()));
        })
    }

    /// Removes the headers for which `is_removed`.
    #[must_use]
    pub fn without_headers(self, is_removed: impl Fn(&str) -> bool) -> Self {
        if self.0.headers().is_none() {
            return self;
        }
        self.with_headers(|headers| {
            let names: Vec<String> = headers.keys().filter(|name| is_removed(name)).cloned().collect();
            for name in names {
                headers.remove(&name);
            }
        })
    }

    /// Sets the identifier of the message.
    #[must_use]
    pub fn with_message_id(self, id: &str) -> Self {
        Self(self.0.with_message_id(id.to_owned()))
    }

    /// Sets the identifier of the request.
    #[must_use]
    pub fn with_correlation_id(self, id: &str) -> Self {
        Self(self.0.with_correlation_id(id.to_owned()))
    }

    pub(super) fn with_reply_to(self, queue: &str) -> Self {
        Self(self.0.with_reply_to(queue.to_owned()))
    }

    /// The properties with which the message is published once more: persistent, and without what the broker would reject or
    /// misinterpret. See `properties::forwarded`.
    #[must_use]
    pub fn forwarded(&self) -> Self {
        Self(crate::broker::amqp::properties::forwarded(&self.0, &[]))
    }

    fn with_headers(self, change: impl FnOnce(&mut FieldTable)) -> Self {
        let mut headers = self.0.headers().clone().unwrap_or_default();
        change(&mut headers);
        Self(self.0.with_headers(headers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_and_headers_survive_a_recording() {
        let headers = [
            ("text", AmqpValue::LongString("a".to_owned())),
            ("number", AmqpValue::LongLongInt(-5)),
            ("yes", AmqpValue::Boolean(true)),
            ("list", AmqpValue::FieldArray(vec![AmqpValue::Void, AmqpValue::Double(0.5)])),
        ];
        let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let amqp = AmqpProperties::default()
            .with_message_id("m-1".to_owned())
            .with_delivery_mode(PERSISTENT)
            .with_timestamp(1_700_000_000)
            .with_type_("t".to_owned())
            .with_headers(headers);
        let properties = MessageProperties::from_amqp(amqp);
        let copy = MessageProperties::from_json(&properties.to_json(), &properties.headers());
        assert_eq!(copy, properties);
    }

    #[test]
    fn headers_are_added_and_removed() {
        let properties =
            MessageProperties::persistent("text/plain").with_header("kept", "1").with_header("x-gone", "2");
        let properties = properties.without_headers(|name| name.starts_with("x-"));
        assert_eq!((properties.text_header("kept"), properties.text_header("x-gone")), (Some("1"), None));
        assert_eq!(properties.content_type(), Some("text/plain"));
    }
}
