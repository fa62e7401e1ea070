//! Programs as real processes, above all the component: started with settings, sent signals, observed from outside.

mod builder;
pub(crate) mod reaper;
mod running;

pub use builder::ProcessBuilder;
pub(crate) use builder::built_program;
pub use running::{Exit, Process};
