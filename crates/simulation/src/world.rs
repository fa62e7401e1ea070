//! The world: its time, its randomness, and everything in it. It belongs to one thread.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, TrySendError};
use fastrand::Rng;

use crate::agenda::{Agenda, Event};
use crate::broker::Broker;
use crate::course::Phase;
use crate::invariants::Remembered;
use crate::ledger::Ledger;
use crate::link::ClientLink;
use crate::mov::Mov;
use crate::plan::Plan;
use crate::replicas::{HealthFile, Process};
use crate::scheduler::{Spawned, Task, TaskId};
use crate::session::micros;
use crate::trace::Trace;

/// Virtual time, in microseconds since the beginning of the world.
pub(crate) type Micros = u64;

pub(crate) const MILLISECOND: Micros = 1_000;
pub(crate) const SECOND: Micros = 1_000_000;

/// Milliseconds since 1970 at the beginning of the world.
const BEGINNING: u64 = 1_795_000_000_000;

thread_local! {
    static WORLD: RefCell<Option<Box<World>>> = const { RefCell::new(None) };
}

/// What a promise was broken by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The promise.
    pub promise: &'static str,
    /// What happened.
    pub story: String,
    /// When, in virtual microseconds.
    pub at: u64,
}

/// The names of the queues of the simulated component.
pub(crate) struct Names {
    pub(crate) input: &'static str,
    pub(crate) output: &'static str,
}

/// A timer of a process.
pub(crate) struct Timer {
    process: usize,
    period: Option<Micros>,
    sender: Option<Sender<Instant>>,
}

pub(crate) struct World {
    pub(crate) now: Micros,
    epoch: Instant,
    pub(crate) random: Rng,
    agenda: Agenda,
    pub(crate) names: Names,
    pub(crate) plan: Plan,
    pub(crate) broker: Broker,
    pub(crate) mov: Mov,
    pub(crate) links: Vec<ClientLink>,
    pub(crate) processes: Vec<Process>,
    /// The health files, by host.
    pub(crate) files: BTreeMap<usize, HealthFile>,
    pub(crate) ledger: Ledger,
    pub(crate) trace: Trace,
    pub(crate) violation: Option<Violation>,
    pub(crate) is_over: bool,
    pub(crate) tasks: Vec<Task>,
    pub(crate) spawned: Vec<Spawned>,
    /// The task that runs.
    pub(crate) running: TaskId,
    /// The processes whose blocked tasks may have become ready.
    pub(crate) dirty: Vec<usize>,
    /// The processes whose tasks are to end.
    pub(crate) dead: Vec<usize>,
    timers: Vec<Timer>,
    pub(crate) phase: Phase,
    /// The rounds that are over.
    pub(crate) round: usize,
    /// How many inputs are to come in this round.
    pub(crate) pending_inputs: usize,
    /// Whether a process was told to stop in this round.
    pub(crate) stops_in_round: bool,
    pub(crate) remembered: Remembered,
    pub(crate) steps: u64,
}

/// Uses the world of this thread. It must not be used meanwhile.
pub(crate) fn with<T>(use_world: impl FnOnce(&mut World) -> T) -> T {
    WORLD.with_borrow_mut(|world| use_world(world.as_mut().expect("a world on this thread")))
}

/// Uses the world of this thread unless it is being used. Returns whether it was.
pub(crate) fn try_with(use_world: impl FnOnce(&mut World)) -> bool {
    WORLD.with(|world| match world.try_borrow_mut() {
        Ok(mut world) => world.as_mut().map(|world| use_world(world)).is_some(),
        Err(_) => false,
    })
}

/// Makes `world` that of this thread.
pub(crate) fn set(world: World) {
    WORLD.set(Some(Box::new(world)));
}

/// Removes the world of this thread.
pub(crate) fn take() -> Option<Box<World>> {
    WORLD.take()
}

impl World {
    pub(crate) fn new(names: Names, plan: Plan, random: Rng, trace: Trace) -> Self {
        Self {
            now: 0,
            epoch: Instant::now(),
            random,
            agenda: Agenda::default(),
            names,
            broker: Broker { is_up: true, ..Broker::default() },
            mov: Mov::default(),
            links: Vec::new(),
            processes: Vec::new(),
            files: BTreeMap::new(),
            ledger: Ledger::default(),
            trace,
            violation: None,
            is_over: false,
            tasks: Vec::new(),
            spawned: Vec::new(),
            running: 0,
            dirty: Vec::new(),
            dead: Vec::new(),
            timers: Vec::new(),
            phase: Phase::default(),
            round: 0,
            pending_inputs: 0,
            stops_in_round: false,
            remembered: Remembered::default(),
            steps: 0,
            plan,
        }
    }

    /// Something happens at a time.
    pub(crate) fn at(&mut self, at: Micros, event: Event) {
        let tie = self.random.u32(..);
        self.agenda.add(at.max(self.now), tie, event);
    }

    /// Something happens after a time.
    pub(crate) fn after(&mut self, time: Micros, event: Event) {
        self.at(self.now + time, event);
    }

    /// The next event, at whose time it is then.
    pub(crate) fn next_event(&mut self) -> Option<Event> {
        let (at, event) = self.agenda.next()?;
        self.now = at;
        self.steps += 1;
        self.trace.now = at;
        Some(event)
    }

    /// Writes a line of the story, if somebody reads it.
    pub(crate) fn tell(&mut self, line: impl FnOnce() -> String) {
        self.trace.tell(line);
    }

    /// A promise is broken. The first one counts.
    pub(crate) fn violated(&mut self, promise: &'static str, story: String) {
        self.tell(|| format!("VIOLATED {promise}: {story}"));
        let at = self.now;
        self.violation.get_or_insert(Violation { promise, story, at });
    }

    pub(crate) fn instant(&self) -> Instant {
        self.epoch + Duration::from_micros(self.now)
    }

    pub(crate) fn micros(&self, instant: Instant) -> Micros {
        micros(instant.saturating_duration_since(self.epoch))
    }

    pub(crate) fn milliseconds(&self) -> u64 {
        BEGINNING + self.now / MILLISECOND
    }

    pub(crate) fn add_timer(&mut self, at: Micros, period: Option<Micros>, sender: Sender<Instant>) {
        let process = self.tasks[self.running].process;
        self.timers.push(Timer { process, period, sender: Some(sender) });
        let index = self.timers.len() - 1;
        self.at(at, Event::Timer(index));
    }

    pub(crate) fn timer_is_due(&mut self, index: usize) {
        let now = self.instant();
        let Timer { process, period, sender } = &mut self.timers[index];
        let (process, period) = (*process, *period);
        let is_gone = sender.as_ref().is_none_or(|it| matches!(it.try_send(now), Err(TrySendError::Disconnected(_))));
        match period {
            Some(period) if !is_gone => self.after(period, Event::Timer(index)),
            _ => *sender = None,
        }
        self.dirty.push(process);
    }
}
