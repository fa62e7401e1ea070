//! Producers from configuration, as handlers use them.

use serde::Serialize;

use super::Context;
use crate::failure::Failure;
use crate::message::Reply;

/// A producer from configuration, to which a handler sends. See [`Context::route`].
#[derive(Debug)]
pub struct RouteOutput<'c> {
    context: &'c Context,
    name: &'c str,
}

impl<'c> RouteOutput<'c> {
    pub(super) fn new(context: &'c Context, name: &'c str) -> Self {
        Self { context, name }
    }

    /// Publishes `value` if the handler succeeds. The message is acknowledged when this is confirmed as well, unless the
    /// producer is configured without confirms. See the example of [`Context::route`].
    ///
    /// # Errors
    /// [`Failure::Refuse`] if `value` does not result in a valid payload, or no producer has this name.
    pub fn send(&self, value: &impl Serialize) -> Result<(), Failure> {
        if !self.context.has_route(self.name) {
            return Err(Failure::refuse(format!("no producer in QUEUE_CONFIG has the name `{:.64}`", self.name)));
        }
        self.context.add_routed(self.name, Reply::json(value)?);
        Ok(())
    }
}
