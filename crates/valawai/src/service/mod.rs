//! Answers operators, through an exchange that every process of every component listens to.
//!
//! It is never in the way of the work: it has a thread of its own, its queue is bounded, orders have an end, and where the
//! broker does not permit it, the component works on without.

mod answers;
mod leases;
mod orders;
mod pending;
pub mod process;
pub mod protocol;
mod replicas;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use self::leases::Leases;
use self::pending::{Answered, Pending};
use self::protocol::{Answer, Content, MAX_REQUEST, Request, Setting, VERBS};
use self::replicas::PassingOn;
use crate::broker::{Access, Delivery, Error, Event, Link, SERVICE_EXCHANGE};
use crate::clock;
use crate::ids::Ids;
use crate::logs::levels;
use crate::message::{Outgoing, Properties};
use crate::mov::component_info::ComponentInfo;
use crate::mov::identity::Identity;
use crate::operations::Operations;
use crate::operations::configure::Configure;
use crate::shutdown::Shutdown;

/// How many requests are taken at a time.
const PREFETCH: u16 = 16;

/// How often the service looks for orders whose time is up.
const TICK: Duration = Duration::from_secs(1);

/// The same while something is tapped or an order is carried out: copies and answers arrive so late.
const SHORT_TICK: Duration = Duration::from_millis(20);

/// How many copies are published before the next request is looked for.
const COPIES_AT_ONCE: usize = 100;

/// The direct reply-to queues of operators.
const DIRECT_REPLY: &str = "amq.rabbitmq.reply-to.";

/// Answers operators, in one session after another. Clones share its state.
#[derive(Clone)]
pub struct Service {
    inner: Arc<Inner>,
}

/// What the service needs to know of the process.
pub struct Options {
    /// The component.
    pub info: ComponentInfo,
    /// Its registration.
    pub identity: Identity,
    /// What operators see and change.
    pub operations: Operations,
    /// The settings that are not left to their defaults.
    pub settings: Vec<Setting>,
    /// Changes the settings, if they can change.
    pub configure: Option<Arc<dyn Configure>>,
    /// Stops the process as SIGTERM does.
    pub stop: Arc<dyn Fn() + Send + Sync>,
}

struct Inner {
    options: Options,
    settings: Mutex<Vec<Setting>>,
    instance: String,
    started: Instant,
    since: u64,
    is_denial_logged: AtomicBool,
    passing_on: PassingOn,
}

impl Service {
    /// The service of this process.
    #[must_use]
    pub fn new(mut options: Options) -> Self {
        // The random part is unique.
        let instance = Ids::new().next().chars().take(INSTANCE_DIGITS).collect();
        let since = clock::seconds();
        let is_denial_logged = AtomicBool::new(false);
        let settings = Mutex::new(std::mem::take(&mut options.settings));
        let (started, passing_on) = (Instant::now(), PassingOn::default());
        Self { inner: Arc::new(Inner { options, settings, instance, started, since, is_denial_logged, passing_on }) }
    }

    /// Replaces the settings that it shows.
    pub fn set_settings(&self, settings: Vec<Setting>) {
        *self.inner.settings.lock() = settings;
    }

    /// Answers until the shutdown.
    ///
    /// # Errors
    /// If the session is over; [`Error::Denied`] if the broker does not permit it.
    pub fn run(&self, link: &mut dyn Link, shutdown: &Shutdown) -> Result<(), Error> {
        self.serve(link, shutdown).map_err(|error| self.note_denial(error))
    }

    fn serve(&self, link: &mut dyn Link, shutdown: &Shutdown) -> Result<(), Error> {
        let Inner { options, instance, .. } = &*self.inner;
        let name = &options.info.name;
        let queue = queue(name, instance);
        let keys: Vec<String> = VERBS
            .iter()
            .flat_map(|verb| [(*verb).to_owned(), format!("{verb}.{name}"), format!("{verb}.{name}.{instance}")])
            .collect();
        link.declare_service(&queue, &keys)?;
        link.consume(&queue, Access::Shared, PREFETCH)?;
        self.can_pass_on();
        let mut leases = Leases::new(&options.operations.tap);
        let mut pending = Pending::default();
        while !shutdown.is_requested() {
            match link.poll(true)? {
                // Nobody waits for an answer.
                Some(Event::Delivery(delivery)) if delivery.message.properties.reply_to.is_none() => {
                    self.follow(&delivery.message.body);
                    link.acknowledge(delivery.tag)?;
                }
                Some(Event::Delivery(delivery)) => self.answer(link, delivery, &mut leases, &mut pending)?,
                // Answers need not arrive: an operator asks again.
                Some(Event::Confirm(_) | Event::Returned(_)) => {}
                None => {
                    self.pass_on(link)?;
                    self.send_copies(link, &mut leases)?;
                    for Answered { to, correlation_id, content } in pending.take_answered() {
                        self.send(link, &to, correlation_id, content)?;
                    }
                    self.end_expired();
                    let tick = if leases.is_empty() && pending.is_empty() { TICK } else { SHORT_TICK };
                    link.wait_for_signal(true, options.operations.replicas.signal(), Some(shutdown), tick);
                }
            }
        }
        Ok(())
    }

    /// Logs, once for each process, that the broker does not permit it.
    pub fn report_denial(&self, error: &Error) {
        if !self.inner.is_denial_logged.swap(true, Ordering::Relaxed) {
            self.inner.options.operations.replicas.obstruct("operators cannot talk to it");
            log::warn!(
                "{error}; operators cannot talk to this process. Permit its user to configure and read \
                 '^valawai\\.service(\\.|$)' and to write '^valawai\\.service\\.', or set SERVICE_CONTROL=0"
            );
        }
    }

    fn answer(
        &self,
        link: &mut dyn Link,
        delivery: Delivery,
        leases: &mut Leases<'_>,
        pending: &mut Pending,
    ) -> Result<(), Error> {
        let Delivery { tag, message, .. } = delivery;
        let Properties { reply_to, correlation_id, .. } = message.properties;
        // Without an address, nobody asked. Another address could be a queue that the sender may not write to.
        if let Some(to) = reply_to.filter(|to| to.starts_with(DIRECT_REPLY))
            && message.body.len() <= MAX_REQUEST
        {
            let content = match serde_json::from_slice(&message.body) {
                Ok(Request::Reload {}) => self.start_reload(pending, (&to, correlation_id.as_ref())),
                Ok(request) => Some(self.carry_out(link, request, &to, leases)),
                Err(error) => Some(Content::Refused { reason: format!("the request is not known: {error}") }),
            };
            if let Some(content) = content {
                self.send(link, &to, correlation_id, content)?;
            }
        }
        link.acknowledge(tag)
    }

    /// Reads the settings again on another thread. Returns a refusal if that is not possible.
    fn start_reload(&self, pending: &mut Pending, sender: (&str, Option<&String>)) -> Option<Content> {
        let Some(configure) = self.inner.options.configure.clone() else {
            return Some(Content::Refused { reason: orders::FIXED.to_owned() });
        };
        pending.start(sender, move || Self::reload(&*configure))
    }

    fn carry_out(&self, link: &dyn Link, request: Request, sender: &str, leases: &mut Leases<'_>) -> Content {
        match request {
            Request::Ping {} => Content::Pong {},
            Request::Info {} => Content::Info(Box::new(self.info())),
            Request::Stats {} => Content::Stats(Box::new(self.stats(link.is_blocked(), leases.len()))),
            Request::Tap { messages, logs, seconds } => leases.renew(sender, messages, logs, seconds),
            order => self.obey(order),
        }
    }

    fn send_copies(&self, link: &mut dyn Link, leases: &mut Leases<'_>) -> Result<(), Error> {
        leases.end_expired(Instant::now());
        for (queue, content) in leases.take(COPIES_AT_ONCE) {
            self.send(link, &queue, None, content)?;
        }
        Ok(())
    }

    fn end_expired(&self) {
        for channel in self.inner.options.operations.pauses.end_expired(Instant::now()) {
            log::warn!("{channel} is consumed again: the time of its pause is up");
        }
        if levels::end_expired(Instant::now()) {
            log::warn!("the log levels are {} again", levels::text());
        }
    }

    fn send(
        &self,
        link: &mut dyn Link,
        to: &str,
        correlation_id: Option<String>,
        content: Content,
    ) -> Result<(), Error> {
        let Inner { options, instance, .. } = &*self.inner;
        let answer = Answer {
            component: options.info.name.clone(),
            instance: instance.clone(),
            version: options.info.version.to_owned(),
            content,
        };
        let body = serde_json::to_vec(&answer).map_err(Error::lost)?;
        let properties = Properties { correlation_id, ..Properties::default() };
        let message = Outgoing { properties, persistent: false, mandatory: false, ..Outgoing::new(to, body) };
        match link.publish(&message) {
            Ok(_) | Err(Error::TooLarge { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// The queue on which a process of a component is asked.
#[must_use]
pub fn queue(component: &str, instance: &str) -> String {
    format!("{SERVICE_EXCHANGE}.{component}.{instance}")
}

/// How much of a random identifier names an instance, so that people can type it.
const INSTANCE_DIGITS: usize = 8;
