//! Sources: what a component publishes by itself.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::handler::{self, Handler};
use super::{Component, Context, Publisher};
use crate::clock;
use crate::failure::Failure;
use crate::message::Message;
use crate::mov::log::Entry;
use crate::shutdown::Shutdown;

/// Publishes until the shutdown.
pub(crate) type SourceLoop = Arc<dyn Fn(&Publisher, &Shutdown) -> Result<(), Failure> + Send + Sync>;

/// A channel on which the component publishes by itself.
pub(super) struct DeclaredSource {
    pub(super) channel: String,
    pub(super) run: SourceLoop,
    pub(super) on_one_replica: bool,
}

impl Component {
    /// Declares that the component publishes on `channel` by itself: `run` senses something, and publishes it.
    ///
    /// `run` has a thread of its own. It starts when the component is connected, and continues over outages and reconnects: its
    /// [`Publisher`] waits until the broker is back. If it fails or panics, it is called again after a pause; if it
    /// returns `Ok`, it is done. When the component stops, it has a second to return: it waits with [`Shutdown::wait_for`]
    /// instead of sleeping, and returns the error of a publish with `?`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use serde::Serialize;
    /// use valawai::{Component, Failure, Publisher, Shutdown, testing};
    /// # let asyncapi = valawai::internals::asyncapi::sample("c0/thermometer", &["publish data/temperature"]);
    ///
    /// #[derive(Serialize)]
    /// struct Temperature { celsius: f64 }
    ///
    /// fn measure(publisher: &Publisher, shutdown: &Shutdown) -> Result<(), Failure> {
    ///     while !shutdown.wait_for(Duration::from_millis(100)) {
    ///         publisher.publish(&Temperature { celsius: 21.5 })?;
    ///     }
    ///     Ok(())
    /// }
    ///
    /// let component = Component::new("1.0.0", asyncapi).source("data/temperature", measure);
    /// assert_eq!(testing::run(&component).receive("data/temperature")["celsius"], 21.5);
    /// ```
    #[must_use]
    pub fn source<F>(mut self, channel: &str, run: F) -> Self
    where
        F: Fn(&Publisher, &Shutdown) -> Result<(), Failure> + Send + Sync + 'static,
    {
        self.add_source(channel, Arc::new(run));
        self
    }

    /// Runs the source or the period that was declared last on one replica only: the process that registers the component. By
    /// default, it runs on every replica.
    ///
    /// When that process ends or loses its connection, another one takes over. For a moment, both may run. See the example of
    /// [`Self::every`].
    #[must_use]
    pub fn on_one_replica(mut self) -> Self {
        match self.sources.last_mut() {
            Some(source) => source.on_one_replica = true,
            None => self.mistakes.push("`on_one_replica` follows no `source` and no `every`".to_owned()),
        }
        self
    }

    fn add_source(&mut self, channel: &str, run: SourceLoop) {
        self.sources.push(DeclaredSource { channel: channel.to_owned(), run, on_one_replica: false });
    }

    /// Declares that the component publishes by itself, once every `period`. A channel and a handler follow.
    ///
    /// ```
    /// use std::time::Duration;
    /// use serde_json::json;
    /// # use valawai::{Component, testing};
    /// # let asyncapi = valawai::internals::asyncapi::sample("c1/echo", &["publish data/heartbeat"]);
    ///
    /// let component = Component::new("1.0.0", asyncapi)
    ///     .every(Duration::from_secs(60))
    ///     .publish("data/heartbeat", |_| Ok(Some(json!({ "is_alive": true }))))
    ///     .on_one_replica();
    /// assert_eq!(testing::run(&component).receive("data/heartbeat"), json!({ "is_alive": true }));
    /// ```
    pub fn every(self, period: Duration) -> PeriodBuilder {
        PeriodBuilder { component: self, period }
    }
}

/// A component and a period that waits for its channel.
#[must_use = "nothing is published yet"]
pub struct PeriodBuilder {
    component: Component,
    period: Duration,
}

impl PeriodBuilder {
    /// Publishes what `handler` returns on `channel`, or nothing this time. The next period starts when the handler is
    /// called; the next call waits until the broker has confirmed what this one published. See the example of
    /// [`Component::every`].
    #[must_use]
    pub fn publish<O, F>(self, channel: &str, handler: F) -> Component
    where
        O: Serialize,
        F: Fn(&Context) -> Result<Option<O>, Failure> + Send + Sync + 'static,
    {
        let Self { mut component, period } = self;
        component.add_source(channel, periodic(period, handler::publishing(handler)));
        component
    }
}

/// A source that publishes what `handler` returns, once every `period`. It is not called again before the broker has confirmed
/// what it published: nothing accumulates in an outage.
fn periodic(period: Duration, handler: Handler) -> SourceLoop {
    Arc::new(move |publisher, shutdown| {
        let mut due = clock::now();
        while !shutdown.wait_until(due) {
            due = clock::now() + period;
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
