//! What the component and its kit do, shown on real parts. Each module opens with what it is for.

mod bad_input;
mod contract;
mod echo;
mod harness;
mod outages;
mod stage;
mod stopping;
mod support;
