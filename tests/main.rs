//! What the component and its kit do, shown on real parts. Each module opens with what it is for.

mod bad_input;
mod cluster;
mod command_line;
mod echo;
mod failures;
mod kept_registration;
mod lifecycle;
mod log_lines;
mod outages;
mod packaging;
mod replicas;
mod secrets;
mod sizes;
mod stopping;
mod test_bed;
