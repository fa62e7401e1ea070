//! What was moved, and what was left.

use std::collections::BTreeMap;
use std::io;

use serde_json::{Map, Value, json};

use super::plan::{Left, Plan};
use crate::commands::console::{Console, GREEN};
use crate::commands::exit::Exit;

/// What became of the messages of a queue.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// How many were moved, by the key.
    pub(super) moved: BTreeMap<String, u64>,
    /// How many were left, and why.
    pub(super) left: BTreeMap<Left, u64>,
    /// Published, and not confirmed when the command ended: they are in both queues, or in this one only.
    pub(super) unsettled: usize,
}

impl Report {
    pub(super) fn total(&self) -> u64 {
        self.moved.values().sum()
    }

    /// Prints it, and returns the exit code.
    pub(super) fn print(&self, console: &Console, plan: &Plan) -> io::Result<Exit> {
        if console.is_json() {
            let left: Map<String, Value> =
                self.left.iter().map(|(reason, count)| (reason.explanation().0.to_owned(), (*count).into())).collect();
            let (total, unsettled) = (self.total(), self.unsettled);
            console.object(&json!({
                "queue": plan.from, "moved": total, "to": self.moved, "left": left, "unconfirmed": unsettled,
            }))?;
        } else {
            let from = Console::clean(&plan.from);
            let moved = console.paint(GREEN, format!("moved {} of {}", self.total(), plan.waiting.max(self.total())));
            console.line(format!("{moved} messages of {from}"))?;
            for (key, count) in &self.moved {
                console.line(format!("{count:>8}  to {}", Console::clean(key)))?;
            }
            for (reason, count) in &self.left {
                console.line(format!("{count:>8}  left, {}", reason.explanation().1))?;
            }
            if self.unsettled > 0 {
                console.line(format!(
                    "{:>8}  not confirmed; they are left, and may have arrived as well",
                    self.unsettled
                ))?;
            }
        }
        let is_done = self.unsettled == 0 && self.left.keys().all(|reason| reason.is_wanted());
        Ok(if is_done { Exit::Done } else { Exit::No })
    }
}
