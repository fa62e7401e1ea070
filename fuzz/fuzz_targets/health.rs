//! The health file of an earlier run, which may hold anything.
#![no_main]

use std::fs;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;
use valawai::health::HealthFile;

static DIRECTORY: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a temporary directory"));

fuzz_target!(|bytes: &[u8]| {
    let path = DIRECTORY.path().join("component_id.json");
    fs::write(&path, bytes).expect("write the health file");
    fs::write(path.with_extension("json.previous"), bytes).expect("write the earlier identifiers");
    let health = HealthFile::new(path);
    let id = health.id();
    health.withdraw();
    assert!(id.is_none_or(|id| health.previous().contains(&id)), "an identifier that may be live was forgotten");
    assert!(health.id().is_none(), "it still looks healthy");
});
