//! Channels, with a time limit on every call.

use std::sync::Arc;
use std::time::Duration;

use super::connection::{Connection, Connector};
use super::connections::Connections;
use super::errors::call_error;
use super::watchdog::Deadline;
use crate::broker::{ConsumeOn, Error};

/// The limit of a call to which the broker replies.
pub(super) const CALL_LIMIT: Duration = Duration::from_secs(10);

/// The limit of a close, which must not delay a shutdown.
pub(super) const CLOSE_LIMIT: Duration = Duration::from_secs(1);

/// How long a write may wait for space in amiquip's buffer, which is far larger than the messages in flight.
const WRITE_LIMIT: Duration = Duration::from_secs(30);

/// A channel. Dropping it closes it, within a limit.
pub(super) struct Channel {
    /// `None` only while it is being dropped.
    inner: Option<amiquip::Channel>,
    deadline: Arc<Deadline>,
}

impl Channel {
    pub(super) fn new(inner: amiquip::Channel, deadline: Arc<Deadline>) -> Self {
        Self { inner: Some(inner), deadline }
    }

    /// Makes `call`, to which the broker replies. `action` completes the error "the broker refused to …".
    pub(super) fn call<'c, T>(
        &'c self,
        action: &str,
        call: impl FnOnce(&'c amiquip::Channel) -> amiquip::Result<T>,
    ) -> Result<T, Error> {
        self.guard(CALL_LIMIT, call).map_err(|error| call_error(action, &error))
    }

    /// Makes `call`, to which the broker does not reply at once.
    pub(super) fn write(
        &self,
        action: &str,
        call: impl FnOnce(&amiquip::Channel) -> amiquip::Result<()>,
    ) -> Result<(), Error> {
        self.guard(WRITE_LIMIT, call).map_err(|error| call_error(action, &error))
    }

    /// Makes `call` within `limit`, and returns amiquip's own error.
    pub(super) fn guard<'c, T>(
        &'c self,
        limit: Duration,
        call: impl FnOnce(&'c amiquip::Channel) -> amiquip::Result<T>,
    ) -> amiquip::Result<T> {
        let inner = self.inner.as_ref().expect("the channel exists until it is dropped");
        self.deadline.guard(limit, || call(inner))
    }

    /// The number of the channel on its connection.
    pub(super) fn number(&self) -> u16 {
        self.inner.as_ref().expect("the channel exists until it is dropped").channel_id()
    }

    /// The deadline of the call in progress.
    pub(super) fn deadline(&self) -> &Deadline {
        &self.deadline
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        let inner = self.inner.take();
        self.deadline.guard(CLOSE_LIMIT, || drop(inner));
    }
}

/// The channels of one link, and the connections that it uses. Fields are dropped in order: channels before
/// connections.
pub(super) struct LinkChannels {
    pub(super) consuming: Channel,
    pub(super) publishing: Channel,
    pub(super) consuming_connection: Arc<Connection>,
    pub(super) publishing_connection: Arc<Connection>,
    /// For queries to the broker, which must not wait behind deliveries.
    pub(super) query_connection: Arc<Connection>,
    /// Opens further connections to the same host.
    pub(super) connector: Arc<Connector>,
}

impl LinkChannels {
    pub(super) fn open(connections: &Connections, consume_on: ConsumeOn) -> Result<Self, Error> {
        let consuming_connection = connections.for_consuming(consume_on)?;
        Ok(Self {
            consuming: consuming_connection.open_channel()?,
            publishing: connections.publishing.open_channel()?,
            consuming_connection,
            publishing_connection: Arc::clone(&connections.publishing),
            query_connection: Arc::clone(&connections.shared),
            connector: Arc::clone(&connections.connector),
        })
    }
}
