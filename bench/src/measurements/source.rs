//! A source of the kit that pipelines messages, beside the ceiling publishing the same with confirms.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use echo_bench::config::{OUTPUT_QUEUE, SOURCE_BODY_SIZE, SOURCE_COUNT, SOURCE_FINISHED};

use crate::bench::Bench;
use crate::contestant::OUTPUT_FILE;
use crate::load::{Publisher, Queues, message_body};
use crate::report::{Metric, Results, Unit};
use crate::workload::persistence;

const GROUP: &str = "source";

const LIMIT: Duration = Duration::from_secs(60);

/// How often to look whether the source has finished.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

pub(super) fn measure_source(bench: &Bench, results: &mut Results) -> Result<()> {
    for round in 0..bench.rounds {
        for persistent in [true, false] {
            let name = format!("{SOURCE_BODY_SIZE} B, {}, pipelined", persistence(persistent));
            let mut record = |name: String, unit, contestant: &str, value| {
                results.record(Metric::new(GROUP, name, unit), contestant, round, value);
            };
            // They take turns to be the first.
            for is_source in [round % 2 == 0, round % 2 != 0] {
                Queues::connect(&bench.address())?.reset(persistent)?;
                if is_source {
                    let (rate, cpu) = run_source(bench)?;
                    record(name.clone(), Unit::Rate, &bench.source.name, rate);
                    let cpu_name = format!("CPU per message, {}", persistence(persistent));
                    record(cpu_name, Unit::Microseconds, &bench.source.name, cpu);
                } else {
                    record(name.clone(), Unit::Rate, &bench.ceiling().name, run_ceiling(bench, persistent)?);
                }
            }
        }
    }
    Ok(())
}

/// The messages per second of the ceiling.
#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 messages")]
fn run_ceiling(bench: &Bench, persistent: bool) -> Result<f64> {
    let mut publisher = Publisher::connect(&bench.address())?;
    let body = message_body(0, SOURCE_BODY_SIZE);
    publisher.publish(OUTPUT_QUEUE, &body, 1, persistent)?;
    let start = Instant::now();
    publisher.publish(OUTPUT_QUEUE, &body, SOURCE_COUNT, persistent)?;
    Ok(SOURCE_COUNT as f64 / start.elapsed().as_secs_f64())
}

/// The messages per second of a source, and its microseconds of processor time per message.
#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 messages")]
fn run_source(bench: &Bench) -> Result<(f64, f64)> {
    let address = bench.address();
    let process = bench.source.start(&bench.start_options(&address, SOURCE_BODY_SIZE, false))?;
    let start = Instant::now();
    while start.elapsed() < LIMIT {
        if let Some(seconds) = finished_in(bench) {
            let cpu = process.cpu_time()?.as_secs_f64() * 1e6 / SOURCE_COUNT as f64;
            process.stop()?;
            return Ok((SOURCE_COUNT as f64 / seconds, cpu));
        }
        thread::sleep(POLL_INTERVAL);
    }
    bail!("the source did not finish in time. Its output:\n{}", output(bench))
}

fn finished_in(bench: &Bench) -> Option<f64> {
    output(bench).lines().find_map(|line| line.strip_prefix(SOURCE_FINISHED)?.parse().ok())
}

fn output(bench: &Bench) -> String {
    fs::read_to_string(bench.folder.path().join(OUTPUT_FILE)).unwrap_or_default()
}
