//! A broker that is killed, and starts again.

use std::sync::Arc;

use crate::agenda::Event;
use crate::world::{Micros, World};

impl World {
    /// The broker is killed. It keeps what it must: persistent messages that it confirmed.
    pub(crate) fn crash_broker(&mut self, down_for: Micros) {
        if !std::mem::replace(&mut self.broker.is_up, false) {
            return;
        }
        self.tell(|| format!("the broker is killed, for {} ms", down_for / 1000));
        self.mov_disconnected();
        self.broker.is_blocked = false;
        for connection in 0..self.broker.connections.len() {
            let it = &mut self.broker.connections[connection];
            if it.is_open && !it.is_cut {
                it.to_broker.clear();
                let part = self.random.f64();
                let until_noticed =
                    if self.random.u8(..8) == 0 { self.random.u64(0..15_000_000) } else { self.random.u64(0..50_000) };
                let it = &mut self.broker.connections[connection];
                it.is_cut = true;
                super::connection::truncate(&mut it.to_client, part);
                self.after(until_noticed + 500, Event::ClientNotices(connection));
            }
            self.broker_notices(connection);
        }
        self.undo_acks();
        self.lose_unstored();
        self.after(down_for, Event::BrokerUp);
    }

    /// Acks that were not on the disk yet are undone.
    fn undo_acks(&mut self) {
        let now = self.now;
        for (at, name, position, stored) in std::mem::take(&mut self.broker.recent_acks) {
            if at + super::ACK_AT_RISK > now && self.random.bool() {
                let Some(queue) = self.broker.queues.get(&name) else { continue };
                let (kind, input) = (queue.kind, stored.input);
                self.note_added(kind, input);
                self.requeue(&name, position, stored);
            }
        }
    }

    /// Messages are lost that are not persistent, or were not confirmed.
    fn lose_unstored(&mut self) {
        let names: Vec<Arc<str>> = self.broker.queues.keys().cloned().collect();
        for name in names {
            let World { broker, random, .. } = self;
            let Some(queue) = broker.queues.get_mut(&name) else { continue };
            let kind = queue.kind;
            let is_lost = |stored: &super::Stored| !stored.is_persistent || (!stored.is_confirmed && random.bool());
            for lost in queue.ready.remove_if(is_lost) {
                self.note_removed(kind, &lost);
                if name.ends_with("/identity") {
                    // If the process that wrote it is killed as well, before it writes it again, nobody knows.
                    self.registration_forgotten();
                }
                self.check_copies(lost.input, "the broker was killed");
            }
        }
    }

    /// The broker is up again.
    pub(crate) fn broker_up(&mut self) {
        self.broker.is_up = true;
        self.tell(|| "the broker is up".to_owned());
        let names: Vec<Arc<str>> = self.broker.queues.keys().cloned().collect();
        for name in names {
            self.expire(&name);
            self.dispatch(&name);
        }
    }
}
