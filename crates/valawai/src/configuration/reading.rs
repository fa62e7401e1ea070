//! Reads the settings again, and finds out what has changed.

use super::{Names, Problem};
use crate::component::settings::{OwnReading, OwnSettings};
use crate::routes::HandlerChannel;
use crate::settings::table::{self, Effect};
use crate::settings::{Effective, Layers, Problems, Settings, Source, name_of, shown};

/// The most problems that are reported of one reading.
const MAX_PROBLEMS: usize = 100;

/// What was read of changed layers.
pub(super) struct Reading {
    /// The layers, in which each setting that must not change has kept its value.
    pub(super) layers: Layers,
    /// `None` if nothing can be taken over.
    pub(super) settings: Option<Settings>,
    /// The settings of the component's author.
    pub(super) own: Option<OwnReading>,
    /// Why settings stay as they are, for people.
    pub(super) problems: Vec<Problem>,
    /// The changes, for people.
    pub(super) changed: Vec<String>,
}

impl Reading {
    /// Reads `layers`. A setting that is invalid, or cannot change when the process `is_started`, is what it was in `previous`.
    pub(super) fn new(
        names: &Names,
        own: Option<&OwnSettings>,
        previous: &Layers,
        mut layers: Layers,
        is_started: bool,
    ) -> Self {
        layers.forget_kept();
        let mut problems = names.unknown(&layers, own);
        if is_started {
            problems.extend(keep_start_only(names, previous, &mut layers));
        }
        let settings = read(&mut layers, previous, &mut problems, |layers| Settings::read_for(layers, &names.handlers));
        let own_reading = own.map(|own| read(&mut layers, previous, &mut problems, |layers| read_own(own, layers)));
        problems.truncate(MAX_PROBLEMS);
        let is_readable = settings.is_some() && own_reading.as_ref().is_none_or(Option::is_some);
        if !is_readable {
            problems.push(Problem::error("the settings contradict each other; all stay as they were".to_owned()));
            return Self { layers: previous.clone(), settings: None, own: None, problems, changed: Vec::new() };
        }
        let changed = names.all(own).filter_map(|name| change(&name, previous, &layers)).collect();
        let settings = settings.map(|settings| showing_own(settings, own, &layers));
        Self { layers, settings, own: own_reading.flatten(), problems, changed }
    }
}

/// Reads until no setting is invalid: each one that is, is what it was. `None` if even that is invalid.
fn read<S>(
    layers: &mut Layers,
    previous: &Layers,
    problems: &mut Vec<Problem>,
    read: impl Fn(&Layers) -> Result<S, Problems>,
) -> Option<S> {
    loop {
        let invalid = match read(layers) {
            Ok(settings) => return Some(settings),
            Err(invalid) => invalid,
        };
        if invalid.iter().any(|(name, _)| layers.keeps(name)) {
            return None;
        }
        for (name, problem) in invalid.iter() {
            layers.keep(name, previous.find(name).ok().flatten());
            problems.push(Problem::error(format!("{problem}; it stays as it was")));
        }
    }
}

/// Reads the settings of the component's author.
pub(super) fn read_own(own: &OwnSettings, source: &dyn Source) -> Result<OwnReading, Problems> {
    let lookup = |field: &str| Ok(source.find(&name_of(field))?.map(|found| found.text));
    own.read(&lookup).map_err(|mistakes| {
        let named = |(field, expected): (String, String)| (name_of(&field), expected);
        Problems::of(mistakes.into_iter().map(named))
    })
}

/// With the settings of the component's author among those that are shown.
pub(super) fn showing_own(mut settings: Settings, own: Option<&OwnSettings>, source: &dyn Source) -> Settings {
    for name in own.into_iter().flat_map(OwnSettings::fields).map(|field| name_of(field)) {
        if settings.effective.iter().all(|shown| shown.name != name) {
            let found = source.find(&name).ok().flatten();
            settings.effective.push(Effective::of(name, found.as_ref()));
        }
    }
    settings
}

/// Keeps the settings that only a restart changes, and says so.
fn keep_start_only(names: &Names, previous: &Layers, layers: &mut Layers) -> Vec<Problem> {
    let mut problems = Vec::new();
    for name in names.all(None) {
        let is_fixed = matches!(table::effect(&name), Effect::AtStart | Effect::BeforeTheStore);
        if is_fixed && text(previous, &name) != text(layers, &name) {
            layers.keep(&name, previous.find(&name).ok().flatten());
            let text = format!("{name} has changed, which needs a restart; until then it stays as it was");
            problems.push(Problem::warning(text));
        }
    }
    problems
}

fn change(name: &str, previous: &Layers, layers: &Layers) -> Option<String> {
    let new = layers.find(name).ok().flatten();
    if text(previous, name) == new.as_ref().map(|found| found.text.clone()) {
        return None;
    }
    Some(match new {
        Some(found) => format!("{name} is {} now ({})", shown(name, &found.text), found.origin),
        None => format!("{name} is not set any more"),
    })
}

fn text(layers: &Layers, name: &str) -> Option<String> {
    layers.find(name).ok().flatten().map(|found| found.text)
}

impl Names {
    /// The names of all settings.
    pub(super) fn all(&self, own: Option<&OwnSettings>) -> impl Iterator<Item = String> {
        let of_kit = table::SETTINGS.iter().map(|row| row.name.to_owned());
        let of_channels = self.handlers.iter().flat_map(|HandlerChannel { channel, .. }| {
            table::OF_CHANNEL.iter().map(move |(what, _)| name_of(&format!("channels/{}/{what}", channel.short())))
        });
        let own = own.into_iter().flat_map(|own| own.fields().iter().map(|field| name_of(field)));
        of_kit.chain(of_channels).chain(own)
    }

    /// Warns of values that are no settings.
    fn unknown(&self, layers: &Layers, own: Option<&OwnSettings>) -> Vec<Problem> {
        let names: Vec<String> = self.all(own).collect();
        let is_known = |name: &str| {
            let is_below = |known: &String| name.strip_prefix(&**known).is_some_and(|rest| rest.starts_with('_'));
            table::is_setting(name) || names.iter().any(|known| known == name || is_below(known))
        };
        let unknown = layers.unknown(is_known);
        let problem = |path| Problem::warning(format!("`{path:.100}` is no setting of this component"));
        unknown.into_iter().map(problem).collect()
    }
}
