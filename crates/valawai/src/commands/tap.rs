//! Observes running processes: they send copies of what comes in and goes out, as long as the lease is renewed.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::console::{Console, YELLOW};
use super::exit::Stop;
use super::instances::{Instances, Receivers};
use super::invocation::Invocation;
use super::time::parse_duration;
use crate::broker::amqp::operator::RequestChannel;
use crate::service::protocol::{Answer, Content, Copied, Request};

/// For how long a process sends copies after the last request: so soon they end when the observer dies.
const LEASE: Duration = Duration::from_secs(10);

/// How often the lease is renewed.
const RENEWAL: Duration = Duration::from_secs(3);

/// How long processes have to answer the first request.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);

/// What the commands that observe have in common.
#[derive(Debug, clap::Args)]
pub(super) struct Observation {
    /// Components, or `all`; by default the component that the command is for
    #[arg(value_name = "COMPONENT")]
    pub(super) components: Vec<String>,
    /// End after so many
    #[arg(long, short = 'n', value_name = "N")]
    pub(super) count: Option<u64>,
    /// End after this time
    #[arg(long = "for", value_name = "TIME", value_parser = parse_duration)]
    pub(super) time: Option<Duration>,
    /// End when nothing was shown for this time
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(super) idle: Option<Duration>,
}

/// When an observation ends.
pub(super) struct End {
    count: Option<u64>,
    time: Instant,
    idle: Option<Duration>,
    shown: u64,
    last_shown: Instant,
}

/// What was observed.
pub(super) struct Summary {
    pub(super) shown: u64,
    /// How many copies the processes have dropped.
    pub(super) dropped: u64,
}

impl Observation {
    /// Observes until the end, and calls `show` for each copy; it returns whether it has shown it.
    pub(super) fn run(
        &self,
        invocation: &Invocation,
        wanted: Wanted,
        mut show: impl FnMut(&Observed) -> Result<bool, Stop>,
    ) -> Result<Summary, Stop> {
        let receivers = Receivers::of_components(invocation, &self.components)?;
        let operator = invocation.connect()?;
        let channel = operator.open_for_requests()?;
        let mut tap = Tap::open(invocation, &channel, receivers, wanted)?;
        let mut end = self.end();
        while !end.is_reached()
            && let Some(observed) = tap.next(&invocation.console, end.deadline())?
        {
            if show(&observed)? {
                end.count_shown();
            }
        }
        Ok(Summary { shown: end.shown, dropped: tap.dropped })
    }

    /// The end of an observation that begins now.
    pub(super) fn end(&self) -> End {
        const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 3600);
        let now = Instant::now();
        let time = now + self.time.unwrap_or(FOR_EVER);
        End { count: self.count, time, idle: self.idle, shown: 0, last_shown: now }
    }
}

impl End {
    pub(super) fn is_reached(&self) -> bool {
        self.count.is_some_and(|count| self.shown >= count) || Instant::now() >= self.deadline()
    }

    /// When it ends if nothing more is shown.
    fn deadline(&self) -> Instant {
        self.idle.map_or(self.time, |idle| self.time.min(self.last_shown + idle))
    }

    /// Counts what is shown, and returns how many there are.
    pub(super) fn count_shown(&mut self) -> u64 {
        self.last_shown = Instant::now();
        self.shown += 1;
        self.shown
    }
}

/// What is observed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) messages: bool,
    pub(super) logs: bool,
}

/// The copies that running processes send. Dropping it ends them.
struct Tap<'c> {
    instances: Instances<'c>,
    receivers: Vec<Receivers>,
    wanted: Wanted,
    next_renewal: Instant,
    /// The processes that have answered.
    observed: BTreeSet<String>,
    began: Instant,
    dropped: u64,
}

/// A copy, and the process that sent it.
pub(super) struct Observed {
    pub(super) component: String,
    pub(super) instance: String,
    pub(super) copy: Copied,
    /// As it came.
    pub(super) json: serde_json::Value,
}

impl<'c> Tap<'c> {
    /// Observes the processes of these components.
    fn open(
        invocation: &'c Invocation,
        channel: &'c RequestChannel<'c>,
        receivers: Vec<Receivers>,
        wanted: Wanted,
    ) -> Result<Self, Stop> {
        let now = Instant::now();
        let instances = Instances::new(invocation, channel)?;
        let observed = BTreeSet::new();
        Ok(Self { instances, receivers, wanted, next_renewal: now, observed, began: now, dropped: 0 })
    }

    /// The next copy, or `None` if there is none until `deadline`.
    fn next(&mut self, console: &Console, deadline: Instant) -> Result<Option<Observed>, Stop> {
        loop {
            self.renew()?;
            let Some(reply) = self.instances.next(deadline.min(self.next_renewal))? else {
                if self.observed.is_empty() && self.began.elapsed() > ANSWER_LIMIT {
                    return Err(self.receivers[0].nobody_answers());
                }
                if self.instances.is_interrupted() || Instant::now() >= deadline {
                    return Ok(None);
                }
                continue;
            };
            let Answer { component, instance, content, .. } = reply.answer;
            let name = Console::clean(format!("{component} {instance}"));
            match content {
                Content::Copy(copy) => {
                    return Ok(Some(Observed { component, instance, copy: *copy, json: reply.json }));
                }
                Content::Done { .. } => {
                    if self.observed.insert(name.clone()) {
                        console.note(format!("observing {name}"));
                    }
                }
                Content::Dropped { copies } => {
                    self.dropped += copies;
                    let text = format!("{name} dropped {copies} copies: there were too many");
                    console.note(console.paint(YELLOW, text));
                }
                Content::Refused { reason } => console.note(format!("{name}: {}", Console::clean(reason))),
                Content::Pong {} | Content::Info(_) | Content::Stats(_) => {}
            }
        }
    }

    fn renew(&mut self) -> Result<(), Stop> {
        if Instant::now() < self.next_renewal {
            return Ok(());
        }
        self.request(LEASE)?;
        // Until somebody answers, processes may be starting.
        self.next_renewal = Instant::now() + if self.observed.is_empty() { RENEWAL / 10 } else { RENEWAL };
        Ok(())
    }

    fn request(&mut self, lease: Duration) -> Result<(), Stop> {
        let Wanted { messages, logs } = self.wanted;
        let request = Request::Tap { messages, logs, seconds: lease.as_secs() };
        let mut is_anybody_there = false;
        for receivers in &self.receivers {
            is_anybody_there |= self.instances.ask(&request, receivers)?.is_some();
        }
        if is_anybody_there || !self.observed.is_empty() { Ok(()) } else { Err(self.receivers[0].nobody_answers()) }
    }
}

impl Drop for Tap<'_> {
    fn drop(&mut self) {
        // If it fails, the lease ends by itself.
        let _ = self.request(Duration::ZERO);
    }
}
