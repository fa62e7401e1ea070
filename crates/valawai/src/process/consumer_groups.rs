//! The threads that consume: which there are to be, and which are running.

use std::sync::Arc;

use super::parts::ConsumerParts;
use crate::broker::BYTES_IN_FLIGHT;
use crate::component::Route;
use crate::component::input::Consumed as _;
use crate::consumer::Consumer;
use crate::name::Kind;
use crate::settings::Settings;
use crate::shutdown::{self, Shutdown, ShutdownHandle};

/// The name of the threads of data channels.
const DATA: &str = "consumer";

/// Threads that consume the same queues.
#[derive(Clone)]
pub(super) struct ConsumerGroup {
    pub(super) name: Arc<str>,
    pub(super) threads: usize,
    /// With each queue. If it or the number of threads changes, the group starts again.
    prefetches: Vec<(Arc<str>, u16)>,
    pub(super) consumer: Consumer,
}

impl ConsumerGroup {
    /// The groups of `component`: one for control channels, so that slow work on data does not delay them, one for data channels,
    /// and one for each channel that has threads of its own.
    pub(super) fn all(parts: &ConsumerParts) -> Vec<Self> {
        let ConsumerParts { component, settings, status, .. } = parts;
        let routes = component.routes.iter().map(|route| configured(route, settings));
        let (own, common): (Vec<Route>, Vec<Route>) = routes.partition(Route::has_own_threads);
        let (data, control) = common.into_iter().partition(|route| route.input.is_channel_of(Kind::Data));
        let mut groups = vec![(DATA.into(), settings.workers, data), ("control".into(), 1, control)];
        groups.extend(own.into_iter().map(|route| {
            let name = route.input.short().replace('/', "-");
            (name, route.options.workers.unwrap_or(1), vec![route])
        }));
        groups.retain(|(_, _, routes)| !routes.is_empty());
        let threads = groups.iter().map(|(_, threads, _)| threads).sum::<usize>().max(1);
        let group = |(name, group_threads, routes): (String, usize, Vec<Route>)| {
            let prefetch = |route: &Route| route.options.prefetch.unwrap_or(settings.prefetch);
            Self {
                name: name.into(),
                threads: group_threads,
                prefetches: routes.iter().map(|it| (Arc::clone(it.input.queue()), prefetch(it))).collect(),
                consumer: parts.consumer(routes, BYTES_IN_FLIGHT / threads, status, None),
            }
        };
        groups.into_iter().map(group).collect()
    }

    /// The names of its threads.
    pub(super) fn thread_names(&self) -> impl Iterator<Item = String> {
        let is_numbered = self.threads > 1 || &*self.name == DATA;
        let name = move |number| if is_numbered { format!("{}-{number}", self.name) } else { self.name.to_string() };
        (0..self.threads).map(name)
    }

    /// Whether the threads of `other` do the same. Their share of the bytes in flight may differ, as after a change of another
    /// group.
    fn is_like(&self, other: &Self) -> bool {
        self.threads == other.threads && self.prefetches == other.prefetches
    }
}

/// The route with the settings of its channel instead of what its author declared.
fn configured(route: &Route, settings: &Settings) -> Route {
    let mut route = route.clone();
    if let Some(channel) = settings.channels.get(route.input.short()) {
        let options = &mut route.options;
        options.prefetch = channel.prefetch.or(options.prefetch);
        // A state belongs to one thread.
        options.workers = channel.workers.filter(|_| options.state.is_none()).or(options.workers);
    }
    route
}

/// The groups that run in a session.
#[derive(Default)]
pub(super) struct RunningGroups(Vec<RunningGroup>);

struct RunningGroup {
    group: ConsumerGroup,
    /// The threads that have not ended.
    threads: Vec<String>,
    /// `None` while it finishes what is in flight.
    handle: Option<ShutdownHandle>,
}

impl RunningGroups {
    /// Records that the threads of `group` are started, and returns what stops them.
    pub(super) fn start(&mut self, group: &ConsumerGroup) -> Shutdown {
        let (handle, shutdown) = shutdown::channel();
        self.0.push(RunningGroup {
            threads: group.thread_names().collect(),
            group: group.clone(),
            handle: Some(handle),
        });
        shutdown
    }

    /// Stops the groups that are not as in `wanted`. Those that are to run again, start when they have finished what is in flight.
    /// Returns the groups that can start now.
    pub(super) fn replace(&mut self, wanted: &[ConsumerGroup]) -> Vec<ConsumerGroup> {
        for running in &mut self.0 {
            let is_wanted =
                wanted.iter().any(|group| group.name == running.group.name && group.is_like(&running.group));
            if !is_wanted {
                running.handle = None;
            }
        }
        let is_running = |group: &&ConsumerGroup| self.0.iter().any(|running| running.group.name == group.name);
        wanted.iter().filter(|group| !is_running(group)).cloned().collect()
    }

    /// Records that a thread ended. Returns whether it was to end.
    pub(super) fn thread_ended(&mut self, name: &str) -> bool {
        let is_stopping =
            |running: &&mut RunningGroup| running.handle.is_none() && running.threads.iter().any(|it| it == name);
        let Some(group) = self.0.iter_mut().find(is_stopping) else { return false };
        group.threads.retain(|thread| thread != name);
        self.0.retain(|group| !group.threads.is_empty());
        true
    }

    pub(super) fn stop(&mut self) {
        self.0.iter_mut().for_each(|running| running.handle = None);
    }
}
