//! Programs as real processes, above all the component: started with settings, sent signals, observed from outside.

mod builder;
pub(crate) mod reaper;
mod running;

pub(crate) use builder::built_program;
pub use builder::{Finished, ProcessBuilder};
pub use running::{Exit, Process};
