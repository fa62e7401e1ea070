//! The process of a store, with its directory.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tempfile::TempDir;

use super::http;
use crate::process::reaper::{self, ReapedProcess};
use crate::wait::poll;

/// A store usually starts within two seconds, but not on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(60);
/// Another process may take a chosen port before the store does.
const START_ATTEMPTS: u32 = 3;

/// A process that is killed when it is dropped, and when the test process ends.
#[derive(Debug)]
pub(crate) struct Server {
    launch: Launch,
    // In this order, so that the directory is removed after the process that writes to it has ended.
    process: Mutex<ReapedProcess>,
    directory: TempDir,
}

/// How a store is started.
#[derive(Debug)]
pub(crate) struct Launch {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    /// The port of HTTP.
    pub(crate) port: u16,
    /// A path that answers when the store is ready.
    pub(crate) ready: &'static str,
}

impl Server {
    /// Starts a store; `launch` chooses ports, and gets the directory of the data.
    pub(crate) fn start(launch: impl Fn(&str) -> Launch) -> Self {
        let mut logs = Vec::new();
        for _ in 0..START_ATTEMPTS {
            let directory = tempfile::Builder::new().prefix("valawai-store-").tempdir().expect("make a directory");
            reaper::remove_directory_at_exit(directory.path());
            let launch = launch(directory.path().join("data").to_str().expect("a directory whose name is UTF-8"));
            let mut process = spawn(&launch, directory.path());
            if wait_until_ready(&mut process, &launch) {
                return Self { launch, process: Mutex::new(process), directory };
            }
            logs.push(log(directory.path()));
        }
        panic!("a store did not start in {START_ATTEMPTS} attempts:\n{}", logs.join("\n"));
    }

    pub(crate) fn port(&self) -> u16 {
        self.launch.port
    }

    pub(crate) fn process(&self) -> MutexGuard<'_, ReapedProcess> {
        self.process.lock()
    }

    /// Starts it after it was killed.
    pub(crate) fn start_again(&self) {
        let mut process = self.process();
        assert!(process.exit().is_some(), "the store is running; kill it first");
        *process = spawn(&self.launch, self.directory.path());
        let has_started = wait_until_ready(&mut process, &self.launch);
        assert!(has_started, "the store did not start again:\n{}", log(self.directory.path()));
    }

    /// Removes the data of a store that was killed.
    pub(crate) fn wipe(&self) {
        assert!(self.process().exit().is_some(), "the store is running; kill it first");
        fs::remove_dir_all(self.directory.path().join("data")).expect("remove the data of the store");
    }
}

fn spawn(launch: &Launch, directory: &Path) -> ReapedProcess {
    let output = File::options().create(true).append(true).open(directory.join("log.txt")).expect("open the log");
    let mut command = reaper::command(&launch.program);
    let of_stores = |name: &str| name.starts_with("ETCD") || name.starts_with("CONSUL");
    for (name, _) in env::vars_os().filter(|(name, _)| of_stores(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    command.args(&launch.arguments).current_dir(directory);
    command.stdout(output.try_clone().expect("duplicate a file handle")).stderr(output);
    ReapedProcess::spawn(&mut command)
}

/// Returns false if the process ends or the limit passes.
fn wait_until_ready(process: &mut ReapedProcess, launch: &Launch) -> bool {
    let result = poll(START_LIMIT, || {
        if process.exit().is_some() {
            return Some(false);
        }
        http::is_ready(launch.port, launch.ready).then_some(true)
    });
    result.unwrap_or(false)
}

fn log(directory: &Path) -> String {
    let text = fs::read_to_string(directory.join("log.txt")).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}

/// A program in `PATH`.
pub(crate) fn in_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|directory| directory.join(name)).find(|file| file.is_file())
}
