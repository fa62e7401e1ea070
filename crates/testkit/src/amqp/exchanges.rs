//! Exchanges: declaring, binding, and publishing to them.

use amiquip::{ExchangeDeclareOptions, ExchangeType, FieldTable, Publish};

use super::{Client, Message};

impl Client {
    /// Declares a durable exchange of a type: `topic`, `fanout`.
    #[track_caller]
    pub fn declare_exchange(&self, name: &str, kind: &str) {
        let kind = match kind {
            "direct" => ExchangeType::Direct,
            "fanout" => ExchangeType::Fanout,
            "topic" => ExchangeType::Topic,
            other => ExchangeType::Custom(other.to_owned()),
        };
        let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        let declared = self.channel().exchange_declare(kind, name, options).map(drop);
        declared.unwrap_or_else(|error| panic!("cannot declare the exchange {name}: {error}"));
    }

    /// Deletes an exchange.
    #[track_caller]
    pub fn delete_exchange(&self, name: &str) {
        let deleted = self.channel().exchange_delete(name, false);
        deleted.unwrap_or_else(|error| panic!("cannot delete the exchange {name}: {error}"));
    }

    /// Whether an exchange exists.
    pub fn has_exchange(&self, name: &str) -> bool {
        self.channel().exchange_declare_passive(name).is_ok()
    }

    /// Declares a durable queue, and binds it to an exchange.
    #[track_caller]
    pub fn bind(&self, queue: &str, exchange: &str, key: &str) {
        self.declare(queue);
        let bound = self.channel().queue_bind(queue, exchange, key, FieldTable::new());
        bound.unwrap_or_else(|error| panic!("cannot bind {queue} to {exchange}: {error}"));
    }

    /// Publishes a message to an exchange.
    #[track_caller]
    pub fn publish_to(&self, exchange: &str, key: &str, message: &Message) {
        let publish = Publish::with_properties(&message.body, key, message.properties.clone());
        let channel = self.channel();
        channel.enable_publisher_confirms().expect("confirms");
        let confirms = channel.listen_for_publisher_confirms().expect("confirms");
        let published = channel.basic_publish(exchange, publish);
        published.unwrap_or_else(|error| panic!("cannot publish to the exchange {exchange}: {error}"));
        confirms.recv().unwrap_or_else(|_| panic!("the broker did not accept a message to the exchange {exchange}"));
    }
}
