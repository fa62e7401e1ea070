//! Who may use whom: a module uses only what stands below it, or beside it as `lib.rs` says.

use std::fs;
use std::path::{Path, PathBuf};

/// From the lowest layer to the highest. Modules of one line use each other only from right to left.
const LAYERS: &[&[&str]] = &[
    &["name", "failure", "secret", "ids", "payload"],
    &["message", "asyncapi"],
    &["broker", "health", "instance", "vitals", "logs"],
    &["mov", "retry", "chaos", "settings"],
    &["exchange", "context", "handler", "component", "router", "worker", "speaker"],
    &["app"],
    &["cli"],
];

fn rank(module: &str) -> Option<(usize, usize)> {
    LAYERS
        .iter()
        .enumerate()
        .find_map(|(layer, modules)| modules.iter().position(|other| *other == module).map(|place| (layer, place)))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.path().is_dir() {
            sources(&entry.path(), found);
        } else {
            found.push(entry.path());
        }
    }
}

/// The modules of this crate that a line imports: `use crate::broker::{Error, Link};` imports `broker`.
fn imported(line: &str) -> Option<&str> {
    let path = line.trim_start().trim_start_matches("pub ").strip_prefix("use crate::")?;
    Some(path.split(|character: char| !character.is_alphanumeric() && character != '_').next().unwrap_or_default())
}

#[test]
fn a_module_uses_only_what_stands_below_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut violations = Vec::new();
    for file in files {
        let inside = file.strip_prefix(&root).unwrap();
        let module = inside.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs");
        let Some(own) = rank(module) else { continue };
        let text = fs::read_to_string(&file).unwrap();
        // What a test uses is its own affair.
        let product = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        for other in product.lines().filter_map(imported).filter(|other| *other != module) {
            let is_allowed = rank(other).is_none_or(|rank| rank < own);
            if !is_allowed && !inside.to_string_lossy().contains("tests") {
                violations.push(format!("{} uses {other}", inside.display()));
            }
        }
    }
    assert!(violations.is_empty(), "modules that reach up: {violations:#?}");
}

#[test]
fn amiquip_is_named_in_one_folder() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    for file in files.iter().filter(|file| !file.starts_with(root.join("broker/amqp"))) {
        let text = fs::read_to_string(file).unwrap();
        let uses = text.lines().any(|line| !line.trim_start().starts_with("//") && line.contains("amiquip::"));
        assert!(!uses, "{} names amiquip", file.display());
    }
}
