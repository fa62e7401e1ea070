//! The types of exchanges.

use super::names;

/// The type of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExchangeKind {
    /// One that every broker has.
    Plain(PlainKind),
    /// `x-delayed-message`: delays messages by their `x-delay`, and then routes as the other type. It needs a plugin of the broker.
    Delayed(PlainKind),
}

/// A type that every broker has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlainKind {
    /// Routes by the key.
    Direct,
    /// Routes to all queues that are bound to it.
    Fanout,
    /// Routes by patterns of the key.
    Topic,
    /// Routes by headers.
    Headers,
}

impl ExchangeKind {
    /// How it routes.
    #[must_use]
    pub fn plain(self) -> PlainKind {
        match self {
            Self::Plain(kind) | Self::Delayed(kind) => kind,
        }
    }

    /// The name of the type.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain(kind) => kind.name(),
            Self::Delayed(_) => names::DELAYED,
        }
    }
}

impl PlainKind {
    /// The name of the type.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Fanout => "fanout",
            Self::Topic => "topic",
            Self::Headers => "headers",
        }
    }
}
