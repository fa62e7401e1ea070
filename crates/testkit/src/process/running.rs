//! A started process: its signals, its exit, its health file, its output and its memory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use parking_lot::{Mutex, MutexGuard};

use super::ProcessBuilder;
use super::reaper::ReapedProcess;
use crate::wait::{Poll, poll};

/// The limit for starting, connecting and registering on a busy machine.
const HEALTHY_LIMIT: Duration = Duration::from_secs(30);

/// A process that a [`ProcessBuilder`] started. It is killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Mutex<ReapedProcess>,
    builder: ProcessBuilder,
    output: PathBuf,
}

/// The end of a process.
#[derive(Debug, Clone, Copy)]
pub struct Exit {
    /// The exit status.
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
    pub(super) fn new(child: ReapedProcess, builder: ProcessBuilder, output: PathBuf) -> Self {
        Self { child: Mutex::new(child), builder, output }
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child().pid()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        self.child().signal(signal);
    }

    /// Sends SIGTERM, as `docker stop` does.
    pub fn terminate(&self) {
        self.signal(Signal::SIGTERM);
    }

    /// Sends SIGINT to it and its children, as Ctrl-C does.
    pub fn interrupt(&self) {
        self.child().interrupt();
    }

    /// Sends SIGKILL, so that it cannot clean up.
    pub fn kill(&self) {
        self.child().kill();
    }

    /// Whether it has not ended.
    pub fn is_running(&self) -> bool {
        self.child().exit().is_none()
    }

    /// Waits for its end; exceeding the limit fails the test.
    #[track_caller]
    pub fn wait_exit(&self, limit: Duration) -> Exit {
        let began = Instant::now();
        let status = self.child().exit_within(limit);
        let Some(status) = status else { self.fail(&format!("did not end within {limit:?}")) };
        Exit { status, after: began.elapsed() }
    }

    /// Sends SIGTERM and waits for its end.
    #[track_caller]
    pub fn stop(&self, limit: Duration) -> Exit {
        self.terminate();
        self.wait_exit(limit)
    }

    /// Waits for the health file, and returns its content.
    #[track_caller]
    pub fn wait_healthy(&self) -> String {
        self.wait_until("its health file", HEALTHY_LIMIT, || fs::read_to_string(self.health_file()).ok())
    }

    /// Waits until the health file is removed.
    #[track_caller]
    pub fn wait_unhealthy(&self, limit: Duration) {
        self.wait_until("its health file to be removed", limit, || !self.is_healthy());
    }

    /// Whether the health file exists.
    pub fn is_healthy(&self) -> bool {
        self.health_file().exists()
    }

    /// The component's health file, at its default path.
    pub fn health_file(&self) -> PathBuf {
        self.directory().join("component_id.json")
    }

    /// Its working directory, which also has its log files.
    pub fn directory(&self) -> &Path {
        self.builder.directory()
    }

    /// What it has written to its standard output and error.
    pub fn output(&self) -> String {
        let bytes = fs::read(&self.output).unwrap_or_else(|error| panic!("cannot read the output: {error}"));
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits until its output contains `text`, and returns the first line that does.
    #[track_caller]
    pub fn wait_output(&self, text: &str, limit: Duration) -> String {
        let find_line = || self.output().lines().find(|line| line.contains(text)).map(str::to_owned);
        self.wait_until(&format!("`{text}` in its output"), limit, find_line)
    }

    /// Waits for a state that this process causes. If the process ends before, or the limit passes, the test fails with
    /// the output of the process.
    #[track_caller]
    pub fn wait_until<P: Poll>(&self, what: &str, limit: Duration, mut check: impl FnMut() -> P) -> P::Value {
        let mut ended = false;
        let result = poll(limit, || {
            // In this order, so that the last action of a process that has just ended still counts.
            ended = !self.is_running();
            let value = check().into_value();
            (ended || value.is_some()).then_some(value)
        });
        match result {
            Some(Some(value)) => value,
            _ if ended => self.fail(&format!("ended while the test waited for {what}")),
            _ => self.fail(&format!("timed out after {limit:?} waiting for {what}")),
        }
    }

    /// Its resident memory, in kB.
    #[track_caller]
    pub fn rss_kb(&self) -> u64 {
        self.memory("VmRSS:")
    }

    /// Its peak resident memory, in kB.
    #[track_caller]
    pub fn peak_kb(&self) -> u64 {
        self.memory("VmHWM:")
    }

    #[track_caller]
    fn memory(&self, field: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
        let value = status.lines().find_map(|line| line.strip_prefix(field));
        let size =
            value.and_then(|value| value.trim().strip_suffix(" kB")).and_then(|number| number.trim().parse().ok());
        size.unwrap_or_else(|| self.fail(&format!("its /proc/…/status has no {field}")))
    }

    #[track_caller]
    fn fail(&self, reason: &str) -> ! {
        let state = self.child().exit().map_or_else(|| "still running".to_owned(), |status| status.to_string());
        panic!("{}: {reason} ({state}). Its output:\n{}", self.builder.program_path().display(), self.output());
    }

    fn child(&self) -> MutexGuard<'_, ReapedProcess> {
        self.child.lock()
    }
}
