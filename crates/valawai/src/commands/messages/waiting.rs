//! Reads the messages that wait in a queue.

use std::time::Duration;

use crate::broker::amqp::operator::{Operator, OperatorEvent, OperatorLink, Received};
use crate::commands::exit::Stop;
use crate::commands::invocation::Invocation;
use crate::commands::messages::{Activity, QUIET, Windows};

/// How often to look whether anything arrives.
const TICK: Duration = Duration::from_millis(250);

/// How long the broker may deliver nothing of a queue that has messages.
const LIMIT: Duration = Duration::from_secs(10);

/// The messages that wait in a queue, in their order. They return to their places when the link is dropped.
///
/// One consumer reads them: those that `basic.get` gets return to a quorum queue in another order.
pub(in crate::commands) struct Waiting<'i> {
    invocation: &'i Invocation,
    operator: &'i Operator,
    queue: &'i str,
    windows: Windows<'i>,
    taken: u64,
    left: u64,
    activity: Activity,
}

impl<'i> Waiting<'i> {
    /// Starts to read `count` messages of `queue`, and fewer if other consumers take some.
    pub(in crate::commands) fn consume(
        invocation: &'i Invocation,
        operator: &'i Operator,
        link: &mut OperatorLink<'_>,
        queue: &'i str,
        count: u64,
    ) -> Result<Self, Stop> {
        let windows = Windows::open(link, queue, count)?;
        Ok(Self { invocation, operator, queue, windows, taken: 0, left: count, activity: Activity::new() })
    }

    /// The next message. `None` if all were read, or if Ctrl-C was pressed.
    pub(in crate::commands) fn next(&mut self, link: &mut OperatorLink<'_>) -> Result<Option<Box<Received>>, Stop> {
        while self.left > 0 && !self.invocation.is_interrupted() {
            if let Some(OperatorEvent::Received(message)) = link.poll(true)? {
                self.taken += 1;
                self.left -= 1;
                self.activity.record();
                return Ok(Some(message));
            }
            self.windows.widen(link, self.taken)?;
            link.wait(true, &self.invocation.shutdown, TICK)?;
            let idle = self.activity.idle(link);
            if idle >= QUIET && self.has_ended(idle)? {
                break;
            }
        }
        Ok(None)
    }

    /// Whether other consumers have taken what was left.
    fn has_ended(&self, idle: Duration) -> Result<bool, Stop> {
        let messages = self.operator.inspect(self.queue)?.map_or(0, |state| state.messages);
        if messages > 0 && idle > LIMIT {
            let queue = self.queue;
            return Err(Stop::timed_out(format!(
                "the broker delivers none of the {messages} messages of {queue}; does it allow a single active consumer only?"
            )));
        }
        Ok(messages == 0)
    }
}
