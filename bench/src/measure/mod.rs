//! What is measured.

mod alone;
mod backlog;
mod footprint;
mod latency;
mod scaling;
mod throughput;

pub(crate) use alone::alone;
pub(crate) use backlog::backlog;
pub(crate) use footprint::footprint;
pub(crate) use latency::latency;
pub(crate) use scaling::scaling;
pub(crate) use throughput::throughput;
