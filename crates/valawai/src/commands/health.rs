//! `health`: whether the component runs, and is registered and connected.

use std::path::Path;

use super::exit::Exit;
use crate::health::health_file::HealthFile;
use crate::health::instance::{self, Claimed};
use crate::settings::{Environment, Settings};

pub(super) const HELP: &str = "exit 0 if the component is registered and connected, 1 if not";

pub(super) fn run() -> Exit {
    match Settings::read_health_file(&Environment) {
        Ok(file) => look_at(&file),
        Err(problems) => {
            eprintln!("{problems}");
            Exit::Unhealthy
        }
    }
}

/// All processes on this host that use the folder have to be healthy; in a container there is one.
fn look_at(file: &HealthFile) -> Exit {
    let folder = file.path().parent().unwrap_or(Path::new("."));
    let mut claims = instance::claimed(folder, &file.name());
    claims.retain(|claim| claim.is_alive != Some(false));
    if claims.is_empty() {
        println!("unhealthy: no process of the component uses {}", folder.display());
        return Exit::Unhealthy;
    }
    let healthy = claims.iter().map(|claim| is_healthy(&file.in_folder(&claim.folder), claim));
    if healthy.fold(true, |all, healthy| all & healthy) { Exit::Done } else { Exit::Unhealthy }
}

fn is_healthy(file: &HealthFile, claim: &Claimed) -> bool {
    let Some(id) = file.id() else {
        println!("unhealthy: {} is not there, or is no health file", file.path().display());
        return false;
    };
    let doubt =
        if claim.is_alive.is_none() { " (whether the process lives cannot be told on this file system)" } else { "" };
    println!("healthy: registered as {id}{doubt}");
    true
}
