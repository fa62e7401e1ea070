//! What the service knows of its process.

use std::fs;

use super::protocol::{ChannelInfo, Info, Stats};
use super::{Inner, Options, Service, process};
use crate::asyncapi::Direction;
use crate::logs::levels;
use crate::name::ChannelName;
use crate::operations::Operations;

impl Service {
    pub(super) fn info(&self) -> Info {
        let Inner { options: Options { info, identity, .. }, settings, since, .. } = &*self.inner;
        let channel = |(name, direction): &(ChannelName, Direction)| {
            let direction = match direction {
                Direction::Consume => "consumes",
                Direction::Publish => "publishes",
            };
            ChannelInfo { name: name.to_string(), direction: direction.to_owned() }
        };
        Info {
            level: info.level.upper().to_owned(),
            channels: info.channels.iter().map(channel).collect(),
            mov_id: identity.id().map(String::from),
            since: *since,
            host: fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned(),
            pid: std::process::id(),
            log_levels: levels::text(),
            settings: settings.lock().clone(),
        }
    }

    pub(super) fn stats(&self, blocked: bool, observers: usize) -> Stats {
        let Operations { metrics, pauses, .. } = &self.inner.options.operations;
        let mut channels = metrics.channels();
        for channel in &mut channels {
            channel.paused = pauses.contains(&channel.channel);
        }
        Stats {
            channels,
            in_flight: metrics.in_flight(),
            reconnects: metrics.reconnects(),
            unroutable: metrics.unroutable(),
            observers,
            blocked,
            memory_kb: process::memory_kb(),
            cpu_ms: process::cpu_ms(),
            uptime_s: self.inner.started.elapsed().as_secs(),
        }
    }
}
