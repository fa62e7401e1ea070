//! Connections: what is sent arrives in its order after a while, or not at all.

use std::collections::VecDeque;
use std::sync::Arc;

use valawai::internals::broker::{Access, Confirm, Returned};
use valawai::internals::message::{Message, Outgoing};

use super::{ConnectionId, LinkId};
use crate::agenda::Event;
use crate::world::{Micros, World};

/// How often to look whether a frozen broker goes on.
const FROZEN_CHECK: Micros = 50_000;

/// What a client sends.
#[derive(Debug)]
pub(crate) enum Frame {
    Publish {
        sequence: u64,
        message: Outgoing,
        input: Option<usize>,
    },
    Acknowledge {
        tag: u64,
        is_multiple: bool,
    },
    Requeue {
        tag: u64,
    },
    Call {
        number: u64,
        request: Request,
    },
    /// The link ends.
    Close,
}

/// A call, which the broker answers.
#[derive(Debug)]
pub(crate) enum Request {
    Open,
    Declare {
        queue: Arc<str>,
        own: Option<OwnedOptions>,
    },
    Consume {
        queue: Arc<str>,
        access: Access,
        prefetch: u16,
    },
    Cancel,
    Inspect {
        queue: Arc<str>,
    },
    /// Gets a message without a consumer.
    Get {
        queue: Arc<str>,
    },
    /// Removes what was got last, or ends the browsing.
    Remove,
    EndBrowse,
}

/// The options of an own queue.
#[derive(Debug)]
pub(crate) struct OwnedOptions {
    pub(crate) delay: Option<(u32, String)>,
    pub(crate) expires_after_ms: Option<u32>,
    pub(crate) newest_only: bool,
}

/// What the broker answers.
#[derive(Debug)]
pub(crate) enum Response {
    Done,
    Consuming { consumer: usize },
    Inspected { consumers: Option<u32>, is_missing: bool },
    Got(Option<Message>),
    Denied(&'static str),
    LockHeld,
}

/// What the broker sends.
#[derive(Debug)]
pub(crate) enum Reply {
    Deliver { tag: u64, consumer: usize, message: Message },
    Confirm(Confirm),
    Returned(Returned),
    Response { number: u64, response: Response },
}

/// One connection of a session.
#[expect(clippy::struct_excessive_bools, reason = "faults combine them in any way")]
pub(crate) struct Connection {
    pub(crate) process: usize,
    /// What is on its way, with the times of arrival.
    pub(crate) to_broker: VecDeque<(LinkId, Frame)>,
    pub(crate) to_client: VecDeque<(LinkId, Reply)>,
    last_to_broker: Micros,
    last_to_client: Micros,
    /// Nothing more gets through.
    pub(crate) is_cut: bool,
    /// Whether the client uses it.
    pub(crate) is_open: bool,
    /// Whether the broker has not noticed its end.
    pub(crate) is_known: bool,
    pub(crate) is_for_publishing: bool,
    /// Whether the client closed it in order, because the only link on it has ended.
    pub(crate) is_finished: bool,
    /// The links whose channels are on it.
    pub(crate) links: Vec<LinkId>,
}

impl Connection {
    pub(crate) fn new(process: usize, is_for_publishing: bool, now: Micros) -> Self {
        Self {
            process,
            to_broker: VecDeque::new(),
            to_client: VecDeque::new(),
            last_to_broker: now,
            last_to_client: now,
            is_cut: false,
            is_open: true,
            is_known: true,
            is_for_publishing,
            is_finished: false,
            links: Vec::new(),
        }
    }

    /// The time until everything that was sent has arrived.
    pub(crate) fn until_drained(&self, now: Micros) -> Micros {
        self.last_to_broker.saturating_sub(now) + 1
    }
}

impl World {
    /// Sends a frame of a link to the broker.
    pub(crate) fn send_to_broker(&mut self, connection: ConnectionId, link: LinkId, frame: Frame) {
        let latency = self.latency();
        let now = self.now;
        let it = &mut self.broker.connections[connection];
        if it.is_cut || !it.is_open {
            return;
        }
        it.last_to_broker = it.last_to_broker.max(now + latency);
        it.to_broker.push_back((link, frame));
        let at = it.last_to_broker;
        self.at(at, Event::ToBroker(connection));
    }

    /// Sends a frame to the client of a link, on the connection to which it belongs.
    pub(crate) fn send_to_client(&mut self, link: LinkId, reply: Reply) {
        let connection = match reply {
            Reply::Deliver { .. } => self.links[link].consuming,
            Reply::Confirm(_) | Reply::Returned(_) => self.links[link].publishing,
            Reply::Response { .. } => self.links[link].called,
        };
        let latency = self.latency();
        let now = self.now;
        let it = &mut self.broker.connections[connection];
        if it.is_cut {
            return;
        }
        it.last_to_client = it.last_to_client.max(now + latency);
        it.to_client.push_back((link, reply));
        let at = it.last_to_client;
        self.at(at, Event::ToClient(connection));
    }

    /// The next frame arrives at the broker, unless the broker does not read now.
    pub(crate) fn arrive_at_broker(&mut self, connection: ConnectionId) {
        let Some(it) = self.broker.connections.get_mut(connection) else { return };
        if !it.is_known || !self.broker.is_up {
            it.to_broker.clear();
            return;
        }
        if self.broker.frozen_until > self.now {
            return self.after(FROZEN_CHECK, Event::ToBroker(connection));
        }
        if it.is_for_publishing && self.broker.is_blocked {
            return self.after(100_000, Event::ToBroker(connection));
        }
        if let Some((link, frame)) = it.to_broker.pop_front() {
            self.trace.note(1, link, connection);
            self.serve(link, connection, frame);
        }
    }

    /// The next frame arrives at the client.
    pub(crate) fn arrive_at_client(&mut self, connection: ConnectionId) {
        let Some(it) = self.broker.connections.get_mut(connection) else { return };
        if self.broker.frozen_until > self.now && !it.is_cut {
            return self.after(FROZEN_CHECK, Event::ToClient(connection));
        }
        if let Some((link, reply)) = it.to_client.pop_front()
            && it.is_open
        {
            let process = it.process;
            self.trace.note(2, link, connection);
            self.links[link].receive(reply);
            self.dirty.push(process);
        }
    }

    /// A connection breaks. Both sides notice it, one perhaps much later than the other.
    pub(crate) fn break_connection(&mut self, connection: ConnectionId, is_sudden: bool) {
        let (to_broker, to_client) = (self.random.f64(), self.random.f64());
        let late = self.random.u64(0..15_000_000);
        let side = if is_sudden { self.random.u8(..3) } else { 0 };
        let it = &mut self.broker.connections[connection];
        if std::mem::replace(&mut it.is_cut, true) || !it.is_open {
            return;
        }
        truncate(&mut it.to_broker, to_broker);
        truncate(&mut it.to_client, to_client);
        let soon_broker = it.last_to_broker.max(self.now) + 200;
        let soon_client = it.last_to_client.max(self.now) + 200;
        let (for_broker, for_client) = match side {
            0 => (soon_broker, soon_client),
            1 => (soon_broker + late, soon_client),
            _ => (soon_broker, soon_client + late),
        };
        self.tell(|| format!("connection {connection} breaks"));
        self.at(for_broker, Event::BrokerNotices(connection));
        self.at(for_client, Event::ClientNotices(connection));
    }

    pub(crate) fn client_notices(&mut self, connection: ConnectionId) {
        let it = &mut self.broker.connections[connection];
        it.is_cut = true;
        it.is_open = false;
        let process = it.process;
        self.tell(|| format!("the client of connection {connection} notices that it is lost"));
        self.dirty.push(process);
    }

    pub(crate) fn broker_notices(&mut self, connection: ConnectionId) {
        let it = &mut self.broker.connections[connection];
        it.is_cut = true;
        if std::mem::replace(&mut it.is_known, false) {
            self.tell(|| format!("the broker closes connection {connection}"));
            for link in self.broker.connections[connection].links.clone() {
                self.close_channel(link);
            }
        }
    }

    fn latency(&mut self) -> Micros {
        match self.random.u8(..) {
            0..220 => self.random.u64(20..400),
            220..252 => self.random.u64(400..5_000),
            _ => self.random.u64(5_000..200_000),
        }
    }
}

pub(crate) fn truncate<T>(frames: &mut VecDeque<T>, part: f64) {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "small numbers"
    )]
    frames.truncate(((frames.len() + 1) as f64 * part) as usize);
}

/// The message that was returned to its publisher.
pub(super) fn returned(message: &Outgoing) -> Returned {
    Returned { to: message.to.to_string(), message_id: message.properties.message_id.clone() }
}
