//! Runs many schedules, or replays one.
//!
//! `simulation [--schedules N] [--from SEED] [--threads N]`, or `simulation --seed SEED`.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use simulation::Stacks;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let index = arguments.iter().position(|argument| argument == name)?;
        Some(arguments.get(index + 1)?.parse::<u64>().expect("a number"))
    };
    if let Some(seed) = value("--seed") {
        let (outcome, _) = simulation::run(seed, true, Stacks::default());
        println!("{outcome:#?}");
        return if outcome.violation.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    }
    let count = value("--schedules").unwrap_or(1_000);
    let from = value("--from").unwrap_or_else(|| fastrand::u64(..1 << 40));
    let threads = value("--threads").unwrap_or(2);
    println!("schedules {from} to {}", from + count - 1);
    let (next, failed) = (AtomicU64::new(from), AtomicBool::new(false));
    let (steps, lasted, inputs) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let began = Instant::now();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut stacks = Stacks::default();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from + count || failed.load(Ordering::Relaxed) {
                        return;
                    }
                    let (outcome, left) = simulation::run(seed, false, stacks);
                    stacks = left;
                    steps.fetch_add(outcome.steps, Ordering::Relaxed);
                    lasted.fetch_add(outcome.lasted, Ordering::Relaxed);
                    inputs.fetch_add(outcome.inputs as u64, Ordering::Relaxed);
                    if let Some(violation) = outcome.violation {
                        failed.store(true, Ordering::Relaxed);
                        println!("seed {seed} (schedule {}): {violation:?}", seed - from + 1);
                    }
                }
            });
        }
    });
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{} schedules in {seconds:.1} s: {} events, {} inputs, {} virtual hours",
        next.load(Ordering::Relaxed).min(from + count) - from,
        steps.load(Ordering::Relaxed),
        inputs.load(Ordering::Relaxed),
        lasted.load(Ordering::Relaxed) / 3_600_000_000,
    );
    if failed.load(Ordering::Relaxed) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
