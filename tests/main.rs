//! The component end to end: as a process, on real RabbitMQ nodes, with the MOV simulator.

mod bad_input;
mod cluster;
mod command_line;
mod dead_letters;
mod echo;
mod full_output;
mod health;
mod kept_registration;
mod lifecycle;
mod log_lines;
mod new_component;
mod outages;
mod packaging;
mod peer;
mod registration;
mod replicas;
mod retries;
mod scene;
mod scene_outage;
mod secrets;
mod sizes;
mod sources;
mod state;
mod stopping;
mod test_bed;
mod tutorial;
