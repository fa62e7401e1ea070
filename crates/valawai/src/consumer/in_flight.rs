//! The confirm book: which delivery waits for which confirms, and which may be settled.
//!
//! amiquip comes with a `ConfirmSmoother`, which takes a nack for an ack when confirms arrive out of order. This book
//! takes them in any order, and settles each delivery exactly once.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::sequence_window::SequenceWindow;
use super::unroutable::Unroutable;
use crate::broker::{Confirm, Returned};
use crate::ids;
use crate::message::Outgoing;
use crate::mov::log::Entry;

/// More deliveries than any prefetch allows to be open at a time.
const MOST_OPEN: u64 = 1 << 24;

/// Deliveries and publishes of one link. Both are numbered from 1 by the link, so a queue with a first number is enough.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    deliveries: SequenceWindow<Delivery>,
    publishes: SequenceWindow<Publish>,
    unconfirmed_bytes: usize,
    /// Deliveries that wait for one of our own queues, maybe for hours. Those behind them go on without them.
    held: BTreeMap<u64, Delivery>,
}

#[derive(Debug, Default)]
enum Delivery {
    /// Not heard yet: one with a higher number was heard first, on another queue.
    #[default]
    Pending,
    Open {
        awaited: usize,
        refused: bool,
        on_confirm: Vec<Entry>,
    },
    /// All that was said to it is confirmed. It waits for those before it, to be acknowledged with them.
    Done,
    GivenBack,
}

#[derive(Debug, Default)]
enum Publish {
    #[default]
    Confirmed,
    Awaited {
        delivery: u64,
        to: Arc<str>,
        bytes: usize,
        fingerprint: u64,
        returned: bool,
        /// Coming back is as bad as being refused: it is all that is left of the delivery.
        must_arrive: bool,
    },
}

/// What a confirm settled.
#[derive(Debug, Default)]
pub(super) struct Settlement {
    /// Deliveries that the broker must hear again, because it refused what was said to them.
    pub(super) requeue: Vec<u64>,
    /// To be logged, now that everything said to a delivery is confirmed.
    pub(super) log: Vec<Entry>,
    /// Whether anything arrived where it should.
    pub(super) accepted: bool,
}

impl InFlight {
    /// Enters the delivery of `number`, to which nothing is said yet. `false` when no broker would count like that.
    #[must_use]
    pub(super) fn deliver(&mut self, number: u64) -> bool {
        let is_next = number >= self.deliveries.first && number - self.deliveries.first < MOST_OPEN;
        if is_next {
            *self.deliveries.entry(number) = Delivery::Open { awaited: 0, refused: false, on_confirm: Vec::new() };
        }
        is_next
    }

    /// Enters that `message` was published as `sequence` in answer to `delivery`.
    pub(super) fn publish(&mut self, sequence: u64, delivery: u64, message: &Outgoing) {
        let message_id = message.properties.message_id.as_deref();
        self.published(sequence, delivery, Arc::clone(&message.to), message_id, message.body.len(), false);
    }

    /// Enters that `delivery`, with `message_id` and a body of so many `bytes`, was itself published once more to one of
    /// the component's own queues. It must arrive there.
    pub(super) fn forward(&mut self, sequence: u64, delivery: u64, to: &str, message_id: Option<&str>, bytes: usize) {
        self.published(sequence, delivery, to.into(), message_id, bytes, true);
    }

    fn published(
        &mut self,
        sequence: u64,
        delivery: u64,
        to: Arc<str>,
        message_id: Option<&str>,
        bytes: usize,
        must_arrive: bool,
    ) {
        if let Some(Delivery::Open { awaited, .. }) = self.delivery(delivery) {
            *awaited += 1;
        }
        self.unconfirmed_bytes += bytes;
        let fingerprint = fingerprint(message_id);
        *self.publishes.entry(sequence) =
            Publish::Awaited { delivery, to, bytes, fingerprint, returned: false, must_arrive };
    }

    /// Enters that everything is said to `delivery`; `on_confirm` is to be logged when all of it is confirmed, which it
    /// is at once if nothing was said.
    pub(super) fn complete(&mut self, delivery: u64, on_confirm: Vec<Entry>) -> Vec<Entry> {
        let Some(open) = self.delivery(delivery) else { return Vec::new() };
        match open {
            Delivery::Open { awaited: 0, .. } => {
                *open = Delivery::Done;
                on_confirm
            }
            Delivery::Open { on_confirm: kept, .. } => {
                *kept = on_confirm;
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// Enters that `delivery` is given back.
    pub(super) fn requeue(&mut self, delivery: u64) {
        if self.held.remove(&delivery).is_none() {
            *self.deliveries.entry(delivery) = Delivery::GivenBack;
        }
    }

    /// Enters that `delivery` has to wait, and those behind it are not to wait for it. What is said to it later counts.
    pub(super) fn hold(&mut self, delivery: u64) {
        if !self.held.contains_key(&delivery) {
            let open = std::mem::replace(self.deliveries.entry(delivery), Delivery::GivenBack);
            self.held.insert(delivery, open);
        }
    }

    /// Whether something is held, and acknowledgements must not cover what is before them.
    #[must_use]
    pub(super) fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    fn delivery(&mut self, number: u64) -> Option<&mut Delivery> {
        if self.held.is_empty() {
            return self.deliveries.get(number);
        }
        match self.held.get_mut(&number) {
            Some(held) => Some(held),
            None => self.deliveries.get(number),
        }
    }

    /// Enters that a message came back for want of a queue. Its confirm is still to come. Where two may be meant both are,
    /// because one too many that is heard again is better than one too few. Tells whether it was an answer.
    pub(super) fn mark_returned(&mut self, message: &Returned) -> bool {
        let wanted = fingerprint(message.message_id.as_deref());
        let mut was_answer = true;
        for publish in self.publishes.iter_mut() {
            if let Publish::Awaited { to, fingerprint, returned, must_arrive, .. } = publish
                && *fingerprint == wanted
                && **to == *message.to
            {
                *returned = true;
                was_answer = !*must_arrive;
            }
        }
        was_answer
    }

    /// Enters that a message which came back is to be said again: its queue is only away.
    pub(super) fn require_arrival(&mut self, message: &Returned) {
        let wanted = fingerprint(message.message_id.as_deref());
        for publish in self.publishes.iter_mut() {
            if let Publish::Awaited { to, fingerprint, returned: true, must_arrive, .. } = publish {
                *must_arrive |= *fingerprint == wanted && **to == *message.to;
            }
        }
    }

    /// Enters what the broker confirms, and tells what is settled by it; an outage ends with a message that reached its
    /// queue. What is confirmed twice, or was never said, is ignored.
    pub(super) fn confirm(&mut self, confirm: Confirm, unroutable: &mut Unroutable) -> Settlement {
        let mut settlement = Settlement::default();
        if confirm.multiple {
            for sequence in self.publishes.first..=confirm.sequence.min(self.publishes.last()) {
                self.confirm_one(sequence, confirm.accepted, unroutable, &mut settlement);
            }
        } else {
            self.confirm_one(confirm.sequence, confirm.accepted, unroutable, &mut settlement);
        }
        self.publishes.forget_while(|publish| matches!(publish, Publish::Confirmed));
        settlement
    }

    fn confirm_one(&mut self, sequence: u64, accepted: bool, unroutable: &mut Unroutable, settlement: &mut Settlement) {
        let Some(publish) = self.publishes.get(sequence) else { return };
        let awaited = std::mem::take(publish);
        let Publish::Awaited { delivery: number, to, bytes, returned, must_arrive, .. } = awaited else { return };
        self.unconfirmed_bytes -= bytes;
        if accepted && !returned {
            unroutable.end(&to);
        }
        // What nobody listens to is as good as taken.
        let accepted = accepted && !(returned && must_arrive);
        settlement.accepted |= accepted;
        let Some(open) = self.delivery(number) else { return };
        let Delivery::Open { awaited, refused, on_confirm } = open else { return };
        *awaited -= 1;
        *refused |= !accepted;
        if *awaited > 0 {
            return;
        }
        if *refused {
            settlement.requeue.push(number);
        } else {
            settlement.log.append(on_confirm);
            *open = Delivery::Done;
        }
    }

    /// The highest delivery up to which everything is settled and something is still to be acknowledged. It is told once.
    pub(super) fn take_acknowledgeable(&mut self) -> Option<u64> {
        let mut highest = None;
        let first = self.deliveries.first;
        for (number, delivery) in (first..).zip(self.deliveries.iter_mut()) {
            match delivery {
                Delivery::Done => highest = Some(number),
                Delivery::GivenBack => {}
                Delivery::Pending | Delivery::Open { .. } => break,
            }
        }
        self.deliveries.forget_while(|delivery| matches!(delivery, Delivery::Done | Delivery::GivenBack));
        highest
    }

    /// The same while something is held: each delivery that is to be acknowledged by itself.
    pub(super) fn take_each_acknowledgeable(&mut self) -> Vec<u64> {
        let mut each: Vec<u64> =
            self.held.extract_if(.., |_, held| matches!(held, Delivery::Done)).map(|(number, _)| number).collect();
        let first = self.deliveries.first;
        for (number, delivery) in (first..).zip(self.deliveries.iter_mut()) {
            if matches!(delivery, Delivery::Done) {
                *delivery = Delivery::GivenBack;
                each.push(number);
            }
        }
        self.deliveries.forget_while(|delivery| matches!(delivery, Delivery::GivenBack));
        each
    }

    /// The oldest publish that is not confirmed.
    #[must_use]
    pub(super) fn oldest_unconfirmed(&self) -> Option<u64> {
        (!self.publishes.is_empty()).then_some(self.publishes.first)
    }

    /// Whether no confirm is awaited.
    #[must_use]
    pub(super) fn is_confirmed(&self) -> bool {
        self.publishes.is_empty()
    }

    /// How many bytes were said and not confirmed.
    #[must_use]
    pub(super) fn unconfirmed_bytes(&self) -> usize {
        self.unconfirmed_bytes
    }
}

/// Tells which publish a returned message was, in fewer bytes than its identifier. Two may share one; neither is lost by it.
fn fingerprint(message_id: Option<&str>) -> u64 {
    ids::fingerprint(message_id.unwrap_or_default().as_bytes())
}
