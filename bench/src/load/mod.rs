//! What is done to a broker while a contestant works: messages are laid ready, taken out, and timed.

mod admin;
mod body;
mod drain;
mod fill;
mod pulse;

pub(crate) use admin::Admin;
pub(crate) use body::body;
use body::number_in;
pub(crate) use drain::{Drain, Tally};
pub(crate) use fill::Filler;
pub(crate) use pulse::Pulse;
