//! What is measured.

mod throughput;

pub(crate) use throughput::throughput;
