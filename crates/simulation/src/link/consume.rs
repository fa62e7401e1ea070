//! What the component consumes and settles.

use std::collections::VecDeque;
use std::sync::Arc;

use valawai::internals::broker::{ATTEMPTS, Access, Consume, Error};
use valawai::internals::message::Outgoing;

use super::SimulatedLink;
use super::client::Subscription;
use crate::broker::{Frame, LinkId, Request, Response};
use crate::world::World;

impl World {
    /// A delivery is acknowledged: what was published for it must be confirmed.
    fn check_ack(&mut self, link: LinkId, tag: u64) {
        let Some(input) = self.links[link].unsettled.get(&tag).and_then(|polled| polled.input) else { return };
        let is_discarded = self.plan.discards && self.ledger.inputs[input].is_refused;
        if !self.links[link].confirmed.contains(&input) && !is_discarded {
            let process = self.links[link].process;
            self.violated(
                "no ack before the confirm",
                format!("process {process} acknowledged input {input}, and the broker had confirmed no output of it"),
            );
        }
    }
}

impl SimulatedLink {
    fn settle(&self, tag: u64, frame: Frame) -> Result<(), Error> {
        self.check_open()?;
        self.with(|world, link| {
            if world.links[link].unsettled.remove(&tag).is_none() {
                return Err(Error::lost(format!("the delivery {tag} is not in flight")));
            }
            let connection = world.links[link].consuming;
            world.send_to_broker(connection, link, frame);
            Ok(())
        })
    }

    fn subscribe(&self, queue: &Arc<str>, access: Access, prefetch: u16) -> Result<(), Error> {
        let connection = self.consuming();
        // Deliveries may arrive before the answer is read.
        let request = Request::Consume { queue: Arc::clone(queue), access, prefetch };
        let number = self.with(|world, link| {
            let it = &mut world.links[link];
            let (number, buffered) = (it.next_number, VecDeque::new());
            it.subscriptions.push(Subscription { number, queue: Arc::clone(queue), access, prefetch, buffered });
            number
        });
        let answer = self.call(connection, request);
        let failed = match answer {
            Ok(Response::Consuming { consumer }) => {
                assert_eq!(consumer, number, "the broker numbers consumers from 0");
                self.with(|world, link| world.links[link].next_number += 1);
                return Ok(());
            }
            Ok(Response::LockHeld) => Error::LockHeld { queue: queue.to_string() },
            Ok(_) => Error::lost("an unexpected answer"),
            Err(error) => error,
        };
        self.with(|world, link| world.links[link].subscriptions.retain(|it| it.number != number));
        Err(failed)
    }

    /// Cancels all consumers.
    fn cancel_all(&self) -> Result<(), Error> {
        if self.with(|world, link| world.links[link].subscriptions.is_empty()) {
            return Ok(());
        }
        self.call(self.consuming(), Request::Cancel).map(drop)
    }

    /// Requeues deliveries that were never polled.
    fn return_unpolled(&self, tags: &[u64]) -> Result<(), Error> {
        for tag in tags {
            self.check_open()?;
            self.with(|world, link| {
                let connection = world.links[link].consuming;
                world.send_to_broker(connection, link, Frame::Requeue { tag: *tag });
            });
        }
        Ok(())
    }
}

impl Consume for SimulatedLink {
    fn consume(&mut self, queue: &str, access: Access, prefetch: u16) -> Result<(), Error> {
        self.subscribe(&queue.into(), access, prefetch)
    }

    fn set_prefetch(&mut self, consumer: usize, prefetch: u16) -> Result<Vec<u64>, Error> {
        self.with(|world, link| world.links[link].subscriptions[consumer].prefetch = prefetch);
        self.cancel_all()?;
        let cancelled = self.with(|world, link| std::mem::take(&mut world.links[link].subscriptions));
        let mut surplus = Vec::new();
        let mut kept = Vec::new();
        for mut subscription in cancelled {
            let keep = usize::from(subscription.prefetch).min(subscription.buffered.len());
            surplus.extend(subscription.buffered.split_off(keep).into_iter().map(|(tag, _)| tag));
            kept.push(subscription);
        }
        surplus.sort_unstable();
        self.return_unpolled(&surplus)?;
        for Subscription { queue, access, prefetch, buffered, .. } in kept {
            self.subscribe(&queue, access, prefetch)?;
            self.with(|world, link| {
                if let Some(last) = world.links[link].subscriptions.last_mut() {
                    let arrived = std::mem::replace(&mut last.buffered, buffered);
                    last.buffered.extend(arrived);
                }
            });
        }
        Ok(surplus)
    }

    fn cancel(&mut self) -> Result<Vec<u64>, Error> {
        self.cancel_all()?;
        let cancelled = self.with(|world, link| std::mem::take(&mut world.links[link].subscriptions));
        let mut tags: Vec<u64> = cancelled.iter().flat_map(|it| it.buffered.iter().map(|(tag, _)| *tag)).collect();
        tags.sort_unstable();
        self.return_unpolled(&tags)?;
        Ok(tags)
    }

    fn forward(&mut self, tag: u64, body: &[u8], to: &str, headers: &[(&str, &str)]) -> Result<u64, Error> {
        self.check_open()?;
        let polled = self.with(|world, link| {
            world.links[link].unsettled.get(&tag).map(|polled| (polled.input, polled.properties.clone()))
        });
        let Some((input, mut properties)) = polled else {
            return Err(Error::lost(format!("the delivery {tag} is not in flight")));
        };
        if let Some((_, attempts)) = headers.iter().find(|(name, _)| *name == ATTEMPTS) {
            properties.attempts = attempts.parse().unwrap_or(0);
        }
        let message = Outgoing { properties, ..Outgoing::new(to, body.to_vec()) };
        self.send(message, input, true)
    }

    fn acknowledge(&mut self, tag: u64) -> Result<(), Error> {
        self.may_be_preempted();
        self.with(|world, link| world.check_ack(link, tag));
        self.settle(tag, Frame::Acknowledge { tag, is_multiple: false })
    }

    fn acknowledge_up_to(&mut self, tag: u64) -> Result<(), Error> {
        self.may_be_preempted();
        let earlier: Vec<u64> =
            self.with(|world, link| world.links[link].unsettled.range(..tag).map(|(tag, _)| *tag).collect());
        self.with(|world, link| earlier.iter().chain([&tag]).for_each(|tag| world.check_ack(link, *tag)));
        self.settle(tag, Frame::Acknowledge { tag, is_multiple: true })?;
        self.with(|world, link| world.links[link].unsettled.retain(|it, _| *it > tag));
        Ok(())
    }

    fn requeue(&mut self, tag: u64) -> Result<(), Error> {
        self.settle(tag, Frame::Requeue { tag })
    }
}
