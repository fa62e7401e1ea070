//! What every measurement needs, and the one thing that all of them do: to let a contestant echo what is laid ready.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use echo_bench::setting::{HEARD, LOG, SAID};
use echo_bench::wire::Address;
use tempfile::TempDir;

use crate::broker::{Broker, VHOSTS};
use crate::contestant::{Contestant, Terms, WORDS};
use crate::load::{Admin, Drain, Filler, Tally, body};
use crate::options::Only;

/// The first message must be out after so long.
const START_LIMIT: Duration = Duration::from_secs(15);

/// Log messages that are still missing so long after the last echo were dropped.
const LOG_LIMIT: Duration = Duration::from_millis(500);

/// What every measurement needs.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) broker: Broker,
    pub(crate) contestants: Vec<Contestant>,
    pub(crate) folder: TempDir,
    pub(crate) rounds: usize,
    pub(crate) quick: bool,
    /// What is to be measured of all that could be.
    pub(crate) only: Only,
    /// The folder for profiles, if they are wanted.
    pub(crate) profiles: Option<PathBuf>,
}

/// What is to be echoed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Workload {
    pub(crate) size: usize,
    pub(crate) persistent: bool,
    pub(crate) logs: bool,
    /// Messages that are laid ready.
    pub(crate) count: u64,
}

/// How a contestant did.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    /// Messages a second.
    pub(crate) rate: f64,
    /// Microseconds of processor time for each message.
    pub(crate) cpu: f64,
    /// The most bytes in memory.
    pub(crate) peak: u64,
    /// The part of the log messages that came.
    pub(crate) logged: f64,
}

impl Bench {
    /// The broker's first virtual host.
    pub(crate) fn address(&self) -> Address {
        self.broker.address(VHOSTS[0])
    }

    /// The contestants, in an order that changes with the round.
    pub(crate) fn in_turn(&self, round: usize) -> impl Iterator<Item = &Contestant> {
        let (later, first) = self.contestants.split_at(round % self.contestants.len());
        first.iter().chain(later)
    }

    /// How a contestant does best with messages of `size`.
    pub(crate) fn terms<'t>(&'t self, address: &'t Address, size: usize, logs: bool) -> Terms<'t> {
        Terms { address, prefetch: best_prefetch(size), logs, workers: 1, folder: self.folder.path() }
    }

    /// Lets the broker do everything once: the first messages are slow, whoever echoes them.
    pub(crate) fn warm_up(&self) -> io::Result<()> {
        for persistent in [true, false] {
            let workload = Workload { size: 100, persistent, logs: false, count: 20_000 };
            self.run(&self.contestants[0], workload, START_LIMIT)?;
        }
        Ok(())
    }

    /// Lays the messages of `workload` ready, and lets `contestant` echo them, for at most `limit`.
    pub(crate) fn run(&self, contestant: &Contestant, workload: Workload, limit: Duration) -> io::Result<Run> {
        let address = self.address();
        let mut admin = Admin::connect(&address)?;
        admin.renew_heard()?;
        admin.renew_said(workload.persistent)?;
        let body = body(0, workload.size);
        Filler::connect(&address)?.fill(HEARD, &body, workload.count, workload.persistent)?;
        self.echo(contestant, workload, limit)
    }

    /// Lets `contestant` echo messages that are ready.
    pub(crate) fn echo(&self, contestant: &Contestant, workload: Workload, limit: Duration) -> io::Result<Run> {
        let address = self.address();
        let said = Drain::start(&address, SAID)?;
        let logged = Drain::start(&address, LOG)?;
        let mut process = contestant.start(&[], &self.terms(&address, workload.size, workload.logs))?;
        let first = said.wait(1, START_LIMIT);
        if first.count == 0 {
            return Err(self.complaint_of(contestant));
        }
        let cpu_before = process.cpu()?;
        let tally = said.wait(workload.count, limit);
        let (log_count, tally) = if workload.logs { with_logs(tally, &logged) } else { (0, tally) };
        if process.has_ended()? {
            return Err(self.complaint_of(contestant));
        }
        let (cpu, peak) = (process.cpu()? - cpu_before, process.peak()?);
        process.stop()?;
        let count = tally.count - first.count;
        #[expect(clippy::cast_precision_loss, reason = "there are not so many")]
        let run = Run {
            rate: tally.rate().unwrap_or(0.0),
            cpu: cpu as f64 / 1e3 / count as f64,
            peak,
            logged: log_count as f64 / 2.0 / tally.count as f64,
        };
        Ok(run)
    }

    /// Why `contestant` did not do its work, in its own words.
    pub(crate) fn complaint_of(&self, contestant: &Contestant) -> io::Error {
        let words = std::fs::read_to_string(self.folder.path().join(WORDS)).unwrap_or_default();
        io::Error::other(format!("{} does not echo: {}", contestant.name, words.trim()))
    }
}

/// The log messages are part of the work, so the time runs until the last of them.
fn with_logs(said: Tally, logged: &Drain) -> (u64, Tally) {
    let mut log = logged.tally();
    loop {
        let (before, waits_since) = (log.count, Instant::now());
        log = logged.wait(2 * said.count, LOG_LIMIT);
        let nothing_came = log.count == before && waits_since.elapsed() >= LOG_LIMIT;
        if log.count >= 2 * said.count || nothing_came {
            return (log.count, said.until(log.last()));
        }
    }
}

/// More messages in hand are no use when they are large.
fn best_prefetch(size: usize) -> u16 {
    match size {
        0..=16_384 => 1024,
        16_385..=262_144 => 64,
        _ => 16,
    }
}
