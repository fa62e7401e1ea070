//! The simulation keeps its own promises, and the component keeps all of its promises in some schedules.

#[path = "../../valawai/tests/contract/suite/mod.rs"]
mod suite;

use simulation::Stacks;
use suite::{Broker, each_test};
use valawai::internals::broker::Session;

/// How many schedules `cargo test` runs. Continuous integration runs many more, from other seeds.
const SCHEDULES: u64 = 1_000;

/// Seeds that have found a defect once, with what it was. A change of the simulation gives them another course.
const REMEMBERED: [(u64, &str); 11] = [
    (81_158, "a process that started while the last one stopped took over the registration that was ended"),
    (125_307, "the same, with three processes"),
    (201_929, "a lost record was not written again, and other processes did not learn of the registration"),
    (325_817, "a process that had been the registrar before ended the registration that it knew from then"),
    (362_510, "a record that another process was reading at this moment was overwritten"),
    (499_311, "what a process knew as a registrar won over what a later one had recorded"),
    (545_643, "a process that was killed forgot which registrations the last one had ended"),
    (732_840, "two processes that stopped hid the record from each other, and none unregistered"),
    (1_253_149, "a stop did not wait for the notice of the second of two registrations"),
    (11_403_446, "the end of a registration that was lost with the session was not sent again after a query"),
    (
        300_858_796,
        "a registration that the MOV processed after it had answered the last query stayed live beside the other",
    ),
];

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
    for (seed, defect) in REMEMBERED {
        let (outcome, _) = simulation::run(seed, false, Stacks::default());
        assert_eq!(outcome.violation, None, "seed {seed} once found this: {defect}");
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
