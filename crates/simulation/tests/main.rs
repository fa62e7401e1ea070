//! The simulation keeps its own promises, and the component keeps all of its promises in some schedules.

#[path = "../../valawai/tests/contract/suite/mod.rs"]
mod suite;

use simulation::Stacks;
use suite::{Broker, each_test};
use valawai::internals::broker::Session;

/// How many schedules `cargo test` runs. Continuous integration runs many more, from other seeds.
const SCHEDULES: u64 = 1_000;

/// Seeds that have found a defect once, with what it was.
const REMEMBERED: [(u64, &str); 0] = [];

fn check(seed: u64, stacks: Stacks) -> Stacks {
    let (outcome, stacks) = simulation::run(seed, false, stacks);
    if let Some(violation) = outcome.violation {
        panic!("seed {seed}: {violation:?}; `simulation --seed {seed}` tells what happened");
    }
    stacks
}

#[test]
fn no_promise_is_broken_in_a_thousand_schedules() {
    (0..SCHEDULES).fold(Stacks::default(), |stacks, seed| check(seed, stacks));
}

#[test]
fn no_remembered_defect_is_back() {
    for (seed, _) in REMEMBERED {
        check(seed, Stacks::default());
    }
}

#[test]
fn a_seed_determines_everything_that_happens() {
    let outcomes = || (0..40).map(|seed| simulation::run(seed, false, Stacks::default()).0).collect::<Vec<_>>();
    let (first, second) = (outcomes(), outcomes());
    assert_eq!(first, second, "a schedule went another way the second time");
    assert!(first.windows(2).all(|pair| pair[0].hash != pair[1].hash), "two seeds have the same schedule");
}

/// The broker of the world in which a test runs.
struct Simulated;

impl Broker for Simulated {
    fn connect(&self) -> Box<dyn Session> {
        simulation::connect()
    }
}

macro_rules! simulated {
    ($($file:ident: $($name:ident),*;)*) => {
        mod contract {
            // Several worlds: what comes how late is random.
            $($(#[test] fn $name() {
                (0..20).for_each(|seed| simulation::run_alone(seed, || super::suite::$file::$name(&super::Simulated)));
            })*)*
        }
    };
}

each_test!(simulated);
