//! What all measurements share: the broker, the contestants, and the run of a contestant on a workload.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Error, Result, anyhow};
use echo_bench::config::{INPUT_QUEUE, LOG_QUEUE, OUTPUT_QUEUE};
use echo_bench::wire::Address;
use tempfile::TempDir;

use crate::contestant::{Contestant, OUTPUT_FILE, StartOptions};
use crate::environment::{Broker, VHOSTS};
use crate::load::{Arrivals, Consumer, Publisher, Queues, message_body};
use crate::workload::Workload;

/// The longest time from the start of a contestant to its first echo.
const START_LIMIT: Duration = Duration::from_secs(15);

/// Log messages that have not arrived after this time without any were dropped by the contestant.
const LOG_IDLE_LIMIT: Duration = Duration::from_millis(500);

/// What all measurements share.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) broker: Broker,
    /// Those that take part, beginning with the ceiling.
    pub(crate) contestants: Vec<Contestant>,
    /// A component that only publishes. Its results are those of the component.
    pub(crate) source: Contestant,
    /// The workloads of the throughput measurement.
    pub(crate) workloads: Vec<Workload>,
    pub(crate) rounds: usize,
    pub(crate) quick: bool,
    /// The files that contestants write.
    pub(crate) folder: TempDir,
    /// The folder to keep callgrind's profiles in, if any.
    pub(crate) profiles: Option<PathBuf>,
}

/// The result of a contestant on a workload.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    /// Echoes per second.
    pub(crate) rate: f64,
    /// Microseconds of processor time per message.
    pub(crate) cpu_per_message: f64,
    /// The most bytes that the contestant had in memory.
    pub(crate) peak_memory: u64,
    /// The fraction of the expected log messages that arrived.
    pub(crate) logs_received: f64,
}

impl Bench {
    /// The address of the first virtual host.
    pub(crate) fn address(&self) -> Address {
        self.broker.address(VHOSTS[0])
    }

    /// The contestant that all others are compared with.
    pub(crate) fn ceiling(&self) -> &Contestant {
        &self.contestants[0]
    }

    /// The contestants, rotated by `round`, so that none always runs after the same other one.
    pub(crate) fn rotated(&self, round: usize) -> impl Iterator<Item = &Contestant> {
        let (last, first) = self.contestants.split_at(round % self.contestants.len());
        first.iter().chain(last)
    }

    /// The contestants whose limits are measured in depth: the ceiling and the components, without TLS.
    pub(crate) fn rotated_main(&self, round: usize) -> impl Iterator<Item = &Contestant> {
        let is_main =
            |contestant: &&Contestant| (contestant.is_ceiling() || contestant.is_component()) && !contestant.tls;
        self.rotated(round).filter(is_main)
    }

    /// The start options with which a contestant is fastest for messages of `size` bytes.
    pub(crate) fn start_options<'a>(&'a self, address: &'a Address, size: usize, logs: bool) -> StartOptions<'a> {
        StartOptions {
            address,
            prefetch: best_prefetch(size),
            logs,
            workers: 1,
            tls: self.broker.tls(),
            folder: self.folder.path(),
        }
    }

    /// Warms up the broker, which is slower for its first messages.
    pub(crate) fn warm_up(&self) -> Result<()> {
        for persistent in [true, false] {
            let workload = Workload { size: 100, persistent, logs: false, count: 20_000 };
            self.run(self.ceiling(), workload, START_LIMIT)?;
        }
        Ok(())
    }

    /// Publishes the messages of `workload`, then starts `contestant` and measures its echoes for at most `limit`.
    pub(crate) fn run(&self, contestant: &Contestant, workload: Workload, limit: Duration) -> Result<Run> {
        let address = self.address();
        Queues::connect(&address)?.reset(workload.persistent)?;
        let body = message_body(0, workload.size);
        Publisher::connect(&address)?.publish(INPUT_QUEUE, &body, workload.count, workload.persistent)?;
        self.run_on_published(contestant, workload, limit)
    }

    /// Like [`run`](Self::run), for messages that are in the input queue already.
    pub(crate) fn run_on_published(&self, contestant: &Contestant, workload: Workload, limit: Duration) -> Result<Run> {
        let address = self.address();
        let output = Consumer::start(&address, OUTPUT_QUEUE)?;
        let logs = Consumer::start(&address, LOG_QUEUE)?;
        let mut process = contestant.start(&self.start_options(&address, workload.size, workload.logs))?;
        let first = output.wait(1, START_LIMIT);
        if first.count == 0 {
            return Err(self.no_echo_error(contestant));
        }
        let cpu_before = process.cpu_time()?;
        let mut echoed = output.wait(workload.count, limit);
        let mut log_count = 0;
        if workload.logs {
            (log_count, echoed) = await_logs(&logs, echoed);
        }
        if process.has_exited()? {
            return Err(self.no_echo_error(contestant));
        }
        let cpu_time = process.cpu_time()?.saturating_sub(cpu_before);
        let peak_memory = process.peak_memory()?;
        process.stop()?;
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 messages")]
        let run = Run {
            rate: echoed.rate().unwrap_or(0.0),
            cpu_per_message: cpu_time.as_secs_f64() * 1e6 / (echoed.count - first.count) as f64,
            peak_memory,
            logs_received: log_count as f64 / 2.0 / echoed.count as f64,
        };
        Ok(run)
    }

    /// The error for a contestant that exited or did not echo, with its output.
    pub(crate) fn no_echo_error(&self, contestant: &Contestant) -> Error {
        let output = fs::read_to_string(self.folder.path().join(OUTPUT_FILE)).unwrap_or_default();
        anyhow!("{} exited or did not echo in time. Its output:\n{}", contestant.name, output.trim())
    }
}

/// Waits for the log messages of all echoes and returns how many arrived.
///
/// They are part of the work, so the measured time is extended to the last of them.
fn await_logs(logs: &Consumer, echoed: Arrivals) -> (u64, Arrivals) {
    let expected = 2 * echoed.count;
    let mut received = logs.arrivals();
    loop {
        let (count_before, wait_start) = (received.count, Instant::now());
        received = logs.wait(expected, LOG_IDLE_LIMIT);
        let idle = received.count == count_before && wait_start.elapsed() >= LOG_IDLE_LIMIT;
        if received.count >= expected || idle {
            return (received.count, echoed.extended_to(received.last()));
        }
    }
}

/// A larger prefetch brings nothing when messages are large.
fn best_prefetch(size: usize) -> u16 {
    match size {
        0..=16_384 => 1024,
        16_385..=262_144 => 64,
        _ => 16,
    }
}
