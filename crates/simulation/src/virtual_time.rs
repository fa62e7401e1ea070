//! What the component asks for instead of the real clock, real threads and real files.

use std::path::Path;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use valawai::internals::simulation::Simulation;

use crate::replicas::host_of;
use crate::scheduler::{self, Spawned};
use crate::session::micros;
use crate::world;

/// The world of this thread, as the component sees it.
pub(crate) struct Virtual;

impl Simulation for Virtual {
    fn now(&self) -> Instant {
        world::with(|world| world.instant())
    }

    fn milliseconds(&self) -> u64 {
        world::with(|world| world.milliseconds())
    }

    fn wait(&self, deadline: Option<Instant>, is_ready: &mut dyn FnMut() -> bool) {
        let deadline = deadline.map(|deadline| world::with(|world| world.micros(deadline)));
        scheduler::wait(deadline, is_ready);
    }

    fn spawn(&self, name: &str, run: Box<dyn FnOnce() + Send>) {
        world::with(|world| {
            let process = world.tasks[world.running].process;
            world.spawned.push(Spawned { process, name: name.to_owned(), run });
        });
    }

    fn thread(&self) -> u64 {
        world::with(|world| world.running as u64)
    }

    fn send_at(&self, at: Instant, period: Option<Duration>, sender: Sender<Instant>) {
        world::with(|world| {
            let at = world.micros(at);
            world.add_timer(at, period.map(micros), sender);
        });
    }

    fn write(&self, path: &Path, content: Option<String>) {
        world::with(|world| world.write_file(path, content));
    }

    fn read(&self, path: &Path) -> Option<String> {
        world::with(|world| Some(world.files.get(&host_of(path))?.content.clone()))
    }
}
