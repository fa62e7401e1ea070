//! Cost: start-up time, idle memory and the size of the executable.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use echo_bench::config::{INPUT_QUEUE, OUTPUT_QUEUE};

use crate::bench::Bench;
use crate::contestant::Contestant;
use crate::load::{Consumer, Publisher, Queues, message_body};
use crate::report::{Metric, Results, Unit, megabytes};

const GROUP: &str = "cost";

const SIZE: usize = 100;

/// The idle time before memory is measured.
const IDLE_TIME: Duration = Duration::from_millis(300);

const START_LIMIT: Duration = Duration::from_secs(10);

pub(super) fn measure_cost(bench: &Bench, results: &mut Results) -> Result<()> {
    for round in 0..bench.rounds {
        for contestant in bench.rotated(round) {
            measure(bench, contestant, round, results)?;
        }
    }
    for contestant in &bench.contestants {
        if let Some(binary) = &contestant.binary {
            let size = megabytes(fs::metadata(binary)?.len());
            results.record(Metric::new(GROUP, "binary, stripped", Unit::Megabytes), &contestant.name, 0, size);
        }
    }
    Ok(())
}

fn measure(bench: &Bench, contestant: &Contestant, round: usize, results: &mut Results) -> Result<()> {
    let address = bench.address();
    Queues::connect(&address)?.reset(true)?;
    let echoes = Consumer::start(&address, OUTPUT_QUEUE)?;
    Publisher::connect(&address)?.publish(INPUT_QUEUE, &message_body(0, SIZE), 1, true)?;

    let start = Instant::now();
    let process = contestant.start(&bench.start_options(&address, SIZE, contestant.always_logs()))?;
    let first_echo = echoes.wait(1, START_LIMIT).last().ok_or_else(|| bench.no_echo_error(contestant))?;
    let milliseconds = first_echo.duration_since(start).as_secs_f64() * 1e3;
    let metric = Metric::new(GROUP, "start to first echo", Unit::Milliseconds);
    results.record(metric, &contestant.name, round, milliseconds);

    thread::sleep(IDLE_TIME);
    let memory = megabytes(process.resident_memory()?);
    results.record(Metric::new(GROUP, "memory, idle", Unit::Megabytes), &contestant.name, round, memory);
    Ok(process.stop()?)
}
