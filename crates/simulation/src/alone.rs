//! A world with the broker alone, for tests of the broker.

use valawai::internals::broker::Session;

use crate::plan::Plan;
use crate::schedule::{prepare, settle};
use crate::scheduler::Scheduler;
use crate::session;
use crate::world::{self, SECOND, World};

/// No test takes longer, in virtual time.
const LIMIT: u64 = 600 * SECOND;

/// Runs `job` in a world without faults, as the only thread of a process.
///
/// # Panics
/// If the job panics, or does not end.
pub fn run_alone(seed: u64, job: impl FnOnce() + Send + 'static) {
    let run = move || {
        let mut random = prepare(seed);
        let mut first = World::with_plan(Plan::new(&mut random), random, false);
        first.start_alone(Box::new(job));
        world::set(first);
        let mut scheduler = Scheduler::default();
        settle(&mut scheduler);
        while let Some(event) = world::with(World::next_event) {
            scheduler.happens(event);
            settle(&mut scheduler);
            if world::with(|world| world.tasks[0].has_ended || world.now > LIMIT) {
                break;
            }
        }
        let has_ended = world::with(|world| world.tasks[0].has_ended);
        world::with(World::kill_all);
        settle(&mut scheduler);
        let world = world::take().expect("it was set");
        assert!(has_ended, "it did not end in time");
        assert_eq!(world.violation, None);
    };
    std::thread::Builder::new().name("world".into()).spawn(run).expect("a thread").join().expect("the test passes");
}

/// Opens a session with the broker of the world on this thread.
///
/// # Panics
/// If the broker is away.
#[must_use]
pub fn connect() -> Box<dyn Session> {
    Box::new(session::connect().expect("a broker without faults"))
}
