//! Where each input is: the inputs that were confirmed to their sender must not be lost.

use std::sync::Arc;

use crate::broker::{Kind, Stored};
use crate::world::World;

/// What is known of an input.
#[derive(Debug, Default)]
pub(crate) struct Input {
    /// Whether it can become a dead letter, or be discarded.
    pub(crate) is_refused: bool,
    /// How often it is in an input, retry or dead-letter queue, delivered or not.
    pub(crate) copies: u32,
    /// How often it is in the dead-letter queue.
    pub(crate) dead_letters: u32,
    /// How often its reply is in the output.
    pub(crate) outputs: u32,
    /// How often its reply was dropped, because there was no output queue.
    pub(crate) dropped: u32,
}

/// The inputs so far.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) inputs: Vec<Input>,
    /// The input whose reply came last.
    last_output: Option<usize>,
}

/// The number of the input with this `message_id`.
pub(crate) fn number(message_id: Option<&str>) -> Option<usize> {
    message_id?.strip_prefix('m')?.parse().ok()
}

impl World {
    /// A message was added to a queue.
    pub(crate) fn note_added(&mut self, kind: Kind, input: Option<usize>) {
        let Some(it) = input.and_then(|input| self.ledger.inputs.get_mut(input)) else { return };
        match kind {
            Kind::Input | Kind::Retry => it.copies += 1,
            Kind::DeadLetters => {
                it.copies += 1;
                it.dead_letters += 1;
            }
            Kind::Output => it.outputs += 1,
            Kind::Other => {}
        }
    }

    /// A message left a queue.
    pub(crate) fn note_removed(&mut self, kind: Kind, stored: &Stored) {
        let Some(it) = stored.input.and_then(|input| self.ledger.inputs.get_mut(input)) else { return };
        match kind {
            Kind::Input | Kind::Retry => it.copies -= 1,
            Kind::DeadLetters => {
                it.copies -= 1;
                it.dead_letters -= 1;
            }
            Kind::Output => it.outputs -= 1,
            Kind::Other => {}
        }
    }

    /// A message was published to a queue that does not exist, or whose node is down.
    pub(crate) fn note_unroutable(&mut self, queue: &Arc<str>, input: Option<usize>) {
        if **queue == *self.names.output
            && !self.broker.queues.contains_key(queue)
            && let Some(it) = input.and_then(|input| self.ledger.inputs.get_mut(input))
        {
            it.dropped += 1;
        }
    }

    /// An input left a queue: it must be somewhere else.
    pub(crate) fn check_copies(&mut self, input: Option<usize>, why: &str) {
        let Some(number) = input else { return };
        let Some(it) = self.ledger.inputs.get(number) else { return };
        let is_discarded = it.is_refused && self.plan.discards;
        if it.copies == 0 && it.outputs == 0 && it.dropped == 0 && !is_discarded {
            self.violated(
                "nothing is lost",
                format!(
                    "input {number} left its queue because {why}, and neither its reply nor itself is in any queue"
                ),
            );
        }
    }

    /// A reply arrived in the output queue.
    pub(crate) fn check_output(&mut self, stored: &Stored) {
        let Some(input) = stored.input.filter(|input| *input < self.ledger.inputs.len()) else {
            let id = stored.message.properties.message_id.clone();
            return self.violated("replies keep the id", format!("a reply has the id {id:?}, which no input has"));
        };
        self.tell(|| format!("the reply to input {input} is in the output"));
        if !stored.is_persistent {
            self.violated("replies are persistent", format!("the reply to input {input} is not persistent"));
        }
        if self.plan.is_ordered {
            if let Some(last) = self.ledger.last_output.filter(|last| *last >= input) {
                self.violated(
                    "order",
                    format!("the reply to input {input} came after that to input {last}, with one worker and no fault"),
                );
            }
            self.ledger.last_output = Some(input);
        }
    }
}
