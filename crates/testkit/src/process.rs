//! Programs as real processes, above all the component: started with settings, sent signals, watched from outside.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::launch::Launch;
use super::process_reaper::ReapedProcess;
use super::wait::{Poll, poll};

/// Enough to start, connect and register on a busy machine.
const HEALTHY_LIMIT: Duration = Duration::from_secs(30);

/// A process that was started by a [`Launch`]; killed when dropped.
#[derive(Debug)]
pub struct Process {
    leashed: Mutex<ReapedProcess>,
    launch: Launch,
    output: PathBuf,
    began: Instant,
}

/// The end of a process.
#[derive(Debug, Clone, Copy)]
pub struct Exit {
    pub status: ExitStatus,
    /// How long the wait for it took.
    pub after: Duration,
}

impl Exit {
    /// The exit code; `None` if a signal ended it.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }
}

impl Process {
    pub(crate) fn new(leashed: ReapedProcess, launch: Launch, output: PathBuf) -> Self {
        Self { leashed: Mutex::new(leashed), launch, output, began: Instant::now() }
    }

    pub fn pid(&self) -> u32 {
        self.leashed().pid()
    }

    /// How it was started: for another one like it, in the same directory.
    pub fn launch(&self) -> &Launch {
        &self.launch
    }

    pub fn signal(&self, signal: Signal) {
        self.leashed().signal(signal);
    }

    /// Asks it to end, as `docker stop` does.
    pub fn terminate(&self) {
        self.signal(Signal::SIGTERM);
    }

    /// SIGKILL: it cannot clean up.
    pub fn kill(&self) {
        self.leashed().kill();
    }

    pub fn is_running(&self) -> bool {
        self.leashed().exit().is_none()
    }

    /// Waits for its end; a process that goes on fails the test.
    #[track_caller]
    pub fn wait_exit(&self, limit: Duration) -> Exit {
        let began = Instant::now();
        let status = self.leashed().exit_within(limit);
        let Some(status) = status else { self.fail(&format!("it did not end within {limit:?}")) };
        Exit { status, after: began.elapsed() }
    }

    /// Asks it to end and waits for that.
    #[track_caller]
    pub fn stop(&self, limit: Duration) -> Exit {
        self.terminate();
        self.wait_exit(limit)
    }

    /// Waits for the health file, and returns what it says.
    #[track_caller]
    pub fn wait_healthy(&self) -> String {
        self.wait_until("its health file", HEALTHY_LIMIT, || fs::read_to_string(self.health_file()).ok())
    }

    /// Waits until the health file is gone.
    #[track_caller]
    pub fn wait_unhealthy(&self, limit: Duration) {
        self.wait_until("its health file to go", limit, || !self.is_healthy());
    }

    pub fn is_healthy(&self) -> bool {
        self.health_file().exists()
    }

    /// Where the component tells that it is registered and connected, unless the settings say otherwise.
    pub fn health_file(&self) -> PathBuf {
        self.directory().join("component_id.json")
    }

    /// Its working directory and the place of its logs.
    pub fn directory(&self) -> &Path {
        self.launch.directory()
    }

    /// All that it wrote to its standard output and error.
    pub fn output(&self) -> String {
        let bytes = fs::read(&self.output).unwrap_or_else(|error| panic!("cannot read the output: {error}"));
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits until `text` stands in its output, and returns the first line that has it.
    #[track_caller]
    pub fn wait_output(&self, text: &str, limit: Duration) -> String {
        let line_with_it = || self.output().lines().find(|line| line.contains(text)).map(str::to_owned);
        self.wait_until(&format!("`{text}` in its output"), limit, line_with_it)
    }

    /// Waits for a state of the world that this process brings about. Its early end, or none, fails the test with its output.
    #[track_caller]
    pub fn wait_until<S: Poll>(&self, what: &str, limit: Duration, mut look: impl FnMut() -> S) -> S::Seen {
        let mut ended = false;
        let seen = poll(limit, || {
            // In this order: what a process did last counts also when it has ended since.
            ended = !self.is_running();
            let seen = look().seen();
            (ended || seen.is_some()).then_some(seen)
        });
        match seen {
            Some(Some(seen)) => seen,
            _ if ended => self.fail(&format!("it ended while the test waited for {what}")),
            _ => self.fail(&format!("waited {limit:?} in vain for {what}")),
        }
    }

    /// The memory it holds, in kB.
    #[track_caller]
    pub fn rss_kb(&self) -> u64 {
        self.memory("VmRSS:")
    }

    /// The most memory that it ever held, in kB.
    #[track_caller]
    pub fn peak_kb(&self) -> u64 {
        self.memory("VmHWM:")
    }

    #[track_caller]
    fn memory(&self, line: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
        let line = status.lines().find_map(|other| other.strip_prefix(line));
        let size = line.and_then(|rest| rest.trim().strip_suffix(" kB")).and_then(|number| number.trim().parse().ok());
        size.unwrap_or_else(|| self.fail("its memory is not known"))
    }

    /// How long ago it was started.
    pub fn age(&self) -> Duration {
        self.began.elapsed()
    }

    #[track_caller]
    fn fail(&self, story: &str) -> ! {
        let state = self.leashed().exit().map_or_else(|| "it still runs".to_owned(), |status| status.to_string());
        panic!("{}: {story} ({state}). Its output:\n{}", self.launch.program(), self.output());
    }

    fn leashed(&self) -> MutexGuard<'_, ReapedProcess> {
        self.leashed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
