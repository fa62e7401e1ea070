//! Sources: what a component publishes by itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::handler::{self, Handler};
use super::{Context, Publisher};
use crate::failure::Failure;
use crate::message::Message;
use crate::mov::log::Entry;
use crate::shutdown::Shutdown;

/// Publishes until the shutdown.
pub(crate) type SourceLoop = Arc<dyn Fn(&Publisher, &Shutdown) -> Result<(), Failure> + Send + Sync>;

/// A source that publishes what `handler` returns, once every `period`. It is not called again before the broker has confirmed
/// what it published: nothing accumulates in an outage.
pub(super) fn periodic(period: Duration, handler: Handler) -> SourceLoop {
    Arc::new(move |publisher, shutdown| {
        let mut due = Instant::now();
        while !shutdown.wait_until(due) {
            due = Instant::now() + period;
            publish_once(&handler, publisher)?;
        }
        Ok(())
    })
}

fn publish_once(handler: &Handler, publisher: &Publisher) -> Result<(), Failure> {
    let context = Context::new(Arc::clone(publisher.scope()), Message::default());
    match handler::call(handler, &context) {
        Ok(reply) => match publisher.publish_handled(context.into_handled(), reply) {
            // It was reported, and the next message may be smaller.
            Err(Failure::Refuse(_)) => Ok(()),
            result => result,
        },
        Err(failure) => {
            report(publisher, &failure);
            Ok(())
        }
    }
}

fn report(publisher: &Publisher, failure: &Failure) {
    let message = format!("Nothing is published on {}, because {failure}", publisher.channel().short());
    publisher.scope().log.add(Entry::about(failure, message));
}
