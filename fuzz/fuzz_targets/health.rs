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
    let health = HealthFile::new(path);
    if let Some(id) = health.id() {
        assert_eq!(id.as_str().len(), 24, "what is no identifier was taken for one");
    }
    health.clear().expect("remove the health file");
    assert!(health.id().is_none(), "it still looks healthy");
});
