//! What the benchmark and the contestants written in Rust have in common.

pub mod confirms;
pub mod setting;
pub mod wire;
