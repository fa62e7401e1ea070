//! The processes of the component: they start, are killed, and stop.

use std::path::Path;

use valawai::internals::configuration::Configuration;
use valawai::internals::operations::configure::Configure as _;
use valawai::internals::shutdown::{self, ShutdownHandle};

use crate::agenda::Event;
use crate::broker::ConnectionId;
use crate::component;
use crate::scheduler::{Spawned, TaskId};
use crate::world::{self, MILLISECOND, Micros, SECOND, World};

/// How long a stop may take beyond the grace period: threads do not run at once when they can.
const STOP_TOLERANCE: Micros = SECOND;

/// A process of the component.
pub(crate) struct Process {
    pub(crate) host: usize,
    pub(crate) tasks: Vec<TaskId>,
    pub(crate) connections: Vec<ConnectionId>,
    /// Killed, or ended.
    pub(crate) is_dead: bool,
    /// What stops it.
    handle: Option<ShutdownHandle>,
    configuration: Option<Configuration>,
    /// When it was told to stop.
    pub(crate) stopping_since: Option<Micros>,
    pub(crate) grace: Micros,
    /// Since when it consumes the input.
    pub(crate) consuming_since: Option<Micros>,
    /// Since when it exists although a connection is lost.
    pub(crate) untrue_since: Option<Micros>,
    /// The connections of its session.
    pub(crate) session: Vec<ConnectionId>,
}

impl Process {
    fn new(host: usize, handle: Option<ShutdownHandle>, grace: Micros) -> Self {
        Self {
            host,
            tasks: Vec::new(),
            connections: Vec::new(),
            is_dead: false,
            handle,
            configuration: None,
            stopping_since: None,
            grace,
            consuming_since: None,
            untrue_since: None,
            session: Vec::new(),
        }
    }
}

/// The health file on a host.
pub(crate) struct HealthFile {
    /// Who wrote it.
    process: usize,
    /// When.
    pub(crate) written: Micros,
    pub(crate) content: String,
    /// The registration in it.
    pub(crate) id: String,
}

impl HealthFile {
    fn new(process: usize, written: Micros, content: String) -> Self {
        let is_id = |part: &&str| part.len() == 24 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        let id = content.split('"').find(is_id).unwrap_or_default().to_owned();
        Self { process, written, content, id }
    }
}

/// The host whose health file has this path: `/host-0/component_id.json`.
pub(crate) fn host_of(path: &Path) -> usize {
    let host = path.parent().and_then(Path::file_name).and_then(|name| name.to_str()?.strip_prefix("host-"));
    host.and_then(|host| host.parse().ok()).expect("the path of a health file")
}

impl World {
    /// The process that runs on a host.
    pub(crate) fn process_on(&self, host: usize) -> Option<usize> {
        self.processes.iter().rposition(|process| process.host == host && !process.is_dead)
    }

    /// How many processes run.
    pub(crate) fn running_processes(&self) -> impl Iterator<Item = usize> {
        (0..self.processes.len()).filter(|process| !self.processes[*process].is_dead)
    }

    /// The health file of a process, which does not count if another process has written it.
    pub(crate) fn health_file(&self, process: usize) -> Option<&HealthFile> {
        self.files.get(&self.processes[process].host).filter(|file| file.process == process)
    }

    /// Starts a process on a host that has none.
    pub(crate) fn start_process(&mut self, host: usize) {
        if self.process_on(host).is_some() || self.is_ending() {
            return;
        }
        let id = self.processes.len();
        let settings = self.plan.settings(host);
        let grace = self.plan.grace;
        let (handle, shutdown) = shutdown::channel();
        self.tell(|| format!("process {id} starts on host {host}"));
        self.processes.push(Process::new(host, Some(handle), grace));
        let run = move || {
            let configuration = component::configuration(&settings);
            world::with(|world| world.processes[id].configuration = Some(configuration.clone()));
            let is_ok = component::run(&configuration, &shutdown);
            world::with(|world| world.process_ended(id, is_ok));
        };
        self.spawned.push(Spawned { process: id, name: "main".to_owned(), run: Box::new(run) });
    }

    /// Starts a process that runs `job` and nothing else.
    pub(crate) fn start_alone(&mut self, job: Box<dyn FnOnce()>) {
        self.processes.push(Process::new(0, None, 0));
        self.spawned.push(Spawned { process: 0, name: "main".to_owned(), run: job });
    }

    /// Tells a process to stop, as SIGTERM does.
    pub(crate) fn stop_process(&mut self, process: usize) {
        let now = self.now;
        let it = &mut self.processes[process];
        if it.is_dead || it.handle.take().is_none() {
            return;
        }
        it.stopping_since = Some(now);
        it.configuration = None;
        self.tell(|| format!("process {process} is told to stop"));
        self.dirty.push(process);
    }

    /// Ends a process at once, as `kill -9` does.
    pub(crate) fn kill_process(&mut self, process: usize) {
        if self.processes[process].is_dead {
            return;
        }
        self.tell(|| format!("process {process} is killed"));
        self.end_process(process);
    }

    fn process_ended(&mut self, process: usize, is_ok: bool) {
        let it = &self.processes[process];
        let since = it.stopping_since;
        self.tell(|| format!("process {process} ended"));
        match since {
            _ if !is_ok => self.violated("lost connections are retried", format!("process {process} gave up")),
            None => self.violated("it runs until it is stopped", format!("process {process} ended by itself")),
            Some(_) => {}
        }
        if self.files.contains_key(&self.processes[process].host) {
            self.violated("health", format!("process {process} ended, and its health file exists"));
        }
        self.end_process(process);
    }

    fn end_process(&mut self, process: usize) {
        let it = &mut self.processes[process];
        it.is_dead = true;
        it.handle = None;
        it.configuration = None;
        for connection in it.connections.clone() {
            self.shut_down(connection);
        }
        self.dead.push(process);
        let host = self.processes[process].host;
        if host < self.plan.hosts {
            self.start_soon(host, 5 * SECOND);
        }
    }

    /// Changes a setting of a process.
    pub(crate) fn change_setting(&mut self, process: usize, name: &str, value: &str) {
        let Some(configuration) = self.processes[process].configuration.clone() else { return };
        self.tell(|| format!("process {process} gets {name}={value}"));
        let changes = [(name.to_owned(), serde_json::Value::from(value))].into_iter().collect();
        if let Err(reason) = configuration.order(&changes) {
            self.violated("settings can change", format!("{name}={value} was rejected: {reason}"));
        }
        self.dirty.push(process);
    }

    /// A process writes a small file, or removes it.
    pub(crate) fn write_file(&mut self, path: &Path, content: Option<String>) {
        let process = self.tasks[self.running].process;
        if self.processes[process].is_dead {
            return;
        }
        let is_written = content.is_some();
        let changed = match content {
            Some(content) => self.files.insert(host_of(path), HealthFile::new(process, self.now, content)).is_none(),
            None => self.files.remove(&host_of(path)).is_some(),
        };
        if changed {
            self.tell(|| format!("process {process} is {}", if is_written { "healthy" } else { "not healthy" }));
        }
    }

    /// A process that stops must end in time.
    pub(crate) fn check_stops(&mut self) {
        for process in 0..self.processes.len() {
            let it = &self.processes[process];
            let (is_dead, grace) = (it.is_dead, it.grace);
            if let Some(since) = it.stopping_since
                && !is_dead
                && self.now > since + grace + STOP_TOLERANCE
            {
                let (took, grace) = ((self.now - since) / MILLISECOND, grace / MILLISECOND);
                self.violated(
                    "a stop ends in time",
                    format!("process {process} was told to stop {took} ms ago, and may take {grace} ms"),
                );
            }
        }
    }

    /// Starts a process on a host soon.
    pub(crate) fn start_soon(&mut self, host: usize, within: Micros) {
        let after = self.random.u64(0..within);
        self.after(after, Event::Start { host });
    }
}
