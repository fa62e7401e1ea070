//! Where a handler's messages are consumed from.

use std::sync::Arc;

use crate::name::{ChannelName, Kind};

/// Where messages are consumed from: a channel, or the queue of a route from configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A channel of the component.
    Channel(ChannelName),
    /// The queue of a route.
    Route(RouteInput),
}

/// The queue of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteInput {
    queue: Arc<str>,
    /// `route/<name>`
    short: String,
    /// `valawai/c1/<component>`
    component: String,
    /// Whether messages with `x-delay` are delayed.
    delays: bool,
}

/// A queue whose consumer has queues of its own, for retries and for dead letters.
pub trait Consumed {
    /// The name of the queue.
    fn queue(&self) -> &Arc<str>;

    /// The name of the own queue for a purpose: `valawai/c1/<component>/<purpose>/<data|control>/<operation>`, or
    /// `valawai/c1/<component>/<purpose>/route/<name>`. The kind is part of the name, because a data and a control channel may
    /// have the same operation.
    fn own_queue(&self, purpose: &str) -> String;
}

impl Input {
    /// The queue of the route `name`, for a handler that was declared for `channel`.
    pub(crate) fn of_route(name: &str, queue: &str, channel: &ChannelName, delays: bool) -> Self {
        let component = format!("valawai/{}/{}", channel.level().lower(), channel.component());
        Self::Route(RouteInput { queue: queue.into(), short: route_short(name), component, delays })
    }

    /// The name that is unique in the component: `data/received_message`, or `route/<name>`.
    #[must_use]
    pub fn short(&self) -> &str {
        match self {
            Self::Channel(channel) => channel.short(),
            Self::Route(route) => &route.short,
        }
    }

    /// Whether it is a channel of this kind.
    #[must_use]
    pub fn is_channel_of(&self, kind: Kind) -> bool {
        matches!(self, Self::Channel(channel) if channel.kind() == kind)
    }

    /// Whether messages with `x-delay` are delayed.
    #[must_use]
    pub fn delays(&self) -> bool {
        matches!(self, Self::Route(route) if route.delays)
    }
}

/// The name of a route among the channels of its component.
pub(crate) fn route_short(name: &str) -> String {
    format!("route/{name}")
}

impl Consumed for Input {
    fn queue(&self) -> &Arc<str> {
        match self {
            Self::Channel(channel) => channel.queue(),
            Self::Route(route) => &route.queue,
        }
    }

    fn own_queue(&self, purpose: &str) -> String {
        match self {
            Self::Channel(channel) => channel.own_queue(purpose),
            Self::Route(RouteInput { short, component, .. }) => format!("{component}/{purpose}/{short}"),
        }
    }
}

impl Consumed for ChannelName {
    fn queue(&self) -> &Arc<str> {
        ChannelName::queue(self)
    }

    fn own_queue(&self, purpose: &str) -> String {
        format!("valawai/{}/{}/{purpose}/{}", self.level().lower(), self.component(), self.short())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_has_queues_of_its_own_below_the_component() {
        let channel: ChannelName = "valawai/c1/echo/data/received_message".parse().unwrap();
        let route = Input::of_route("requests", "requests_for_echo", &channel, false);
        assert_eq!((&**route.queue(), route.short()), ("requests_for_echo", "route/requests"));
        assert_eq!(route.own_queue("dead_letter"), "valawai/c1/echo/dead_letter/route/requests");
        assert_eq!(Input::Channel(channel).own_queue("retry"), "valawai/c1/echo/retry/data/received_message");
    }
}
