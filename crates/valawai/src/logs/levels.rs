//! The levels of the log, which operators can change while the component runs.

use std::time::{Duration, Instant};

use log::{LevelFilter, Log, Metadata, Record};
use log4rs::filter::{Filter, Response};
use parking_lot::RwLock;

use super::Options;

static LEVELS: RwLock<Levels> =
    RwLock::new(Levels { console: LevelFilter::Off, file: LevelFilter::Off, modules: Vec::new(), changes: Vec::new() });

/// The configured levels, and what operators have changed.
#[derive(Debug)]
struct Levels {
    console: LevelFilter,
    file: LevelFilter,
    /// The configured levels of single modules.
    modules: Vec<Change>,
    changes: Vec<Change>,
}

/// A level that an operator has set, for the console and the file.
#[derive(Debug)]
struct Change {
    /// The module whose lines it is about; all if there is none.
    target: Option<String>,
    level: LevelFilter,
    until: Option<Instant>,
}

/// Where a line is written to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Destination {
    Console,
    File,
}

impl Levels {
    /// The level of the lines of `target`: what operators have changed, before what is configured; of either, the longest module,
    /// before the level of all lines.
    fn level(&self, destination: Destination, target: &str) -> LevelFilter {
        let longest = |changes: &[Change]| {
            let matching = changes.iter().filter(|change| change.is_about(target));
            matching.max_by_key(|change| change.target.as_ref().map(String::len)).map(|change| change.level)
        };
        let configured = match destination {
            Destination::Console => self.console,
            Destination::File => self.file,
        };
        longest(&self.changes).or_else(|| longest(&self.modules)).unwrap_or(configured)
    }

    fn highest(&self) -> LevelFilter {
        let all_are_changed = self.changes.iter().any(|change| change.target.is_none());
        let configured = if all_are_changed { LevelFilter::Off } else { self.console.max(self.file) };
        self.changes.iter().chain(&self.modules).map(|change| change.level).fold(configured, Ord::max)
    }

    fn apply(&self) {
        log::set_max_level(self.highest());
    }
}

impl Change {
    fn is_about(&self, target: &str) -> bool {
        let Some(module) = &self.target else { return true };
        target.strip_prefix(&**module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    }
}

impl Filter for Destination {
    fn filter(&self, record: &Record<'_>) -> Response {
        let is_enabled = record.level() <= LEVELS.read().level(*self, record.target());
        if is_enabled { Response::Neutral } else { Response::Reject }
    }
}

/// Passes on the lines that are enabled on the console.
pub(super) struct OnlyEnabled<L>(pub(super) L);

impl<L: Log> Log for OnlyEnabled<L> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= LEVELS.read().level(Destination::Console, metadata.target()) && self.0.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            self.0.log(record);
        }
    }

    fn flush(&self) {
        self.0.flush();
    }
}

/// Sets the configured levels. What operators have changed stays.
pub(super) fn set(options: &Options) {
    let module =
        |(target, level): &(String, LevelFilter)| Change { target: Some(target.clone()), level: *level, until: None };
    let mut levels = LEVELS.write();
    levels.console = options.console;
    levels.file = options.file;
    levels.modules = options.targets.iter().map(module).collect();
}

/// Has the logger called for all lines that are enabled.
pub(super) fn apply() {
    LEVELS.read().apply();
}

/// Changes the configured levels while the component runs.
pub fn configure(options: &Options) {
    set(options);
    apply();
}

/// Changes the level of the console and of the file, for all lines or for those of a module, for a time or until it is reset.
pub fn change(target: Option<&str>, level: LevelFilter, time: Option<Duration>) {
    let until = time.and_then(|time| Instant::now().checked_add(time));
    let mut levels = LEVELS.write();
    levels.changes.retain(|change| change.target.as_deref() != target);
    levels.changes.push(Change { target: target.map(str::to_owned), level, until });
    levels.apply();
}

/// Restores the configured levels.
pub fn reset() {
    let mut levels = LEVELS.write();
    levels.changes.clear();
    levels.apply();
}

/// Restores the levels whose time is up. Returns whether there were any.
pub fn end_expired(now: Instant) -> bool {
    let mut levels = LEVELS.write();
    let before = levels.changes.len();
    levels.changes.retain(|change| change.until.is_none_or(|until| until > now));
    let changed = levels.changes.len() != before;
    if changed {
        levels.apply();
    }
    changed
}

/// The levels, for people: `INFO on the console, DEBUG in the file; valawai::mov: DEBUG`.
#[must_use]
pub fn text() -> String {
    let levels = LEVELS.read();
    let mut text = format!("{} on the console, {} in the file", levels.console, levels.file);
    for Change { target, level, .. } in levels.modules.iter().chain(&levels.changes) {
        text.push_str("; ");
        text.push_str(target.as_deref().unwrap_or("changed to"));
        text.push_str(if target.is_some() { ": " } else { " " });
        text.push_str(level.as_str());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change_of(target: Option<&str>, level: LevelFilter) -> Change {
        Change { target: target.map(str::to_owned), level, until: None }
    }

    #[test]
    fn the_level_of_the_longest_module_counts() {
        let changes = vec![
            change_of(None, LevelFilter::Warn),
            change_of(Some("valawai::mov"), LevelFilter::Debug),
            change_of(Some("valawai"), LevelFilter::Error),
        ];
        let levels = Levels { console: LevelFilter::Info, file: LevelFilter::Info, modules: Vec::new(), changes };
        for (target, level) in [
            ("valawai::mov", LevelFilter::Debug),
            ("valawai::mov::log", LevelFilter::Debug),
            ("valawai::movement", LevelFilter::Error),
            ("component", LevelFilter::Warn),
        ] {
            assert_eq!(levels.level(Destination::Console, target), level, "{target}");
        }
        assert_eq!(levels.highest(), LevelFilter::Debug);
    }

    #[test]
    fn without_changes_each_destination_has_its_level() {
        let modules = vec![change_of(Some("y"), LevelFilter::Error)];
        let levels = Levels { console: LevelFilter::Info, file: LevelFilter::Debug, modules, changes: Vec::new() };
        assert_eq!(levels.level(Destination::File, "y::z"), LevelFilter::Error);
        assert_eq!(levels.level(Destination::Console, "x"), LevelFilter::Info);
        assert_eq!(levels.level(Destination::File, "x"), LevelFilter::Debug);
        assert_eq!(levels.highest(), LevelFilter::Debug);
    }
}
