//! The metrics as text, in `OpenMetrics`.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use super::Observed;
use super::process::ProcessStats;
use super::table::{Kind, METRICS, Row};
use crate::asyncapi::Direction;
use crate::operations::channel_metrics::ChannelMetrics;
use crate::operations::stats::ChannelStats;

/// The most channels that are shown. A contract has few, and the names of routes come from configuration, which may change often.
const MOST_CHANNELS: usize = 200;

/// One look at a process.
#[derive(Debug)]
pub struct Scrape<'o> {
    observed: Option<&'o Observed>,
    channels: Vec<Channel>,
    pub(super) process: ProcessStats,
}

/// A channel or route.
#[derive(Debug)]
struct Channel {
    stats: ChannelStats,
    /// The times of its handler, if it is consumed.
    handler: Option<Value>,
}

/// A value, and its label if it has one.
#[derive(Debug)]
pub struct Sample {
    labels: Vec<(&'static str, String)>,
    value: Value,
}

#[derive(Debug, Clone)]
pub(super) enum Value {
    Count(u64),
    Number(f64),
    Histogram {
        sum: f64,
        buckets: Vec<(f64, u64)>,
    },
    /// It has labels only.
    Info,
}

/// All metrics of a process, as text.
pub(super) fn text(observed: Option<&Observed>) -> String {
    let scrape = Scrape::new(observed);
    let families = METRICS.iter().map(|row| (*row, (row.read)(&scrape))).collect();
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Families(families)));
    let mut text = String::new();
    let written = encode_registry(&mut text, &registry).and_then(|()| encode_eof(&mut text));
    written.expect("a string takes everything");
    text
}

impl<'o> Scrape<'o> {
    fn new(observed: Option<&'o Observed>) -> Self {
        let channels = observed.map(channels).unwrap_or_default();
        Self { observed, channels, process: ProcessStats::read() }
    }

    pub(super) fn observed(&self, read: impl Fn(&Observed) -> Value) -> Vec<Sample> {
        self.known(self.observed.map(read))
    }

    #[expect(clippy::unused_self, reason = "it reads as the other ways to samples")]
    pub(super) fn known(&self, value: Option<Value>) -> Vec<Sample> {
        value.into_iter().map(|value| Sample { labels: Vec::new(), value }).collect()
    }

    pub(super) fn all(&self, read: impl Fn(&ChannelStats) -> Value) -> Vec<Sample> {
        self.select(|channel| Some(read(&channel.stats)))
    }

    pub(super) fn consumed(&self, read: impl Fn(&ChannelStats) -> Value) -> Vec<Sample> {
        self.select(|channel| channel.handler.is_some().then(|| read(&channel.stats)))
    }

    pub(super) fn published(&self, read: impl Fn(&ChannelStats) -> Value) -> Vec<Sample> {
        self.select(|channel| channel.handler.is_none().then(|| read(&channel.stats)))
    }

    pub(super) fn handler_times(&self) -> Vec<Sample> {
        self.select(|channel| channel.handler.clone())
    }

    pub(super) fn build(&self) -> Vec<Sample> {
        let kit = ("valawai_version", env!("CARGO_PKG_VERSION").to_owned());
        let of_component = self.observed.map(|Observed { info, .. }| {
            let level = info.level.upper().to_owned();
            [("component", info.name.clone()), ("version", info.version.to_owned()), ("level", level)]
        });
        vec![Sample { labels: of_component.into_iter().flatten().chain([kit]).collect(), value: Value::Info }]
    }

    fn select(&self, read: impl Fn(&Channel) -> Option<Value>) -> Vec<Sample> {
        let sample = |channel: &Channel| {
            Some(Sample { labels: vec![("channel", channel.stats.channel.clone())], value: read(channel)? })
        };
        self.channels.iter().filter_map(sample).collect()
    }
}

fn channels(observed: &Observed) -> Vec<Channel> {
    let Observed { info, operations, .. } = observed;
    let consumed_routes = operations.routes();
    let channel = |metrics: &ChannelMetrics| {
        let direction = info.channels.iter().find(|(name, _)| name.short() == metrics.name()).map(|(_, it)| *it);
        let paused = operations.pauses.contains(metrics.name());
        let stats = ChannelStats { paused, ..metrics.stats() };
        let is_consumed = match direction {
            Some(direction) => direction == Direction::Consume,
            None => stats.received > 0 || consumed_routes.contains(&stats.channel),
        };
        let handler = is_consumed.then(|| Value::histogram(metrics.handler_time(), metrics.handler_times()));
        Channel { stats, handler }
    };
    operations.metrics.all().iter().take(MOST_CHANNELS).map(|metrics| channel(metrics)).collect()
}

/// Families with their samples.
#[derive(Debug)]
struct Families(Vec<(Row, Vec<Sample>)>);

impl Collector for Families {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for (row, samples) in self.0.iter().filter(|(_, samples)| !samples.is_empty()) {
            let unit = row.unit.map(|unit| Unit::Other(unit.to_owned()));
            let mut encoder = encoder.encode_descriptor(row.family, row.help, unit.as_ref(), row.kind.metric_type())?;
            for sample in samples {
                sample.encode(row.kind, &mut encoder)?;
            }
        }
        Ok(())
    }
}

impl Sample {
    fn encode(&self, kind: Kind, encoder: &mut MetricEncoder<'_>) -> fmt::Result {
        if matches!(self.value, Value::Info) {
            return encoder.encode_info(&self.labels);
        }
        if self.labels.is_empty() {
            return self.value.encode(kind, encoder);
        }
        self.value.encode(kind, &mut encoder.encode_family(&self.labels)?)
    }
}

impl Value {
    fn encode(&self, kind: Kind, encoder: &mut MetricEncoder<'_>) -> fmt::Result {
        match self {
            Self::Count(count) if kind == Kind::Counter => encoder.encode_counter::<NoLabels, _, u64>(count, None),
            Self::Number(number) if kind == Kind::Counter => encoder.encode_counter::<NoLabels, _, u64>(number, None),
            Self::Count(count) => encoder.encode_gauge(count),
            Self::Number(number) => encoder.encode_gauge(number),
            Self::Histogram { sum, buckets } => {
                let count = buckets.iter().map(|(_, count)| count).sum();
                encoder.encode_histogram::<NoLabels>(*sum, count, buckets, None)
            }
            Self::Info => Ok(()),
        }
    }
}

type NoLabels = [(&'static str, &'static str); 0];

impl Kind {
    fn metric_type(self) -> MetricType {
        match self {
            Self::Counter => MetricType::Counter,
            Self::Gauge => MetricType::Gauge,
            Self::Histogram => MetricType::Histogram,
            Self::Info => MetricType::Info,
        }
    }
}
