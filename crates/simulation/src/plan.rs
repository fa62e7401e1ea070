//! What a seed decides before its schedule begins: how many replicas there are, their settings, and which faults may happen.

use fastrand::Rng;

use crate::faults::FaultKind;
use crate::world::{MILLISECOND, Micros, SECOND};

/// The plan of a schedule.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The hosts, each of which may run a process.
    pub(crate) hosts: usize,
    workers: usize,
    prefetch: u16,
    register_timeout: u64,
    max_retries: u32,
    retry_ms: u64,
    pub(crate) grace: Micros,
    /// Whether messages that cannot be processed are discarded.
    pub(crate) discards: bool,
    /// Whether replies must have the order of their inputs: one worker, no fault.
    pub(crate) is_ordered: bool,
    /// Whether nothing happens but messages, and processes that are told to stop.
    pub(crate) is_calm: bool,
    /// The faults that may happen.
    pub(crate) faults: Vec<FaultKind>,
    /// How many faults there are in a round.
    pub(crate) faults_per_round: usize,
    pub(crate) rounds: usize,
    pub(crate) round_time: Micros,
    /// How many inputs there are in a round.
    pub(crate) inputs_per_round: usize,
    /// How long handlers take at most, in milliseconds.
    pub(crate) slowest: u64,
    /// How many messages of a hundred fail in some way.
    pub(crate) failing: u32,
}

impl Plan {
    /// The plan of a seed, drawn from its random numbers.
    pub(crate) fn new(random: &mut Rng) -> Self {
        let is_calm = random.u8(..8) == 0;
        let is_ordered = is_calm && random.bool();
        let hosts = if is_ordered { 1 } else { [1, 1, 1, 2, 2, 3][random.usize(..6)] };
        let all = FaultKind::ALL;
        let mut faults: Vec<FaultKind> = all.into_iter().filter(|_| random.u8(..3) == 0).collect();
        // What is known of a missing queue holds for a while: it must not come into being on a node that is down at once.
        if faults.contains(&FaultKind::DeleteOutput) {
            faults.retain(|kind| *kind != FaultKind::OutputNodeDown);
        }
        // A component that expects a notice believes any, and learns the truth from the notice of the MOV.
        if faults.contains(&FaultKind::MuteMov) {
            faults.retain(|kind| *kind != FaultKind::StrangeNotice);
        }
        if is_calm {
            faults = vec![FaultKind::StopProcess];
        }
        if faults.is_empty() {
            faults.push(all[random.usize(..all.len())]);
        }
        Self {
            hosts,
            workers: if is_ordered { 1 } else { random.usize(1..=2) },
            prefetch: [1, 2, 5, 100][random.usize(..4)],
            register_timeout: random.u64(2..=5),
            max_retries: random.u32(0..=3),
            retry_ms: random.u64(50..3000),
            grace: random.u64(4..=8) * SECOND,
            discards: random.u8(..8) == 0,
            is_ordered,
            is_calm,
            faults,
            faults_per_round: if is_ordered { 0 } else { random.usize(if is_calm { 0..=2 } else { 1..=5 }) },
            rounds: if is_calm { 1 } else { random.usize(1..=2) },
            // Some limits of the component are longer than ten seconds.
            round_time: if random.u8(..8) == 0 { random.u64(15..40) } else { random.u64(3..15) } * SECOND,
            inputs_per_round: random.usize(1..25),
            slowest: [0, 0, 5, 300][random.usize(..4)],
            failing: if is_ordered { 0 } else { [0, 10, 40][random.usize(..3)] },
        }
    }

    /// The settings of the process on a host.
    pub(crate) fn settings(&self, host: usize) -> Vec<(&'static str, String)> {
        vec![
            ("LOG_DIR", format!("/host-{host}")),
            ("WORKERS", self.workers.to_string()),
            ("RABBITMQ_PREFETCH", self.prefetch.to_string()),
            ("REGISTER_TIMEOUT", self.register_timeout.to_string()),
            ("MAX_RETRIES", self.max_retries.to_string()),
            ("RETRY_TTL", self.retry_ms.to_string()),
            ("SHUTDOWN_GRACE", (self.grace / SECOND).to_string()),
            ("DEAD_LETTER", u8::from(!self.discards).to_string()),
            ("RABBITMQ_MAX_RETRIES", "1000".to_owned()),
            ("RABBITMQ_RETRY_SLEEP", "1".to_owned()),
            ("SERVICE_CONTROL", "0".to_owned()),
        ]
    }

    /// A random time in a round.
    pub(crate) fn time_in_round(&self, random: &mut Rng) -> Micros {
        random.u64(MILLISECOND..self.round_time)
    }
}
