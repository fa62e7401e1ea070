//! All metrics: their names, what they mean, and where they are read.

use std::time::Duration;

use super::exposition::{Sample, Scrape, Value};

/// A metric.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The name without its unit and without the suffix of its type.
    pub(super) family: &'static str,
    pub(super) unit: Option<&'static str>,
    /// Its type.
    pub kind: Kind,
    /// What it means.
    pub help: &'static str,
    pub(super) read: fn(&Scrape<'_>) -> Vec<Sample>,
}

/// The type of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// It counts values by their size.
    Histogram,
    /// It is 1, and its labels are texts.
    Info,
}

/// For the tests that hold the documentation and the dashboard to this table.
#[cfg(any(feature = "internals", fuzzing))]
impl Row {
    /// The name of its samples; those of a histogram have a suffix as well.
    #[must_use]
    pub fn name(&self) -> String {
        let suffix = match self.kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            Kind::Gauge | Kind::Histogram => "",
        };
        let unit = self.unit.map(|unit| format!("_{unit}")).unwrap_or_default();
        format!("{}{unit}{suffix}", self.family)
    }
}

#[cfg(any(feature = "internals", fuzzing))]
impl Kind {
    /// Its name.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Info => "info",
        }
    }
}

const fn counter(family: &'static str, help: &'static str, read: fn(&Scrape<'_>) -> Vec<Sample>) -> Row {
    Row { family, unit: None, kind: Kind::Counter, help, read }
}

const fn gauge(family: &'static str, help: &'static str, read: fn(&Scrape<'_>) -> Vec<Sample>) -> Row {
    Row { family, unit: None, kind: Kind::Gauge, help, read }
}

const fn with_unit(row: Row, unit: &'static str) -> Row {
    Row { unit: Some(unit), ..row }
}

/// All metrics, in the order of docs/telemetry.md.
pub const METRICS: &[Row] = &[
    counter("valawai_messages_received", "Messages that were delivered, by channel.", |it| {
        it.consumed(|channel| Value::Count(channel.received))
    }),
    counter("valawai_messages_processed", "Messages whose handler succeeded, by channel.", |it| {
        it.consumed(|channel| Value::Count(channel.replied))
    }),
    counter("valawai_messages_retried", "Failed attempts that are repeated, by channel.", |it| {
        it.consumed(|channel| Value::Count(channel.retried))
    }),
    counter("valawai_messages_dead_lettered", "Refused messages that became dead letters, by channel.", |it| {
        it.consumed(|channel| Value::Count(channel.dead_lettered))
    }),
    counter(
        "valawai_messages_discarded",
        "Refused messages that were dropped, because dead letters are off, and what producers dropped, by channel.",
        |it| it.all(|channel| Value::Count(channel.discarded)),
    ),
    counter("valawai_messages_published", "Published messages that the broker confirmed, by channel.", |it| {
        it.published(|channel| Value::Count(channel.published))
    }),
    counter("valawai_messages_acknowledged", "Deliveries that were acknowledged.", |it| {
        it.observed(|it| Value::Count(it.operations.metrics.acknowledged()))
    }),
    counter(
        "valawai_messages_requeued",
        "Deliveries that were returned to their queue, as for a reply that was rejected.",
        |it| it.observed(|it| Value::Count(it.operations.metrics.requeued())),
    ),
    counter("valawai_messages_unroutable", "Messages that were published to queues that do not exist.", |it| {
        it.observed(|it| Value::Count(it.operations.metrics.unroutable()))
    }),
    gauge("valawai_messages_in_flight", "Deliveries that are not acknowledged, about.", |it| {
        it.observed(|it| Value::Count(it.operations.metrics.in_flight() as u64))
    }),
    Row {
        family: "valawai_handler_duration",
        unit: Some("seconds"),
        kind: Kind::Histogram,
        help: "How long the handlers run, by channel.",
        read: |it| it.handler_times(),
    },
    gauge(
        "valawai_channel_paused",
        "Whether the channel is not consumed, because of an operator or a setting.",
        |it| it.consumed(|channel| Value::Count(channel.paused.into())),
    ),
    gauge("valawai_ready", "Whether the process is ready, as /health/ready says.", |it| {
        it.observed(|it| Value::flag(it.status.readiness.check().is_ok()))
    }),
    gauge("valawai_connected", "Whether the process is connected to the broker, and consumes.", |it| {
        it.observed(|it| Value::flag(it.status.readiness.is_connected()))
    }),
    gauge("valawai_registered", "Whether the component is registered with the MOV.", |it| {
        it.observed(|it| Value::flag(it.status.readiness.is_registered()))
    }),
    gauge("valawai_consumers", "Consumers that the process has at the broker.", |it| {
        it.observed(|it| Value::Count(it.status.consumers() as u64))
    }),
    counter("valawai_sessions", "Sessions with the broker that were opened.", |it| {
        it.observed(|it| Value::Count(it.operations.metrics.sessions()))
    }),
    counter("valawai_reconnects", "Sessions with the broker that were opened after the first.", |it| {
        it.observed(|it| Value::Count(it.operations.metrics.reconnects()))
    }),
    counter("valawai_mov_log_entries_dropped", "Log entries that the MOV did not get.", |it| {
        it.observed(|it| Value::Count(it.log.dropped()))
    }),
    counter("valawai_tap_copies", "Copies of messages and log entries for operators.", |it| {
        it.observed(|it| Value::Count(it.operations.tap.counts().0))
    }),
    counter("valawai_tap_copies_dropped", "Copies for operators that exceeded the limits.", |it| {
        it.observed(|it| Value::Count(it.operations.tap.counts().1))
    }),
    counter("valawai_settings_changes", "Changes of the settings that took effect.", |it| {
        it.observed(|it| Value::Count(it.operations.metrics.settings().0))
    }),
    counter("valawai_settings_failures", "Settings that stayed as they were, because a new value is invalid.", |it| {
        it.observed(|it| Value::Count(it.operations.metrics.settings().1))
    }),
    Row {
        family: "valawai_build",
        unit: None,
        kind: Kind::Info,
        help: "The component, its version and its level, and the version of the library.",
        read: |it| it.build(),
    },
    with_unit(
        counter("process_cpu", "User and system CPU time.", |it| {
            it.known(it.process.cpu.map(|time| Value::Number(time.as_secs_f64())))
        }),
        "seconds",
    ),
    gauge("process_open_fds", "Open file descriptors.", |it| it.known(it.process.open_files.map(Value::Count))),
    gauge("process_max_fds", "The most file descriptors that the process may open.", |it| {
        it.known(it.process.max_files.map(Value::Count))
    }),
    with_unit(
        gauge("process_virtual_memory", "Virtual memory.", |it| it.known(it.process.virtual_bytes.map(Value::Count))),
        "bytes",
    ),
    with_unit(
        gauge("process_resident_memory", "Resident memory.", |it| {
            it.known(it.process.resident_bytes.map(Value::Count))
        }),
        "bytes",
    ),
    with_unit(
        gauge("process_start_time", "When the process started, since 1970.", |it| {
            it.known(it.process.started.map(Value::Number))
        }),
        "seconds",
    ),
];

impl Value {
    fn flag(value: bool) -> Self {
        Self::Count(value.into())
    }

    /// How long something ran.
    pub(super) fn histogram(sum: Duration, buckets: Vec<(f64, u64)>) -> Self {
        Self::Histogram { sum: sum.as_secs_f64(), buckets }
    }
}
