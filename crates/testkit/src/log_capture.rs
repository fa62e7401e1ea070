//! Captures what is logged in the test process. All tests of a binary share the process, so each must look for lines that
//! only it can cause.

use std::sync::Once;

use log::{LevelFilter, Log, Metadata, Record};
use parking_lot::Mutex;

static LOGGER: CapturingLogger = CapturingLogger(Mutex::new(Vec::new()));

struct CapturingLogger(Mutex<Vec<String>>);

impl Log for CapturingLogger {
    fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let line = format!("[{}] {}", record.level(), record.args());
        self.0.lock().push(line);
    }

    fn flush(&self) {}
}

/// Starts capturing, at level INFO. Further calls have no effect.
pub fn start() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_logger(&LOGGER).expect("the test process has no other logger");
        log::set_max_level(LevelFilter::Info);
    });
}

/// The captured lines that contain all of `texts`.
pub fn lines_containing(texts: &[&str]) -> Vec<String> {
    let lines = LOGGER.0.lock();
    lines.iter().filter(|line| texts.iter().all(|text| line.contains(text))).cloned().collect()
}
