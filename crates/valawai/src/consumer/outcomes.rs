//! Carries out what the router decided.

use super::consumer_loop::ConsumerLoop;
use super::outcome::Outcome;
use crate::broker::Error;
use crate::message::Outgoing;
use crate::mov::log::Entry;
use crate::operations::tap::What;

impl ConsumerLoop<'_> {
    /// The outcome, or a refusal if the broker would reject one of its messages.
    pub(super) fn refuse_too_large(&mut self, consumer: usize, outcome: Outcome) -> Result<Outcome, Error> {
        match outcome {
            Outcome::Publish { messages, has_reply, routed, on_confirm, message } => {
                Ok(match self.too_large(&messages)? {
                    None => Outcome::Publish { messages, has_reply, routed, on_confirm, message },
                    Some(reason) => self.consumer.router.refuse_reply(consumer, message, reason),
                })
            }
            other => Ok(other),
        }
    }

    pub(super) fn carry_out(&mut self, outcome: Outcome, tag: u64, id: Option<String>) -> Result<(), Error> {
        match outcome {
            Outcome::Publish { messages, routed, on_confirm, message, .. } => {
                self.hand_over_routed(tag, id.as_deref(), message.properties.trace.as_deref(), routed);
                self.publish(&messages, on_confirm, tag)
            }
            Outcome::Retry { body, queue, attempts, .. } => self.retry(tag, id, body, queue, attempts),
            Outcome::DeadLetter(mut letter) => {
                self.answer(letter.answer.take())?;
                self.dead_letter(tag, id, letter)
            }
            Outcome::Discard { answer, .. } => {
                self.answer(answer)?;
                self.in_flight.complete(tag, Vec::new());
                Ok(())
            }
            Outcome::Requeue => self.requeue(tag),
        }
    }

    /// Tells the sender of a request that it failed. Nothing waits for the confirm: the sender may be gone.
    fn answer(&mut self, answer: Option<Box<Outgoing>>) -> Result<(), Error> {
        match answer.map(|answer| self.link.publish(&answer)) {
            None | Some(Ok(_) | Err(Error::TooLarge { .. })) => Ok(()),
            Some(Err(error)) => Err(error),
        }
    }

    fn publish(&mut self, messages: &[Outgoing], on_confirm: Vec<Entry>, tag: u64) -> Result<(), Error> {
        let tap = &self.consumer.options.operations.tap;
        for message in messages {
            if self.hand_over_to_channels(tag, message) {
                continue;
            }
            let sequence = self.link.publish(message)?;
            if tap.wants_messages() {
                tap.add(What::Published, &message.to, message.properties.message_id.as_deref(), &message.body);
            }
            self.in_flight.publish(sequence, tag, message);
        }
        let entries = self.in_flight.complete(tag, on_confirm);
        self.log(entries);
        Ok(())
    }

    /// Why the broker would reject one of `messages`; it is checked before any of them is published.
    fn too_large(&mut self, messages: &[Outgoing]) -> Result<Option<String>, Error> {
        let Some(largest) = messages.iter().map(|message| message.body.len()).max() else { return Ok(None) };
        match self.link.check_size(largest) {
            Ok(()) => Ok(None),
            Err(error @ Error::TooLarge { .. }) => Ok(Some(error.to_string())),
            Err(error) => Err(error),
        }
    }
}
