//! `health`: whether the component runs, is registered and is connected.

use std::path::Path;
use std::sync::Arc;

use super::exit::Exit;
use crate::health::health_file::HealthFile;
use crate::health::instance::{self, Claim};
use crate::settings::{Document, Environment, Layers, Settings, Source};

pub(super) fn run() -> Exit {
    // A file that was damaged after the start does not make the component unhealthy.
    let layers = Layers::read(Arc::new(Environment), Document::default());
    let source: &dyn Source = layers.as_ref().map_or(&Environment, |layers| layers);
    match Settings::read_health_file(source) {
        Ok(file) => check(&file),
        Err(problems) => {
            eprintln!("{problems}");
            Exit::No
        }
    }
}

/// All processes on this host that use the folder must be healthy. In a container there is one.
fn check(file: &HealthFile) -> Exit {
    let folder = file.path().parent().unwrap_or(Path::new("."));
    let mut claims = instance::claims(folder, &file.name());
    claims.retain(|claim| claim.is_alive != Some(false));
    if claims.is_empty() {
        println!("unhealthy: no process of the component uses {}", folder.display());
        return Exit::No;
    }
    // Each process prints its line, also after an unhealthy one.
    let healthy = claims.iter().filter(|claim| is_healthy(&file.in_folder(&claim.folder), claim)).count();
    if healthy == claims.len() { Exit::Done } else { Exit::No }
}

fn is_healthy(file: &HealthFile, claim: &Claim) -> bool {
    let Some(id) = file.id() else {
        println!("unhealthy: {} does not exist or is not a health file", file.path().display());
        return false;
    };
    let note = match claim.is_alive {
        Some(_) => "",
        None => " (this file system does not support locks, so the process may have ended)",
    };
    println!("healthy: registered as {id}{note}");
    true
}
