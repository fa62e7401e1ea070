//! The settings while the component runs: what a configuration file, a key-value store and operators change.
//!
//! [`Configuration`] holds the layers of settings and reads them whenever one of them changes. A value that is invalid, or that
//! only a restart can change, is reported and stays what it was; all other changes of the same time take effect.
//! [`watch`] follows the store on a thread of its own, which exists only with a store.

mod orders;
mod reading;
#[cfg(test)]
mod tests;
pub mod watch;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};
use parking_lot::Mutex;
use serde_json::{Map, Value};

use self::reading::Reading;
use crate::component::ResolvedComponent;
use crate::component::settings::{OwnReading, OwnSettings};
use crate::mov::log::Severity;
use crate::routes::HandlerChannel;
use crate::settings::{Document, Layers, Problems, Settings, Source};

/// Where the settings come from that operators order.
const BY_ORDER: &str = "an order";

/// What the process has to do.
#[derive(Debug)]
pub enum Change {
    /// Apply these settings.
    Settings {
        /// All settings.
        settings: Arc<Settings>,
        /// What has changed, for people.
        changed: Vec<String>,
    },
    /// Report that a setting stays as it is.
    Problem(Problem),
}

/// Why a setting stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Whether a value is wrong, or it only needs attention.
    pub severity: Severity,
    /// The problem, for people. It contains no value.
    pub text: String,
}

impl Problem {
    fn error(text: String) -> Self {
        Self { severity: Severity::Error, text }
    }

    fn warning(text: String) -> Self {
        Self { severity: Severity::Warn, text }
    }
}

/// The settings as they change. Clones share them.
#[derive(Clone)]
pub struct Configuration {
    shared: Arc<Shared>,
}

struct Shared {
    /// The name of the component.
    component: String,
    names: Names,
    own: Option<OwnSettings>,
    state: Mutex<State>,
    changes: (Sender<Change>, Receiver<Change>),
}

/// Reads the settings of the component's author, in addition to those of the kit.
///
/// # Errors
/// All invalid settings of both.
pub(crate) fn with_own(
    settings: Result<Settings, Problems>,
    own: Option<&OwnSettings>,
    source: &dyn Source,
) -> Result<(Settings, Option<OwnReading>), Problems> {
    match (settings, own.map(|own| reading::read_own(own, source)).transpose()) {
        (Ok(settings), Ok(reading)) => Ok((reading::showing_own(settings, own, source), reading)),
        (settings, reading) => Err(Problems::all([settings.err(), reading.err()])),
    }
}

/// The names that settings may contain.
struct Names {
    handlers: Vec<HandlerChannel>,
}

struct State {
    layers: Layers,
    settings: Arc<Settings>,
    /// Where the log and the health file of this process are, once that is known.
    folder: Option<PathBuf>,
    orders: Map<String, Value>,
    /// What was reported, and is still the case.
    reported: Vec<Problem>,
    /// Whether the process has started with these settings, so that some of them cannot change any more.
    is_started: bool,
}

impl Configuration {
    /// The settings of `layers` for `component`.
    ///
    /// # Errors
    /// All invalid settings.
    pub fn new(component: &ResolvedComponent, layers: Layers) -> Result<Self, Problems> {
        let names = Names { handlers: component.handlers() };
        let own = component.own_settings();
        let (settings, own_reading) = with_own(Settings::read_for(&layers, &names.handlers), own.as_ref(), &layers)?;
        own_reading.into_iter().for_each(OwnReading::accept_first);
        let state = State {
            layers,
            settings: Arc::new(settings),
            folder: None,
            orders: Map::new(),
            reported: Vec::new(),
            is_started: false,
        };
        let (component, changes) = (component.name().to_owned(), crossbeam_channel::unbounded());
        let shared = Shared { component, names, own, state: Mutex::new(state), changes };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The settings now.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.shared.state.lock().settings)
    }

    /// The changes, for the one thread that carries them out.
    #[must_use]
    pub fn changes(&self) -> Receiver<Change> {
        self.shared.changes.1.clone()
    }

    /// Moves the log and the health file to `folder`, also in settings that are read later.
    pub fn move_to(&self, folder: &Path) {
        let mut state = self.shared.state.lock();
        state.folder = Some(folder.to_owned());
        state.settings = Arc::new(Settings::clone(&state.settings).in_folder(folder));
    }

    /// Whether there is a configuration file.
    fn has_file(&self) -> bool {
        self.shared.state.lock().layers.has_file()
    }

    /// From now on some settings cannot change any more.
    pub fn start(&self) {
        self.shared.state.lock().is_started = true;
    }

    /// Takes over the values of a key-value store. Returns what has changed, for people.
    pub(crate) fn set_store(&self, name: &str, values: &BTreeMap<String, String>) -> Vec<String> {
        let store = Document::from_paths(name, values);
        self.read_again(|layers, _| layers.clone().with_store(store))
    }

    /// Reads the configuration file, and the files with single values, again. Returns what has changed, for people.
    pub(crate) fn read_files(&self) -> Vec<String> {
        self.read_again(|layers, problems| {
            let mut layers = layers.clone();
            if let Err(expected) = layers.read_file() {
                problems
                    .push(Problem::error(format!("CONFIG_FILE: expected {expected}; its settings stay as they were")));
            }
            layers
        })
    }

    /// Reads the settings of what `change` makes of the layers.
    fn read_again(&self, change: impl FnOnce(&Layers, &mut Vec<Problem>) -> Layers) -> Vec<String> {
        let mut state = self.shared.state.lock();
        let mut problems = Vec::new();
        let layers = change(&state.layers, &mut problems);
        let reading = self.read(&state, layers);
        self.take_over(&mut state, reading, problems)
    }

    fn read(&self, state: &State, layers: Layers) -> Reading {
        let Shared { names, own, .. } = &*self.shared;
        Reading::new(names, own.as_ref(), &state.layers, layers, state.is_started)
    }

    /// Puts a reading into effect: reports what is new, and passes on what has changed.
    fn take_over(&self, state: &mut State, reading: Reading, mut problems: Vec<Problem>) -> Vec<String> {
        let Shared { changes, .. } = &*self.shared;
        problems.extend(reading.problems);
        for problem in &problems {
            if !state.reported.contains(problem) {
                // Received as long as the process runs.
                let _ = changes.0.send(Change::Problem(problem.clone()));
            }
        }
        state.reported = problems;
        state.layers = reading.layers;
        if let Some(own) = reading.own {
            if state.is_started { own.accept() } else { own.accept_first() }
        }
        if let Some(settings) = reading.settings {
            let settings = state.folder.iter().fold(settings, |settings, folder| settings.in_folder(folder));
            state.settings = Arc::new(settings);
            if !reading.changed.is_empty() {
                let (settings, changed) = (Arc::clone(&state.settings), reading.changed.clone());
                let _ = changes.0.send(Change::Settings { settings, changed });
            }
        }
        reading.changed
    }
}
