//! The MOV: as unforgiving as the real one. It registers a component as often as it is asked to, notifies it late or never, forgets
//! when it restarts, and tells nobody.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use valawai::internals::message::{Message, Properties};
use valawai::internals::mov::payloads;

use crate::agenda::Event;
use crate::broker::Stored;
use crate::component::{INPUT, NAME, OUTPUT, REGISTERED};
use crate::world::{MILLISECOND, Micros, SECOND, World};

/// The queue of its log.
const LOG: &str = "valawai/log/add";

/// What it consumes.
const QUEUES: [&str; 4] = [payloads::REGISTER, payloads::UNREGISTER, payloads::QUERY, LOG];

/// What happens to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum MovEvent {
    /// It starts.
    Start,
    /// It connects to the broker.
    Connect,
    /// It ends what it had registered before, because it has just started.
    Wipe { run: u64 },
    /// It takes the next message of a queue.
    Take { queue: usize, session: u64 },
    /// It has carried out a message.
    Done { queue: usize, session: u64 },
    /// It is killed.
    Stop { down_for: Micros, forgets: bool },
}

/// The MOV.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "faults combine them in any way")]
pub(crate) struct Mov {
    pub(crate) is_up: bool,
    is_connected: bool,
    /// Its runs, and its sessions with the broker, so far.
    run: u64,
    session: u64,
    /// The live registrations, with the time of each.
    pub(crate) live: BTreeMap<String, Micros>,
    /// When registrations ended.
    pub(crate) ended: BTreeMap<String, Micros>,
    registered: u64,
    /// What it carries out, by queue.
    taken: [Option<(u64, Stored)>; QUEUES.len()],
    pub(crate) is_mute: bool,
    /// It takes long for everything.
    pub(crate) is_slow: bool,
    /// Whether it ends all registrations when it starts next.
    forgets: bool,
    /// The ERROR entries in its log.
    pub(crate) errors: u64,
    /// Until when it answered nothing.
    pub(crate) mute_until: u64,
}

impl World {
    pub(crate) fn mov_event(&mut self, event: MovEvent) {
        match event {
            MovEvent::Start => {
                if !std::mem::replace(&mut self.mov.is_up, true) {
                    self.mov.run += 1;
                    self.tell(|| "the MOV starts".to_owned());
                    self.mov_connect();
                    let run = self.mov.run;
                    if std::mem::take(&mut self.mov.forgets) {
                        let after = self.random.u64(0..2 * SECOND);
                        self.after(after, Event::Mov(MovEvent::Wipe { run }));
                    }
                }
            }
            MovEvent::Connect => self.mov_connect(),
            MovEvent::Wipe { run } if run == self.mov.run && self.mov.is_up => {
                self.tell(|| "the MOV forgets all registrations".to_owned());
                let now = self.now;
                for (id, _) in std::mem::take(&mut self.mov.live) {
                    self.mov.ended.insert(id, now);
                }
                self.registration_forgotten();
            }
            MovEvent::Take { queue, session } if session == self.mov.session => self.mov_take(queue),
            MovEvent::Done { queue, session } if session == self.mov.session => self.mov_done(queue),
            MovEvent::Stop { down_for, forgets } => {
                if std::mem::replace(&mut self.mov.is_up, false) {
                    self.tell(|| format!("the MOV is killed; it {}", if forgets { "forgets" } else { "remembers" }));
                    self.mov_disconnected();
                    self.mov.forgets |= forgets;
                    self.unmute_mov();
                    self.after(down_for, Event::Mov(MovEvent::Start));
                }
            }
            MovEvent::Wipe { .. } | MovEvent::Take { .. } | MovEvent::Done { .. } => {}
        }
    }

    pub(crate) fn unmute_mov(&mut self) {
        if std::mem::take(&mut self.mov.is_mute) {
            self.mov.mute_until = self.now;
        }
    }

    fn mov_connect(&mut self) {
        if !self.mov.is_up || self.mov.is_connected {
            return;
        }
        if !self.broker.is_up {
            return self.after(SECOND, Event::Mov(MovEvent::Connect));
        }
        self.mov.is_connected = true;
        self.mov.session += 1;
        self.tell(|| "the MOV consumes".to_owned());
        for name in QUEUES {
            let queue = self.queue(name);
            queue.is_of_mov = true;
            queue.mov_is_busy = false;
            self.wake_mov(&name.into());
        }
    }

    /// Its connections are lost.
    pub(crate) fn mov_disconnected(&mut self) {
        if !std::mem::take(&mut self.mov.is_connected) {
            return;
        }
        self.mov.session += 1;
        for (index, name) in QUEUES.into_iter().enumerate() {
            let queue = self.queue(name);
            queue.is_of_mov = false;
            queue.mov_is_busy = false;
            if let Some((position, stored)) = self.mov.taken[index].take() {
                // It may have done it, and not acknowledged it.
                if self.random.bool() {
                    self.carry_out(index, &stored.message);
                }
                self.requeue(&name.into(), position, stored);
            }
        }
        let after = self.random.u64(SECOND..10 * SECOND);
        self.after(after, Event::Mov(MovEvent::Connect));
    }

    /// A message may wait for it.
    pub(crate) fn wake_mov(&mut self, name: &Arc<str>) {
        let Some(queue) = self.broker.queues.get_mut(name) else { return };
        if !queue.is_of_mov || queue.mov_is_busy || queue.ready.is_empty() {
            return;
        }
        queue.mov_is_busy = true;
        let index = QUEUES.iter().position(|it| **it == **name).unwrap_or_default();
        let session = self.mov.session;
        let after = self.random.u64(MILLISECOND / 2..5 * MILLISECOND);
        self.after(after, Event::Mov(MovEvent::Take { queue: index, session }));
    }

    fn mov_take(&mut self, index: usize) {
        let now = self.now;
        let queue = self.queue(QUEUES[index]);
        queue.mov_is_busy = false;
        let Some((position, stored)) = queue.ready.pop_first() else { return };
        if stored.expires_at.is_some_and(|at| at <= now) {
            return self.wake_mov(&QUEUES[index].into());
        }
        queue.mov_is_busy = true;
        self.mov.taken[index] = Some((position, stored));
        let is_slow = self.mov.is_slow;
        let takes = match self.random.u8(..) {
            _ if QUEUES[index] == LOG => self.random.u64(100..2 * MILLISECOND),
            // A stop cannot wait for long for what the MOV has to say.
            _ if self.is_ending() => self.random.u64(5 * MILLISECOND..100 * MILLISECOND),
            0..16 => self.random.u64(300 * MILLISECOND..4 * SECOND),
            _ if is_slow => self.random.u64(SECOND..8 * SECOND),
            _ => self.random.u64(5 * MILLISECOND..300 * MILLISECOND),
        };
        let session = self.mov.session;
        self.after(takes, Event::Mov(MovEvent::Done { queue: index, session }));
    }

    fn mov_done(&mut self, index: usize) {
        if let Some((_, stored)) = self.mov.taken[index].take() {
            self.carry_out(index, &stored.message);
        }
        self.queue(QUEUES[index]).mov_is_busy = false;
        self.wake_mov(&QUEUES[index].into());
    }

    fn carry_out(&mut self, index: usize, message: &Message) {
        let Ok(payload) = serde_json::from_slice::<Value>(&message.body) else {
            return self.violated("it never poisons the MOV", format!("{} got what is not JSON", QUEUES[index]));
        };
        match QUEUES[index] {
            payloads::REGISTER => self.mov_register(),
            payloads::UNREGISTER => {
                let id = payload["component_id"].as_str().unwrap_or_default().to_owned();
                self.mov_unregister(&id);
            }
            payloads::QUERY => {
                let live: Vec<String> = self.mov.live.iter().map(|(id, since)| notice(id, *since)).collect();
                let (query, count) = (&payload["id"], live.len());
                let page = format!(r#"{{"components":[{}],"total":{count},"query_id":{query}}}"#, live.join(","));
                self.mov_publish(payloads::PAGE, page);
            }
            _ => self.mov.errors += u64::from(payload["level"] == "ERROR"),
        }
    }

    fn mov_register(&mut self) {
        self.mov.registered += 1;
        let (now, number) = (self.now, self.mov.registered);
        let id = format!("{number:024x}");
        self.tell(|| format!("the MOV registers the component as {number}"));
        self.mov.live.insert(id.clone(), now);
        self.mov_publish(REGISTERED, notice(&id, now));
    }

    fn mov_unregister(&mut self, id: &str) {
        self.tell(|| format!("the MOV ends the registration {}", id.trim_start_matches('0')));
        if self.mov.live.remove(id).is_some() {
            let now = self.now;
            self.mov.ended.insert(id.to_owned(), now);
        }
    }

    /// Whether a message waits for it that registers the component.
    pub(crate) fn is_registering(&self) -> bool {
        let waiting = self.broker.queues.get(payloads::REGISTER).is_some_and(|queue| !queue.ready.is_empty());
        waiting || self.mov.taken[0].is_some()
    }

    /// It publishes without confirms, and what it publishes is not persistent.
    fn mov_publish(&mut self, queue: &'static str, body: String) {
        if self.mov.is_mute || !self.broker.is_up || !self.broker.queues.contains_key(queue) {
            return;
        }
        let message = Message { body: body.into_bytes(), properties: Properties::default() };
        let added = self.now;
        let stored = Stored { message, is_persistent: false, input: None, added, expires_at: None, is_confirmed: true };
        self.add_to_queue(&queue.into(), stored);
    }
}

fn notice(id: &str, since: Micros) -> String {
    let channel = |name: &str, direction: &str| format!(r#"{{"name":"{name}","{direction}":{{"type":"OBJECT"}}}}"#);
    let channels =
        [channel(REGISTERED, "subscribe"), channel(INPUT, "subscribe"), channel(OUTPUT, "publish")].join(",");
    format!(r#"{{"id":"{id}","name":"{NAME}","version":"1.0.0","type":"C1","since":{since},"channels":[{channels}]}}"#)
}
