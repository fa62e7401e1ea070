//! How a process is to be started, written as a sentence:
//! `Launch::component(&vhost).env("WORKERS", "2").start()`.

use std::collections::BTreeMap;
use std::env;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use super::node::Vhost;
use super::process::Process;
use super::process_reaper::{self, ReapedProcess};

/// A program, its settings and its directory. Start it as often as you like: all share the directory, as a component that is
/// restarted does; [`Launch::elsewhere`] makes a replica with a directory of its own.
#[derive(Debug, Clone)]
pub struct Launch {
    program: PathBuf,
    arguments: Vec<String>,
    variables: BTreeMap<String, String>,
    directory: Arc<TempDir>,
    starts: Arc<AtomicU32>,
}

impl Launch {
    /// The component, pointed to a broker; what it writes goes to a temporary directory.
    pub fn component(vhost: &Vhost) -> Self {
        Self::bare_component().broker(vhost)
    }

    /// The component with no setting but its directory: for its command line, and for what it says of bad settings.
    pub fn bare_component() -> Self {
        Self::program_at(&built("c1_echo")).logs_to_its_directory()
    }

    /// Any program, with an empty environment but for `PATH`.
    pub fn program_at(program: &Path) -> Self {
        let variables = env::var("PATH").map(|path| ("PATH".to_owned(), path)).into_iter().collect();
        Self {
            program: program.to_owned(),
            arguments: Vec::new(),
            variables,
            directory: temporary_directory(),
            starts: Arc::new(AtomicU32::new(0)),
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "numbers and texts alike, without an ampersand in each test")]
    pub fn env(mut self, name: &str, value: impl ToString) -> Self {
        self.variables.insert(name.to_owned(), value.to_string());
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.variables.remove(name);
        self
    }

    #[expect(clippy::needless_pass_by_value, reason = "numbers and texts alike, without an ampersand in each test")]
    pub fn arg(mut self, argument: impl ToString) -> Self {
        self.arguments.push(argument.to_string());
        self
    }

    /// The settings that lead to a broker.
    pub fn broker(self, vhost: &Vhost) -> Self {
        self.env("RABBITMQ_HOST", &vhost.host)
            .env("RABBITMQ_PORT", vhost.port)
            .env("RABBITMQ_USERNAME", &vhost.username)
            .env("RABBITMQ_PASSWORD", &vhost.password)
            .env("RABBITMQ_VHOST", &vhost.name)
    }

    /// The same in a directory of its own: another replica.
    pub fn elsewhere(mut self) -> Self {
        self.directory = temporary_directory();
        self.logs_to_its_directory()
    }

    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub fn program(&self) -> String {
        self.program.display().to_string()
    }

    #[track_caller]
    pub fn start(&self) -> Process {
        let number = self.starts.fetch_add(1, Ordering::Relaxed);
        let path = self.directory().join(format!("output_{number}.txt"));
        let output = File::create(&path).expect("create the file for a program's output");
        let mut command = process_reaper::command(&self.program);
        command.args(&self.arguments).env_clear().envs(&self.variables).current_dir(self.directory());
        command.stdout(output.try_clone().expect("duplicate a file handle")).stderr(output);
        Process::new(ReapedProcess::spawn(&mut command), self.clone(), path)
    }

    fn logs_to_its_directory(self) -> Self {
        let directory = self.directory().display().to_string();
        self.env("LOG_DIR", directory)
    }
}

fn temporary_directory() -> Arc<TempDir> {
    let directory = tempfile::Builder::new().prefix("valawai-process-").tempdir().expect("make a temporary directory");
    process_reaper::remove_at_the_end(directory.path());
    Arc::new(directory)
}

/// A program of this package, built with the one that runs now: a test, or an example.
pub fn built(name: &str) -> PathBuf {
    let own = env::current_exe().expect("the path of the running program");
    own.parent().and_then(Path::parent).expect("a folder of a profile").join(name)
}
