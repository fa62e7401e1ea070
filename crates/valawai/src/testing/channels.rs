//! What tests do with the channels of a running component.

use serde::Serialize;
use serde_json::Value;

use super::Running;
use crate::broker::memory::OnPublish;
use crate::component::input::{Consumed as _, Input};
use crate::consumer::retry::dead_letter_queue;
use crate::message::Message;
use crate::name::ChannelName;

impl Running {
    /// Publishes `value` on a channel that the component consumes. See the example of [`Running`].
    ///
    /// # Panics
    /// If it consumes no such channel, or `value` cannot be serialized.
    pub fn publish(&self, channel: &str, value: &impl Serialize) {
        self.publish_raw(channel, serde_json::to_vec(value).expect("a value that can be serialized"));
    }

    /// Publishes a body of any kind on a channel that the component consumes. See the example of [`Running`].
    ///
    /// # Panics
    /// If it consumes no such channel.
    pub fn publish_raw(&self, channel: &str, body: impl Into<Vec<u8>>) {
        let message = Message { body: body.into(), ..Message::default() };
        self.broker.add(self.consumed(channel).queue(), message);
    }

    /// The next message that the component publishes on a channel, or has published since the last call. See the example of
    /// [`Running`].
    ///
    /// # Panics
    /// If it publishes none, or none within ten seconds.
    #[must_use]
    pub fn receive(&self, channel: &str) -> Value {
        let mut received = self.received.lock();
        let count = received.entry(channel.to_owned()).or_default();
        let position = std::mem::replace(count, *count + 1);
        drop(received);
        self.wait_for(&format!("a message on {channel}"), || self.published(channel).get(position).cloned())
    }

    /// All messages that the component has published on a channel, from the first. See the example of [`Running`].
    ///
    /// # Panics
    /// If it publishes on no such channel.
    #[must_use]
    pub fn published(&self, channel: &str) -> Vec<Value> {
        self.messages(self.output(channel).queue())
    }

    /// The messages of a consumed channel that became dead letters. See the example of [`Running`].
    ///
    /// # Panics
    /// If the component consumes no such channel.
    #[must_use]
    pub fn dead_letters(&self, channel: &str) -> Vec<Value> {
        self.messages(&dead_letter_queue(self.consumed(channel)))
    }

    /// Waits until all messages on a consumed channel are acknowledged: processed, or moved to be retried or to the dead
    /// letters. See the example of [`Running`].
    ///
    /// # Panics
    /// If that takes longer than ten seconds, or the component consumes no such channel.
    pub fn wait_until_acknowledged(&self, channel: &str) {
        let queue = self.consumed(channel).queue();
        self.wait_for(&format!("all messages on {channel} to be acknowledged"), || {
            (self.broker.unacknowledged(queue) == 0).then_some(())
        });
    }

    /// Sets whether the broker rejects what is published on a channel, as for a full queue. See the example of [`Running`].
    ///
    /// # Panics
    /// If the component publishes on no such channel.
    pub fn reject(&self, channel: &str, rejects: bool) {
        let on_publish = if rejects { OnPublish::Nack } else { OnPublish::Confirm };
        self.broker.on_publish(self.output(channel).queue(), on_publish);
    }

    fn consumed(&self, channel: &str) -> &Input {
        let route = self.component.routes.iter().find(|route| route.input.short() == channel);
        &route.unwrap_or_else(|| panic!("the component does not consume {channel}")).input
    }

    fn output(&self, channel: &str) -> &ChannelName {
        let output = self.component.outputs.iter().find(|output| output.short() == channel);
        output.unwrap_or_else(|| panic!("the component does not publish on {channel}"))
    }
}
