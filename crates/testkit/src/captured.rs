//! What the library logs in the process of the tests. All tests share it: look for what only one of them can cause.

use std::sync::{Mutex, Once, PoisonError};

use log::{LevelFilter, Log, Metadata, Record};

static CAPTURED: Captured = Captured(Mutex::new(Vec::new()));

struct Captured(Mutex<Vec<String>>);

impl Log for Captured {
    fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let line = format!("[{}] {}", record.level(), record.args());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    fn flush(&self) {}
}

/// Begins to keep what is logged.
pub fn start() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_logger(&CAPTURED).expect("no other logger in the process of the tests");
        log::set_max_level(LevelFilter::Info);
    });
}

/// The lines so far that contain each of `texts`.
pub fn lines_with(texts: &[&str]) -> Vec<String> {
    let lines = CAPTURED.0.lock().unwrap_or_else(PoisonError::into_inner);
    lines.iter().filter(|line| texts.iter().all(|text| line.contains(text))).cloned().collect()
}
