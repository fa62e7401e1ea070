//! What is measured.

mod alone;
mod throughput;

pub(crate) use alone::alone;
pub(crate) use throughput::throughput;
