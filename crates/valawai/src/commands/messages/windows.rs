//! Any number of deliveries that are not settled.

use crate::broker::Error;
use crate::broker::amqp::operator::OperatorLink;

/// The largest prefetch. Without one, a quorum queue delivers 2,000 messages.
const MAX_PREFETCH: u16 = u16::MAX;

/// Consumes a queue whose messages may stay unsettled until the end. A further consumer is started when those before have as many
/// as they may, so the messages arrive in their order.
pub(in crate::commands) struct Windows<'q> {
    queue: &'q str,
    consumers: u64,
}

impl<'q> Windows<'q> {
    /// Starts to consume up to `count` messages of `queue`.
    pub(in crate::commands) fn open(link: &mut OperatorLink<'_>, queue: &'q str, count: u64) -> Result<Self, Error> {
        link.consume(queue, u16::try_from(count).unwrap_or(MAX_PREFETCH))?;
        Ok(Self { queue, consumers: 1 })
    }

    /// Makes sure that more messages arrive although so many are not settled.
    pub(in crate::commands) fn widen(&mut self, link: &mut OperatorLink<'_>, unsettled: u64) -> Result<(), Error> {
        if unsettled >= self.consumers * u64::from(MAX_PREFETCH) {
            link.consume(self.queue, MAX_PREFETCH)?;
            self.consumers += 1;
        }
        Ok(())
    }
}
