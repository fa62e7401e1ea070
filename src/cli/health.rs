//! `health`: whether the component is registered and connected, by its health file.

use super::exit::Exit;
use crate::settings::{Environment, Settings};

pub(super) const HELP: &str = "exit 0 if the component is registered and connected, 1 if not";

pub(super) fn run() -> Exit {
    match Settings::read_health_file(&Environment) {
        Ok(file) => {
            if let Some(id) = file.id() {
                println!("healthy: registered as {id}");
                return Exit::Done;
            }
            println!("unhealthy: {} is not there, or is no health file", file.path().display());
            Exit::Unhealthy
        }
        Err(problems) => {
            eprintln!("{problems}");
            Exit::Unhealthy
        }
    }
}
