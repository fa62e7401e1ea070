//! What a soak found, as it is written down in docs/soak.md.

use std::collections::BTreeMap;
use std::time::Duration;

use testkit::Process;

use super::faults::Fault;
use super::load::Load;

/// With fewer samples, the memory is not compared: at first, buffers grow to the size that the faults need.
const MIN_COMPARED: usize = 100;

/// By how much the memory may grow from the second quarter of the time to the last one: buffers of large messages come and go.
const MAX_GROWTH: f64 = 1.2;

/// How often each fault was injected, and the resident memory in kB after each.
#[derive(Default)]
pub(super) struct Report {
    faults: BTreeMap<Fault, u32>,
    memory: Vec<u64>,
}

impl Report {
    pub(super) fn add(&mut self, fault: Fault, memory: u64) {
        *self.faults.entry(fault).or_default() += 1;
        self.memory.push(memory);
    }

    pub(super) fn print(&self, load: &Load, survivor: &Process, took: Duration) {
        let (output, count) = (survivor.output(), self.memory.len());
        println!("{count} faults in {} s: {:?}", took.as_secs(), self.faults);
        println!("{} messages were confirmed, 0 lost, {} duplicates", load.confirmed(), load.duplicates());
        println!("the process reconnected {} times", output.matches("reconnecting").count());
        let peak = survivor.peak_kb();
        println!("resident memory after the faults, in kB: {:?}; at its peak {peak}", self.memory);
    }

    /// Asserts that the process needs no more memory in the last quarter of the time than in the second one.
    #[track_caller]
    pub(super) fn assert_memory_is_flat(&self) {
        if self.memory.len() < MIN_COMPARED {
            return;
        }
        let quarter = self.memory.len() / 4;
        let early = median(&self.memory[quarter..2 * quarter]);
        let late = median(&self.memory[self.memory.len() - quarter..]);
        #[expect(clippy::cast_precision_loss, reason = "kilobytes of one process")]
        let growth = late as f64 / early as f64;
        assert!(growth < MAX_GROWTH, "the resident memory grew from {early} kB to {late} kB: {:?}", self.memory);
    }
}

fn median(values: &[u64]) -> u64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}
