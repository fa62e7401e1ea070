//! Settings that change by a message to one process, for all processes of the component.

use std::collections::VecDeque;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};
use parking_lot::Mutex;
use serde_json::{Map, Value};

use super::configure::Configure;

/// How many changes wait while the process is not connected. After that, the oldest ones are dropped.
const MOST: usize = 100;

/// The settings of this process, and the way to those of the other processes of the component.
#[derive(Debug, Clone)]
pub struct LiveSettings {
    configure: Arc<dyn Configure>,
    replicas: Arc<Replicas>,
}

impl LiveSettings {
    /// The settings that `configure` changes here, and that the service passes on to the `replicas`.
    #[must_use]
    pub fn new(configure: Arc<dyn Configure>, replicas: Arc<Replicas>) -> Self {
        Self { configure, replicas }
    }

    /// Changes settings in all processes of the component. Null undoes a change.
    ///
    /// # Errors
    /// Why nothing was changed, for people.
    pub fn order(&self, changes: &Map<String, Value>) -> Result<(), String> {
        self.configure.order(changes)?;
        self.replicas.add(changes.clone());
        Ok(())
    }

    /// Whether there is a setting at this path.
    #[must_use]
    pub fn is_setting(&self, path: &str) -> bool {
        self.configure.is_setting(path)
    }
}

/// Changes on their way to the other processes of the component.
#[derive(Debug)]
pub struct Replicas {
    state: Mutex<State>,
    signal: (Sender<()>, Receiver<()>),
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Map<String, Value>>,
    /// Why nothing can be passed on.
    obstacle: Option<String>,
    is_reported: bool,
}

impl Default for Replicas {
    fn default() -> Self {
        Self { state: Mutex::default(), signal: crossbeam_channel::bounded(1) }
    }
}

impl Replicas {
    fn add(&self, changes: Map<String, Value>) {
        let mut state = self.state.lock();
        state.waiting.push_back(changes);
        if state.waiting.len() > MOST {
            state.waiting.pop_front();
        }
        state.report_obstacle();
        // One signal is enough for all that wait.
        let _ = self.signal.0.try_send(());
    }

    /// Says that there are changes to [`take`](Self::take).
    #[must_use]
    pub fn signal(&self) -> &Receiver<()> {
        &self.signal.1
    }

    /// The changes to pass on.
    #[must_use]
    pub fn take(&self) -> VecDeque<Map<String, Value>> {
        std::mem::take(&mut self.state.lock().waiting)
    }

    /// Reports that what was taken could not be passed on.
    pub fn fail(&self, obstacle: &str) {
        self.state.lock().waiting.push_front(Map::new());
        self.obstruct(obstacle);
    }

    /// From now on nothing can be passed on. That is logged once there is something to pass on.
    pub fn obstruct(&self, obstacle: &str) {
        let mut state = self.state.lock();
        state.obstacle = Some(obstacle.to_owned());
        state.report_obstacle();
    }

    /// From now on changes can be passed on.
    pub fn clear(&self) {
        self.state.lock().obstacle = None;
    }
}

impl State {
    fn report_obstacle(&mut self) {
        let Some(obstacle) = &self.obstacle else { return };
        if !std::mem::take(&mut self.waiting).is_empty() && !std::mem::replace(&mut self.is_reported, true) {
            log::warn!(
                "the parameters are in effect in this process only, and are not passed on to others, because {obstacle}"
            );
        }
    }
}
