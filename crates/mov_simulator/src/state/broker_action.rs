//! What is to be done at the broker once an event has been handled.

/// Carried out by the shared client.
#[derive(Debug)]
pub(crate) enum BrokerAction {
    /// Publish through the default exchange; the message is lost if the queue does not exist.
    Publish {
        queue: String,
        body: String,
    },
    /// Forward the messages of this queue.
    Consume(String),
    Cancel(String),
    CancelAll,
}

/// The answer to a query, published over another connection than everything else.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) queue: &'static str,
    pub(crate) body: String,
}
