//! Shared by the benchmark and the contestants written in Rust.

pub mod config;
pub mod confirms;
pub mod wire;
