//! Runs whole components in a simulated world: a broker, a MOV, replicas, faults, and a time of its own, from one seed.
//!
//! See `docs/simulation.md`.

mod agenda;
mod alone;
mod broker;
mod component;
mod course;
mod faults;
mod invariants;
mod ledger;
mod link;
mod mov;
mod plan;
mod replicas;
mod schedule;
mod scheduler;
mod session;
mod tasks;
mod trace;
mod virtual_time;
mod world;

pub use alone::{connect, run_alone};
pub use schedule::{Outcome, Stacks, run};
pub use world::Violation;
