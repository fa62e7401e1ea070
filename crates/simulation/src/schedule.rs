//! Runs the schedule of one seed.

use std::sync::Once;
use std::thread;

use corosensei::stack::DefaultStack;
use fastrand::Rng;

use crate::agenda::Event;
use crate::component::{INPUT, OUTPUT};
use crate::plan::Plan;
use crate::scheduler::Scheduler;
use crate::trace::{Logger, Trace};
use crate::virtual_time::Virtual;
use crate::world::{self, Names, Violation, World};

/// More steps than any schedule takes: a thread that never waits for anything would run for ever.
const MOST_STEPS: u64 = 2_000_000;

/// What became of a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The promise that was broken, if one was.
    pub violation: Option<Violation>,
    /// Identifies everything that happened.
    pub hash: u64,
    /// How many events there were.
    pub steps: u64,
    /// How long it lasted, in virtual microseconds.
    pub lasted: u64,
    /// How many inputs there were.
    pub inputs: usize,
}

/// Memory that one schedule leaves to the next.
#[derive(Default)]
pub struct Stacks(Vec<DefaultStack>);

/// Runs the schedule of `seed`, on a thread of its own: no other schedule leaves anything behind on it. With `is_told`, it prints
/// what happens.
///
/// # Panics
/// If the simulation has a defect.
#[must_use]
pub fn run(seed: u64, is_told: bool, stacks: Stacks) -> (Outcome, Stacks) {
    log::set_max_level(if is_told { log::LevelFilter::Debug } else { log::LevelFilter::Off });
    let run = move || run_here(seed, is_told, stacks);
    thread::Builder::new().name("world".into()).spawn(run).expect("a thread").join().expect("the simulation works")
}

/// Prepares the thread of a world. Returns its randomness.
pub(crate) fn prepare(seed: u64) -> Rng {
    static PREPARED: Once = Once::new();
    PREPARED.call_once(|| {
        std::panic::set_hook(Box::new(|info| {
            // A panic that a message orders is no news.
            if info.payload_as_str() != Some("as ordered") {
                eprintln!("{info}");
            }
        }));
        log::set_boxed_logger(Box::new(Logger)).expect("the first logger");
    });
    valawai::internals::simulation::install(&Virtual);
    let mut random = Rng::with_seed(seed);
    // That of the component.
    fastrand::seed(random.u64(..));
    random
}

fn run_here(seed: u64, is_told: bool, stacks: Stacks) -> (Outcome, Stacks) {
    let mut random = prepare(seed);
    let mut first = World::with_plan(Plan::new(&mut random), random, is_told);
    first.tell(|| format!("seed {seed}"));
    let plan = format!("{:?}", first.plan);
    first.tell(|| plan);
    first.begin();
    world::set(first);
    let mut scheduler = Scheduler::with_stacks(stacks.0);
    while let Some(event) = world::with(World::next_event) {
        scheduler.happens(event);
        settle(&mut scheduler);
        if world::with(|world| world.is_over || world.violation.is_some() || world.steps > MOST_STEPS) {
            break;
        }
    }
    world::with(World::kill_all);
    settle(&mut scheduler);
    let world = world::take().expect("it was set");
    let mut violation = world.violation.clone();
    if world.steps > MOST_STEPS {
        let story = format!("there were more than {MOST_STEPS} events");
        violation.get_or_insert(Violation { promise: "progress", story, at: world.now });
    }
    let outcome = Outcome {
        violation,
        hash: world.trace.hash,
        steps: world.steps,
        lasted: world.now,
        inputs: world.ledger.inputs.len(),
    };
    (outcome, Stacks(scheduler.into_stacks()))
}

/// Starts what was spawned, ends what was killed, and wakes what has become ready.
pub(crate) fn settle(scheduler: &mut Scheduler) {
    scheduler.start_spawned();
    while let Some(process) = world::with(|world| world.dead.pop()) {
        scheduler.end_process(process);
    }
    loop {
        let mut dirty = world::with(|world| std::mem::take(&mut world.dirty));
        if dirty.is_empty() {
            return;
        }
        dirty.sort_unstable();
        dirty.dedup();
        for process in dirty {
            scheduler.ask_blocked(process);
        }
    }
}

impl Scheduler {
    /// Something happens.
    pub(crate) fn happens(&mut self, event: Event) {
        match event {
            Event::Resume { task, generation } => self.resume(task, generation),
            event => world::with(|world| world.happens(event)),
        }
    }
}

impl World {
    pub(crate) fn with_plan(plan: Plan, random: Rng, is_told: bool) -> Self {
        Self::new(Names { input: INPUT, output: OUTPUT }, plan, random, Trace::new(is_told))
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Resume { .. } => {}
            Event::Timer(index) => self.timer_is_due(index),
            Event::ToBroker(connection) => self.arrive_at_broker(connection),
            Event::ToClient(connection) => self.arrive_at_client(connection),
            Event::ClientNotices(connection) => self.client_notices(connection),
            Event::BrokerNotices(connection) => self.broker_notices(connection),
            Event::NotMissed(connection) => self.not_missed(connection),
            Event::Confirm(link) => self.confirm(link),
            Event::Expire(queue) => self.expire(&queue),
            Event::BrokerUp => self.broker_up(),
            Event::Mov(event) => self.mov_event(event),
            Event::Input => self.publish_input(),
            Event::Fault(fault) => self.fault(&fault),
            Event::Start { host } => self.start_process(host),
            Event::Stop { process } => self.stop_process(process),
            Event::Look => self.look(),
            Event::Heal => self.heal(),
        }
    }

    pub(crate) fn kill_all(&mut self) {
        for process in self.running_processes().collect::<Vec<_>>() {
            self.kill_process(process);
        }
    }
}
