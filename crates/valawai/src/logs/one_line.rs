//! Keeps each log record on one line, without control sequences for terminals.
//!
//! Records contain names, bodies and reasons from outside, which could otherwise forge log lines or control a terminal.

use log::{Log, Metadata, Record};

use crate::escaped::Escaped;

/// Passes records to a logger with their messages escaped.
pub(super) struct OneLine<L>(pub(super) L);

impl<L: Log> Log for OneLine<L> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.0.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        let mut copy = Record::builder();
        copy.metadata(record.metadata().clone());
        copy.module_path(record.module_path()).file(record.file()).line(record.line());
        self.0.log(&copy.args(format_args!("{}", Escaped(record.args()))).build());
    }

    fn flush(&self) {
        self.0.flush();
    }
}
