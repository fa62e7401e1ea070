//! Runs many schedules, or replays one and tells what happens in it.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use simulation::{Outcome, Stacks};

const USAGE: &str = "\
Usage: simulation [--schedules N] [--from SEED] [--threads N] [--keep-going]
       simulation --seed SEED

Runs N schedules (1000) from SEED (random) on, in N threads (all cores), until one breaks a promise; with --keep-going, all of
them. With --seed, runs one schedule and tells what happens in it.";

/// All schedules to run, and what became of them.
struct Run {
    from: u64,
    count: u64,
    next: AtomicU64,
    keeps_going: bool,
    has_failed: AtomicBool,
    steps: AtomicU64,
    lasted: AtomicU64,
    inputs: AtomicU64,
    done: AtomicU64,
    /// How often each promise was broken, and by which seed first.
    broken: Mutex<BTreeMap<&'static str, (u64, u64)>>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let index = arguments.iter().position(|argument| argument == name)?;
        arguments.get(index + 1)?.parse::<u64>().ok()
    };
    if arguments.iter().any(|argument| argument == "--help") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    if let Some(seed) = value("--seed") {
        let (outcome, _) = simulation::run(seed, true, Stacks::default());
        println!("{outcome:#?}");
        return if outcome.violation.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    }
    let from = value("--from").unwrap_or_else(|| fastrand::u64(..1 << 40));
    let run = Run {
        from,
        count: value("--schedules").unwrap_or(1_000),
        next: AtomicU64::new(from),
        keeps_going: arguments.iter().any(|argument| argument == "--keep-going"),
        has_failed: AtomicBool::new(false),
        steps: AtomicU64::new(0),
        lasted: AtomicU64::new(0),
        inputs: AtomicU64::new(0),
        done: AtomicU64::new(0),
        broken: Mutex::default(),
    };
    let threads = value("--threads").unwrap_or_else(|| thread::available_parallelism().map_or(1, |it| it.get() as u64));
    println!("schedules {from} to {}", from + run.count - 1);
    let began = Instant::now();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| run.work());
        }
    });
    run.report(began.elapsed().as_secs_f64())
}

impl Run {
    fn work(&self) {
        let mut stacks = Stacks::default();
        loop {
            let seed = self.next.fetch_add(1, Ordering::Relaxed);
            let is_over = self.has_failed.load(Ordering::Relaxed) && !self.keeps_going;
            if seed >= self.from + self.count || is_over {
                return;
            }
            let (outcome, left) = simulation::run(seed, false, stacks);
            stacks = left;
            self.record(seed, outcome);
        }
    }

    fn record(&self, seed: u64, outcome: Outcome) {
        self.done.fetch_add(1, Ordering::Relaxed);
        self.steps.fetch_add(outcome.steps, Ordering::Relaxed);
        self.lasted.fetch_add(outcome.lasted, Ordering::Relaxed);
        self.inputs.fetch_add(outcome.inputs as u64, Ordering::Relaxed);
        let Some(violation) = outcome.violation else { return };
        self.has_failed.store(true, Ordering::Relaxed);
        let mut broken = self.broken.lock().expect("no thread panics");
        let (count, _) = broken.entry(violation.promise).or_insert((0, seed));
        *count += 1;
        if *count <= 3 {
            let (promise, story, number) = (violation.promise, violation.story, seed - self.from + 1);
            println!("BROKEN: {promise}: {story} (seed {seed}, schedule {number}; replay it with --seed {seed})");
        }
    }

    fn report(&self, seconds: f64) -> ExitCode {
        let hours = self.lasted.load(Ordering::Relaxed) / 3_600_000_000;
        let [done, steps, inputs] = [&self.done, &self.steps, &self.inputs].map(|it| it.load(Ordering::Relaxed));
        println!("{done} schedules in {seconds:.1} s: {steps} events, {inputs} inputs, {hours} virtual hours");
        for (promise, (count, first)) in &*self.broken.lock().expect("no thread panics") {
            println!("  {promise}: broken {count} times, first by seed {first}");
        }
        if self.has_failed.load(Ordering::Relaxed) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}
