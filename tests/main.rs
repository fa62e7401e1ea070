//! What the component and its kit do, shown on real parts. Each module opens with what it is for.

mod bad_input;
mod cluster;
mod command_line;
mod contract;
mod echo;
mod failures;
mod harness;
mod kept_registration;
mod kit;
mod layers;
mod lifecycle;
mod log_lines;
mod outages;
mod packaging;
mod replicas;
mod secrets;
mod sizes;
mod sources;
mod stage;
mod stopping;
mod support;
