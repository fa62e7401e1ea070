//! What happened: a hash of all of it, and a story of it for people who replay a seed.

use std::cell::Cell;

use crate::world::{self, Micros};

const PRIME: u64 = 0x0000_0100_0000_01b3;

thread_local! {
    static IS_TOLD: Cell<bool> = const { Cell::new(false) };
}

/// The trace of one schedule.
#[derive(Default)]
pub(crate) struct Trace {
    pub(crate) now: Micros,
    pub(crate) hash: u64,
    pub(crate) is_told: bool,
}

impl Trace {
    /// A trace that prints its story, if it `is_told`.
    pub(crate) fn new(is_told: bool) -> Self {
        IS_TOLD.set(is_told);
        Self { is_told, ..Self::default() }
    }

    /// Notes that something happened.
    pub(crate) fn note(&mut self, kind: u64, a: usize, b: usize) {
        for part in [self.now, kind, a as u64, b as u64] {
            self.hash = (self.hash ^ part).wrapping_mul(PRIME).rotate_left(23);
        }
    }

    pub(crate) fn tell(&mut self, line: impl FnOnce() -> String) {
        if self.is_told {
            println!("{:>12.6} {}", seconds(self.now), line());
        }
    }
}

/// For people.
#[expect(clippy::cast_precision_loss, reason = "for people")]
pub(crate) fn seconds(time: Micros) -> f64 {
    time as f64 / 1e6
}

/// Writes what the component logs into the story.
pub(crate) struct Logger;

impl log::Log for Logger {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        IS_TOLD.get()
    }

    fn log(&self, record: &log::Record<'_>) {
        if IS_TOLD.get() {
            let text = format!("{} {}", record.level(), record.args());
            let is_told = world::try_with(|world| {
                let task = world.running;
                let (process, name) = (world.tasks[task].process, world.tasks[task].name.clone());
                world.tell(|| format!("  process {process}, {name}: {text}"));
            });
            // The world itself called the component, to change a setting.
            if !is_told {
                println!("               {text}");
            }
        }
    }

    fn flush(&self) {}
}
