//! One JSON object a line.
//!
//! log4rs has an encoder as well; its fields differ from those that log collectors expect of a service (the local time, a map `mdc`),
//! and it copies the identifiers into a map for each message, also if no line is written.

use std::fmt;
use std::io;

use log::Record;
use log4rs::encode::{self, Encode};
use serde::{Serialize, Serializer};

use super::context::{self, Ids};
use crate::clock;
use crate::escaped::escape_json;

/// Writes lines that are objects.
#[derive(Debug, Clone)]
pub(super) struct JsonEncoder {
    component: String,
}

#[derive(Serialize)]
struct Line<'l> {
    time: String,
    level: &'static str,
    target: &'l str,
    #[serde(serialize_with = "as_text")]
    message: &'l fmt::Arguments<'l>,
    thread: Option<&'l str>,
    component: &'l str,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_id: Option<&'l str>,
    #[serde(flatten)]
    ids: Option<&'l Ids>,
}

fn as_text<S: Serializer>(message: &fmt::Arguments<'_>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(message)
}

impl JsonEncoder {
    pub(super) fn new(component: &str) -> Self {
        Self { component: component.to_owned() }
    }

    /// Writes the line at once, so that others cannot come between its parts.
    pub(super) fn write(&self, writer: &mut dyn io::Write, record: &Record<'_>) -> io::Result<()> {
        writer.write_all(self.line(record)?.as_bytes())
    }

    fn line(&self, record: &Record<'_>) -> io::Result<String> {
        let thread = std::thread::current();
        let text = context::with_current(|ids, registration_id| {
            serde_json::to_string(&Line {
                time: clock::rfc_3339(clock::milliseconds()),
                level: record.level().as_str(),
                target: record.target(),
                message: record.args(),
                thread: thread.name(),
                component: &self.component,
                registration_id,
                ids,
            })
        })?;
        // JSON permits some characters that would control a terminal.
        Ok(escape_json(text) + "\n")
    }
}

impl Encode for JsonEncoder {
    fn encode(&self, writer: &mut dyn encode::Write, record: &Record<'_>) -> anyhow::Result<()> {
        Ok(writer.write_all(self.line(record)?.as_bytes())?)
    }
}
