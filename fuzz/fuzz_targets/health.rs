//! The health file of an earlier run, which may contain anything.
#![no_main]

use std::fs;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;
use valawai::internals::health::health_file::HealthFile;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("create a temporary folder"));

fuzz_target!(|bytes: &[u8]| {
    let path = FOLDER.path().join("component_id.json");
    fs::write(&path, bytes).expect("write the health file");
    let health = HealthFile::new(path);
    if let Some(id) = health.id() {
        assert_eq!(id.as_str().len(), 24, "a malformed identifier was accepted");
    }
    health.clear().expect("remove the health file");
    assert!(health.id().is_none(), "a removed health file has an identifier");
});
