//! The client's side of a link: what the component calls.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::Receiver;
use valawai::internals::broker::{
    ATTEMPTS, Access, Confirm, Consume, Declared, Delivery, Error, Event, Link, MAX_BROWSED, OwnQueue, Publish, Queues,
};
use valawai::internals::message::{Message, Outgoing, Properties};
use valawai::internals::mov::payloads::UNREGISTER;
use valawai::internals::routes::{Binding, Exchange};
use valawai::internals::shutdown::Shutdown;

use crate::broker::{ConnectionId, Frame, LinkId, OwnedOptions, Reply, Request, Response};
use crate::ledger;
use crate::scheduler;
use crate::session::micros;
use crate::world::{self, Micros, SECOND, World};

/// How long a call may take, as in `broker/amqp`.
const CALL_LIMIT: Micros = 10 * SECOND;

/// No wait of the component is longer.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// What the client of a link knows.
pub(crate) struct ClientLink {
    pub(crate) process: usize,
    pub(crate) publishing: ConnectionId,
    pub(crate) consuming: ConnectionId,
    querying: ConnectionId,
    /// The connection of the last call.
    pub(crate) called: ConnectionId,
    /// Confirms and returned messages, in their order.
    events: VecDeque<Event>,
    subscriptions: Vec<Subscription>,
    next_number: usize,
    next: usize,
    /// Deliveries that were polled and not settled.
    unsettled: BTreeMap<u64, Polled>,
    published: u64,
    unsent: Vec<Frame>,
    calls: u64,
    response: Option<(u64, Response)>,
    confirms: bool,
    pub(crate) publishes: BTreeMap<u64, Published>,
    /// The inputs whose output is confirmed, as far as the component has been told.
    confirmed: BTreeSet<usize>,
    returned: BTreeSet<(String, Option<String>)>,
}

struct Subscription {
    /// Its number at the broker.
    number: usize,
    queue: Arc<str>,
    access: Access,
    prefetch: u16,
    buffered: VecDeque<(u64, Message)>,
}

struct Polled {
    input: Option<usize>,
    properties: Properties,
}

/// A publish for an input that is not confirmed.
pub(crate) struct Published {
    input: usize,
    to: Arc<str>,
    message_id: Option<String>,
    must_arrive: bool,
}

impl ClientLink {
    pub(crate) fn new(
        process: usize,
        publishing: ConnectionId,
        consuming: ConnectionId,
        querying: ConnectionId,
    ) -> Self {
        Self {
            process,
            publishing,
            consuming,
            querying,
            called: consuming,
            events: VecDeque::new(),
            subscriptions: Vec::new(),
            next_number: 0,
            next: 0,
            unsettled: BTreeMap::new(),
            published: 0,
            unsent: Vec::new(),
            calls: 0,
            response: None,
            confirms: true,
            publishes: BTreeMap::new(),
            confirmed: BTreeSet::new(),
            returned: BTreeSet::new(),
        }
    }

    /// A frame arrived.
    pub(crate) fn receive(&mut self, reply: Reply) {
        match reply {
            Reply::Confirm(confirm) => self.events.push_back(Event::Confirm(confirm)),
            Reply::Returned(returned) => self.events.push_back(Event::Returned(returned)),
            Reply::Response { number, response } if number == self.calls => self.response = Some((number, response)),
            Reply::Response { .. } => {}
            Reply::Deliver { tag, consumer, message } => {
                if let Some(found) = self.subscriptions.iter_mut().find(|it| it.number == consumer) {
                    found.buffered.push_back((tag, message));
                }
            }
        }
    }

    /// What a confirm means for the inputs, once the component knows of it.
    fn note_confirm(&mut self, confirm: Confirm) {
        let Confirm { sequence, multiple, accepted } = confirm;
        let from = if multiple { 0 } else { sequence };
        for (_, published) in self.publishes.extract_if(from..=sequence, |_, _| true) {
            let key = (published.to.to_string(), published.message_id);
            let is_lost = self.returned.remove(&key) && published.must_arrive;
            if accepted && !is_lost {
                self.confirmed.insert(published.input);
            }
        }
    }
}

/// A link, as the component has it.
pub(crate) struct SimulatedLink {
    pub(crate) id: LinkId,
}

impl World {
    fn is_open(&self, link: LinkId) -> bool {
        let ClientLink { publishing, consuming, querying, .. } = self.links[link];
        [publishing, consuming, querying].iter().all(|it| self.broker.connections[*it].is_open)
    }

    fn flush(&mut self, link: LinkId) {
        let connection = self.links[link].publishing;
        for frame in std::mem::take(&mut self.links[link].unsent) {
            self.send_to_broker(connection, link, frame);
        }
    }

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
    fn with<T>(&self, use_link: impl FnOnce(&mut World, LinkId) -> T) -> T {
        world::with(|world| use_link(world, self.id))
    }

    fn check_open(&self) -> Result<(), Error> {
        if self.with(|world, link| world.is_open(link) && !world.is_running_dead()) {
            Ok(())
        } else {
            Err(Error::lost("the connection is gone"))
        }
    }

    /// Another thread may run now.
    fn may_be_preempted(&self) {
        let pause = self.with(|world, _| (world.random.u8(..) < 16).then(|| world.random.u64(1..2_000)));
        if let Some(pause) = pause {
            scheduler::sleep(pause);
        }
    }

    /// Sends a request, and waits for the answer.
    fn call(&self, on: ConnectionId, request: Request) -> Result<Response, Error> {
        self.check_open()?;
        let deadline = self.with(|world, link| {
            let it = &mut world.links[link];
            it.calls += 1;
            it.called = on;
            it.response = None;
            let number = it.calls;
            world.send_to_broker(on, link, Frame::Call { number, request });
            world.now + CALL_LIMIT
        });
        let id = self.id;
        scheduler::wait(Some(deadline), &mut || {
            world::with(|world| world.links[id].response.is_some() || !world.broker.connections[on].is_open)
        });
        let response = self.with(|world, link| world.links[link].response.take());
        match response {
            Some((_, Response::Denied(reason))) => {
                Err(Error::Denied { action: "do this".into(), reason: reason.into() })
            }
            Some((_, response)) => Ok(response),
            None => {
                // The watchdog shuts down the socket of a call that takes too long.
                self.with(|world, _| {
                    if world.broker.connections[on].is_open {
                        world.break_connection(on, false);
                        world.client_notices(on);
                    }
                });
                Err(Error::timed_out("answer a call", Duration::from_micros(CALL_LIMIT)))
            }
        }
    }

    fn consuming(&self) -> ConnectionId {
        self.with(|world, link| world.links[link].consuming)
    }

    fn querying(&self) -> ConnectionId {
        self.with(|world, link| world.links[link].querying)
    }

    /// Opens the channels.
    pub(crate) fn open(&self, is_confirmed: bool) -> Result<(), Error> {
        self.with(|world, link| world.links[link].confirms = is_confirmed);
        self.call(self.consuming(), Request::Open).map(drop)
    }

    fn send(&self, message: Outgoing, input: Option<usize>, must_arrive: bool) -> Result<u64, Error> {
        self.may_be_preempted();
        self.check_open()?;
        Ok(self.with(|world, link| {
            let it = &mut world.links[link];
            it.published += 1;
            let sequence = it.published;
            if let Some(input) = input {
                let (to, message_id) = (Arc::clone(&message.to), message.properties.message_id.clone());
                it.publishes.insert(sequence, Published { input, to, message_id, must_arrive });
            }
            it.unsent.push(Frame::Publish { sequence: if it.confirms { sequence } else { 0 }, message, input });
            if world.random.u8(..8) == 0 {
                world.flush(link);
            }
            sequence
        }))
    }

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

    fn subscribe(&self, queue: Arc<str>, access: Access, prefetch: u16) -> Result<(), Error> {
        let connection = self.consuming();
        let id = self.id;
        // Deliveries may arrive before the answer is read.
        let request = Request::Consume { queue: Arc::clone(&queue), access, prefetch };
        let number = self.with(|world, link| world.links[link].next_consumer_number());
        let buffered = VecDeque::new();
        self.with(|world, link| {
            let subscription = Subscription { number, queue: Arc::clone(&queue), access, prefetch, buffered };
            world.links[link].subscriptions.push(subscription);
        });
        let answer = self.call(connection, request);
        let failed = match answer {
            Ok(Response::Consuming { consumer }) => {
                assert_eq!(consumer, number, "the broker numbers consumers from 0");
                return Ok(());
            }
            Ok(Response::LockHeld) => Error::LockHeld { queue: queue.to_string() },
            Ok(_) => Error::lost("an unexpected answer"),
            Err(error) => error,
        };
        world::with(|world| {
            world.links[id].subscriptions.retain(|it| it.number != number);
            world.links[id].next_number = number;
        });
        Err(failed)
    }

    /// Cancels all consumers; `keep` of the deliveries that were not polled stay buffered, in front of what `again` consumes.
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

impl ClientLink {
    /// The broker numbers the consumers of a link from 0.
    fn next_consumer_number(&mut self) -> usize {
        self.next_number += 1;
        self.next_number - 1
    }

    /// The next delivery, of the subscriptions in turn.
    fn poll_delivery(&mut self) -> Option<Delivery> {
        for _ in 0..self.subscriptions.len() {
            let index = self.next % self.subscriptions.len();
            self.next = (index + 1) % self.subscriptions.len();
            if let Some((tag, message)) = self.subscriptions[index].buffered.pop_front() {
                let input = ledger::number(message.properties.message_id.as_deref());
                self.unsettled.insert(tag, Polled { input, properties: message.properties.clone() });
                return Some(Delivery { tag, consumer: index, message });
            }
        }
        None
    }
}

impl Queues for SimulatedLink {
    fn declare(&mut self, queue: &str) -> Result<(), Error> {
        self.call(self.consuming(), Request::Declare { queue: queue.into(), own: None }).map(drop)
    }

    fn declare_own(&mut self, queue: &str, options: &OwnQueue<'_>) -> Result<(), Error> {
        let own = OwnedOptions {
            delay: options.delay.map(|(after, to)| (after, to.to_owned())),
            expires_after_ms: options.expires_after_ms,
            newest_only: options.newest_only,
        };
        self.call(self.querying(), Request::Declare { queue: queue.into(), own: Some(own) }).map(drop)
    }

    fn declare_service(&mut self, _queue: &str, _keys: &[String]) -> Result<(), Error> {
        Err(Error::Denied { action: "declare the service".into(), reason: "it is not simulated".into() })
    }

    fn declare_exchange(&mut self, _exchange: &Exchange) -> Result<Declared, Error> {
        Err(Error::Denied { action: "declare an exchange".into(), reason: "it is not simulated".into() })
    }

    fn declare_route(&mut self, queue: &str, _binding: Option<&Binding>) -> Result<Declared, Error> {
        self.declare(queue).map(|()| Declared::AsConfigured)
    }

    fn browse(&mut self, queue: &str, take: &mut dyn FnMut(&Message) -> bool) -> Result<(), Error> {
        let connection = self.querying();
        for _ in 0..MAX_BROWSED {
            match self.call(connection, Request::Get { queue: queue.into() })? {
                Response::Got(Some(message)) => {
                    if take(&message) {
                        self.call(connection, Request::Remove)?;
                    }
                }
                _ => break,
            }
        }
        self.call(connection, Request::EndBrowse).map(drop)
    }

    fn consumers(&mut self, queue: &str) -> Result<Option<u32>, Error> {
        match self.call(self.querying(), Request::Inspect { queue: queue.into() })? {
            Response::Inspected { consumers, .. } => Ok(consumers),
            _ => Ok(None),
        }
    }

    fn is_missing(&mut self, queue: &str) -> Result<bool, Error> {
        match self.call(self.querying(), Request::Inspect { queue: queue.into() })? {
            Response::Inspected { is_missing, .. } => Ok(is_missing),
            _ => Ok(false),
        }
    }
}

impl Publish for SimulatedLink {
    fn publish(&mut self, message: &Outgoing) -> Result<u64, Error> {
        if *message.to == *UNREGISTER {
            self.with(|world, link| world.check_unregister(world.links[link].process));
        }
        let is_output = self.with(|world, _| *message.to == *world.names.output);
        let input = ledger::number(message.properties.message_id.as_deref()).filter(|_| is_output);
        self.send(message.clone(), input, false)
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.check_open()?;
        self.with(|world, link| world.flush(link));
        Ok(())
    }

    fn check_size(&mut self, _bytes: usize) -> Result<(), Error> {
        self.check_open()
    }

    fn is_blocked(&self) -> bool {
        self.with(|world, _| world.broker.is_blocked && world.now > world.broker.blocked_since + 10_000)
    }
}

impl Consume for SimulatedLink {
    fn consume(&mut self, queue: &str, access: Access, prefetch: u16) -> Result<(), Error> {
        self.subscribe(queue.into(), access, prefetch)
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
            self.subscribe(queue, access, prefetch)?;
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

impl Link for SimulatedLink {
    fn poll(&mut self, deliveries: bool) -> Result<Option<Event>, Error> {
        self.check_open()?;
        self.with(|world, link| {
            let it = &mut world.links[link];
            let event = match it.events.pop_front() {
                Some(event) => Some(event),
                None if deliveries => it.poll_delivery().map(Event::Delivery),
                None => None,
            };
            match &event {
                Some(Event::Confirm(confirm)) => it.note_confirm(*confirm),
                Some(Event::Returned(returned)) => {
                    it.returned.insert((returned.to.clone(), returned.message_id.clone()));
                }
                Some(Event::Delivery(_)) => {}
                None => world.flush(link),
            }
            Ok(event)
        })
    }

    fn wait(&mut self, deliveries: bool, shutdown: Option<&Shutdown>, limit: Duration) {
        self.wait_for_signal(deliveries, &crossbeam_channel::never(), shutdown, limit);
    }

    fn wait_for_signal(
        &mut self,
        deliveries: bool,
        signal: &Receiver<()>,
        shutdown: Option<&Shutdown>,
        limit: Duration,
    ) {
        let id = self.id;
        let deadline = world::with(|world| {
            world.flush(id);
            if limit > LONGEST_WAIT {
                world.violated("no wait without a limit", format!("a link waits for {limit:?}"));
            }
            world.now + micros(limit)
        });
        scheduler::wait(Some(deadline), &mut || {
            let has_event = world::with(|world| {
                let it = &world.links[id];
                let has_delivery = deliveries && it.subscriptions.iter().any(|it| !it.buffered.is_empty());
                !it.events.is_empty() || has_delivery || !world.is_open(id)
            });
            has_event || shutdown.is_some_and(Shutdown::is_requested) || !signal.is_empty()
        });
        let _ = signal.try_recv();
    }
}

impl Drop for SimulatedLink {
    fn drop(&mut self) {
        self.with(|world, link| {
            let connection = world.links[link].consuming;
            if !world.is_running_dead() {
                world.send_to_broker(connection, link, Frame::Close);
                if connection != world.links[link].querying {
                    world.finish(connection);
                }
            }
        });
    }
}
