//! Carries out what operators order.

use std::time::Duration;

use log::LevelFilter;
use serde_json::{Map, Value};

use super::Service;
use super::protocol::{Content, Request};
use super::replicas::names;
use crate::asyncapi::Direction;
use crate::logs::levels;
use crate::name::{ChannelName, Kind};
use crate::operations::configure::Configure;

/// The longest time of an order that has an end.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Why settings cannot change.
pub(super) const FIXED: &str = "the settings of this process cannot change";

/// The longest name of a module.
const LONGEST_TARGET: usize = 200;

impl Service {
    pub(super) fn obey(&self, order: Request) -> Content {
        match order {
            Request::Pause { channel, seconds } => self.pause(channel.as_deref(), seconds),
            Request::Resume { channel } => self.resume(channel.as_deref()),
            Request::LogLevel { level, target, seconds } => change_level(&level, target.as_deref(), seconds),
            Request::Configure { settings, .. } => self.configure(&settings),
            Request::Stop {} => {
                log::warn!("an operator stops this process");
                (self.inner.options.stop)();
                done("stopping")
            }
            Request::Ping {} | Request::Info {} | Request::Stats {} | Request::Tap { .. } | Request::Reload {} => {
                refused("this is no order")
            }
        }
    }

    /// Reads the settings again, as long as that takes.
    pub(super) fn reload(configure: &dyn Configure) -> Content {
        log::warn!("an operator has the settings read again");
        answer(configure.reload())
    }

    fn configure(&self, settings: &Map<String, Value>) -> Content {
        let Some(configure) = &self.inner.options.configure else { return refused(FIXED) };
        log::warn!("an operator changes {:.500}", names(settings));
        answer(configure.order(settings))
    }

    fn pause(&self, channel: Option<&str>, seconds: Option<u64>) -> Content {
        let channels = match self.consumed(channel) {
            Ok(channels) => channels,
            Err(refusal) => return refusal,
        };
        let time = seconds.map(limited);
        for channel in &channels {
            self.inner.options.operations.pauses.pause(channel, time);
        }
        let channels = channels.join(", ");
        let end = time.map_or("until it is resumed".to_owned(), |time| format!("for {time:?}"));
        log::warn!("an operator pauses {channels} {end}");
        done(format!("{channels} is paused {end}"))
    }

    fn resume(&self, channel: Option<&str>) -> Content {
        let channels = match self.consumed(channel) {
            Ok(channels) => channels,
            Err(refusal) => return refusal,
        };
        let pauses = &self.inner.options.operations.pauses;
        let resumed: Vec<&str> = channels.iter().map(String::as_str).filter(|channel| pauses.resume(channel)).collect();
        if resumed.is_empty() {
            return done("nothing was paused");
        }
        let (configured, consumed): (Vec<&str>, Vec<&str>) =
            resumed.iter().partition(|channel| pauses.contains(channel));
        log::warn!("an operator resumes {}", resumed.join(", "));
        if configured.is_empty() {
            done(format!("{} is consumed again", consumed.join(", ")))
        } else {
            refused(format!("a setting pauses {}; change CHANNEL_…_PAUSED", configured.join(", ")))
        }
    }

    /// The short name of a consumed channel or route, or those of all data channels and routes that are consumed.
    fn consumed(&self, channel: Option<&str>) -> Result<Vec<String>, Content> {
        let info = &self.inner.options.info;
        let consumed = info.channels.iter().filter(|(_, direction)| *direction == Direction::Consume);
        let is_meant = |name: &&ChannelName| match channel {
            Some(channel) => name.short() == channel && name.operation() != "registered",
            None => name.kind() == Kind::Data,
        };
        let mut channels: Vec<String> =
            consumed.map(|(name, _)| name).filter(is_meant).map(|name| name.short().to_owned()).collect();
        let is_route = |short: &String| {
            channel.is_none_or(|channel| short == channel || short.strip_prefix("route/") == Some(channel))
        };
        channels.extend(self.inner.options.operations.routes().into_iter().filter(is_route));
        match channel {
            Some(channel) if channels.is_empty() => {
                Err(refused(format!("{} does not consume a channel {channel:.100}", info.name)))
            }
            _ if channels.is_empty() => Err(refused(format!("{} consumes no data channel", info.name))),
            _ => Ok(channels),
        }
    }
}

fn change_level(level: &str, target: Option<&str>, seconds: Option<u64>) -> Content {
    if level.eq_ignore_ascii_case("RESET") {
        levels::reset();
    } else {
        let Ok(level) = level.parse::<LevelFilter>() else {
            return refused(format!("{level:.20} is no level: ERROR, WARN, INFO, DEBUG, OFF or RESET"));
        };
        if target.is_some_and(|target| target.len() > LONGEST_TARGET) {
            return refused("the name of the module is too long");
        }
        levels::change(target, level, seconds.map(limited));
    }
    let levels = levels::text();
    log::warn!("an operator has changed the log levels: {levels}");
    done(levels)
}

fn limited(seconds: u64) -> Duration {
    Duration::from_secs(seconds).min(LONGEST)
}

fn answer(result: Result<String, String>) -> Content {
    match result {
        Ok(message) => done(message),
        Err(reason) => refused(reason),
    }
}

fn done(message: impl Into<String>) -> Content {
    Content::Done { message: message.into() }
}

fn refused(reason: impl Into<String>) -> Content {
    Content::Refused { reason: reason.into() }
}
