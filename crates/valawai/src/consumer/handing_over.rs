//! Hands messages over to outlets, and learns when they have arrived.

use std::sync::Arc;
use std::time::Duration;

use super::consumer_loop::ConsumerLoop;
use crate::broker::{Error, Event};
use crate::component::context::Routed;
use crate::component::outlet::{Outlet, Outlets};
use crate::component::ticket::Tickets;
use crate::message::{Outgoing, Properties};
use crate::name::Kind;
use crate::shutdown::Shutdown;
use crate::trace::Trace;

/// The outlets that a consumer thread hands messages over to in one session.
pub(super) struct HandingOver {
    shared: Arc<Outlets>,
    version: u64,
    /// Those of the current configuration.
    pub(super) outlets: Arc<Vec<Arc<Outlet>>>,
    tickets: Arc<Tickets>,
}

impl HandingOver {
    pub(super) fn new(shared: &Arc<Outlets>) -> Self {
        let version = shared.version();
        Self { shared: Arc::clone(shared), version, outlets: shared.current(), tickets: Arc::default() }
    }

    /// Follows a change of the configuration.
    fn refresh(&mut self) {
        let version = self.shared.version();
        if version != self.version {
            (self.version, self.outlets) = (version, self.shared.current());
        }
    }
}

impl ConsumerLoop<'_> {
    /// The next event, after what outlets have answered.
    pub(super) fn poll(&mut self, deliveries: bool) -> Result<Option<Event>, Error> {
        if self.in_flight.has_handed_over() {
            for (tag, accepted) in self.handing_over.tickets.take() {
                let settlement = self.in_flight.answered(tag, accepted);
                self.settle(settlement)?;
            }
        }
        self.link.poll(deliveries)
    }

    /// Waits for an event, or for the answer of an outlet.
    pub(super) fn wait(&mut self, deliveries: bool, shutdown: Option<&Shutdown>, limit: Duration) {
        if self.in_flight.has_handed_over() {
            self.link.wait_for_signal(deliveries, self.handing_over.tickets.answered(), shutdown, limit);
        } else {
            self.link.wait(deliveries, shutdown, limit);
        }
    }

    /// Whether there is space in each outlet for the messages of another delivery. Control channels do not wait for it: nothing
    /// that becomes of their messages is published.
    pub(super) fn outlets_have_space(&mut self) -> bool {
        self.handing_over.refresh();
        if self.consumer.router.routes().iter().all(|route| route.input.is_channel_of(Kind::Control)) {
            return true;
        }
        self.handing_over.outlets.iter().all(|outlet| outlet.has_space())
            && self.consumer.options.to_channels.as_ref().is_none_or(|outlet| outlet.has_space())
    }

    /// Hands `message` over for the delivery `tag`.
    pub(super) fn hand_over(&mut self, tag: u64, outlet: &Outlet, message: Outgoing) {
        if outlet.hand_over(message, || self.handing_over.tickets.issue(tag)) {
            self.in_flight.hand_over(tag);
        }
    }

    /// Hands over a message for a channel if the component has another broker. The sender of a request is on the same broker as
    /// the request.
    pub(super) fn hand_over_to_channels(&mut self, tag: u64, message: &Outgoing) -> bool {
        match &self.consumer.options.to_channels {
            Some(outlet) if message.status.is_none() => {
                self.hand_over(tag, outlet, message.clone());
                true
            }
            _ => false,
        }
    }

    /// Hands over what a handler sent to producers, unless they were removed meanwhile.
    pub(super) fn hand_over_routed(
        &mut self,
        tag: u64,
        message_id: Option<&str>,
        trace: Option<&Trace>,
        routed: Vec<Routed>,
    ) {
        if routed.is_empty() {
            return;
        }
        let outlets = Arc::clone(&self.handing_over.outlets);
        for (number, Routed { route, reply }) in routed.into_iter().enumerate() {
            if let Some(outlet) = outlets.iter().find(|outlet| outlet.name == route) {
                let id = match message_id {
                    Some(id) => super::events::id_of(id, &format!("{route}/{number}")),
                    None => self.consumer.router.new_id(),
                };
                let trace = trace.cloned().map(Box::new);
                let properties = Properties { message_id: Some(id), trace, ..Properties::default() };
                self.hand_over(tag, outlet, Outgoing { properties, ..Outgoing::new("", reply.into_body()) });
            }
        }
    }
}
