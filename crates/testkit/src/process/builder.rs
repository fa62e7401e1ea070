//! How a process is started: `ProcessBuilder::component(&vhost).env("WORKERS", "2").start()`.

use std::collections::BTreeMap;
use std::env;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::Process;
use super::reaper::{self, ReapedProcess};
use crate::Vhost;
use crate::certificates::Authority;
use crate::node::vhost::components_use_tls;

/// A program, its arguments, its environment and its working directory, which is temporary.
///
/// All processes that one builder or its clones start share the directory, as the runs of a restarted component do.
/// [`ProcessBuilder::in_new_directory`] makes a replica with a directory of its own.
#[derive(Debug, Clone)]
pub struct ProcessBuilder {
    program: PathBuf,
    arguments: Vec<String>,
    variables: BTreeMap<String, String>,
    directory: Arc<TempDir>,
    starts: Arc<AtomicU32>,
    input: Option<PathBuf>,
}

/// What a program that has ended left.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to its standard output.
    pub stdout: String,
    /// What it wrote to its standard error.
    pub stderr: String,
    /// How long it ran.
    pub after: Duration,
}

impl ProcessBuilder {
    /// The component with the settings of a broker; it writes its files to the temporary directory.
    pub fn component(vhost: &Vhost) -> Self {
        Self::component_without_settings().broker(vhost)
    }

    /// An example of the workspace, as in `c0_thermometer`, with the settings of a broker.
    pub fn example(name: &str, vhost: &Vhost) -> Self {
        Self::program(&built_program(&format!("examples/{name}"))).with_log_dir().broker(vhost)
    }

    /// The program of any component, with the settings of a broker.
    pub fn component_at(program: &Path, vhost: &Vhost) -> Self {
        Self::program(program).with_log_dir().broker(vhost)
    }

    /// The component with no setting but its directory.
    pub fn component_without_settings() -> Self {
        Self::program(&built_program("c1_echo")).with_log_dir()
    }

    /// `valawai`, the operators' program, with the settings of a broker.
    pub fn operator(vhost: &Vhost) -> Self {
        Self::program(&built_program("valawai")).broker(vhost)
    }

    /// Any program, with an environment that has only `PATH`.
    pub fn program(program: &Path) -> Self {
        let variables = env::var("PATH").map(|path| ("PATH".to_owned(), path)).into_iter().collect();
        Self {
            program: program.to_owned(),
            arguments: Vec::new(),
            variables,
            directory: temporary_directory(),
            starts: Arc::new(AtomicU32::new(0)),
            input: None,
        }
    }

    /// Sets an environment variable.
    #[expect(clippy::needless_pass_by_value, reason = "callers pass numbers and texts without a reference")]
    pub fn env(mut self, name: &str, value: impl ToString) -> Self {
        self.variables.insert(name.to_owned(), value.to_string());
        self
    }

    /// Removes an environment variable.
    pub fn env_remove(mut self, name: &str) -> Self {
        self.variables.remove(name);
        self
    }

    /// Adds an argument.
    #[expect(clippy::needless_pass_by_value, reason = "callers pass numbers and texts without a reference")]
    pub fn arg(mut self, argument: impl ToString) -> Self {
        self.arguments.push(argument.to_string());
        self
    }

    /// Sets the variables that lead to a broker; with `VALAWAI_TEST_TLS`, through TLS.
    pub fn broker(self, vhost: &Vhost) -> Self {
        let plain = self.plain_broker(vhost);
        if components_use_tls() && vhost.tls_port.is_some() { plain.tls(vhost) } else { plain }
    }

    /// Sets the variables for TLS, beside the others of the broker.
    pub fn tls(self, vhost: &Vhost) -> Self {
        let port = vhost.tls_port.expect("a broker with TLS");
        let ca_file = Authority::shared().ca_file().display().to_string();
        self.env("RABBITMQ_TLS", 1).env("RABBITMQ_PORT", port).env("RABBITMQ_CA_FILE", ca_file)
    }

    /// Sets the variables that lead to a broker without TLS.
    pub fn plain_broker(self, vhost: &Vhost) -> Self {
        self.env("RABBITMQ_HOST", &vhost.host)
            .env("RABBITMQ_PORT", vhost.port)
            .env("RABBITMQ_USERNAME", &vhost.username)
            .env("RABBITMQ_PASSWORD", &vhost.password)
            .env("RABBITMQ_VHOST", &vhost.name)
    }

    /// The same program and settings in a new directory: another replica.
    pub fn in_new_directory(mut self) -> Self {
        self.directory = temporary_directory();
        self.with_log_dir()
    }

    /// The same, with its standard output piped into a shell command. The exit code is that of this program.
    pub fn piped_into(&self, command: &str) -> Self {
        let script = format!("\"$@\" | {command}; exit \"${{PIPESTATUS[0]}}\"");
        let program = self.program.display().to_string();
        let arguments = ["-c".to_owned(), script, "bash".to_owned(), program].into_iter();
        let arguments = arguments.chain(self.arguments.iter().cloned()).collect();
        Self { program: "/bin/bash".into(), arguments, ..self.clone() }
    }

    /// Sets the standard input.
    pub fn input(mut self, input: impl AsRef<[u8]>) -> Self {
        let (path, mut file) = self.create_file("input");
        file.write_all(input.as_ref()).expect("write the input file of a process");
        self.input = Some(path);
        self
    }

    /// Has the standard input come from what is written to the returned file, while the process runs.
    pub fn typed_input(mut self) -> (Self, File) {
        let path = self.directory().join("keyboard");
        let made = Command::new("mkfifo").arg(&path).status().expect("run mkfifo");
        assert!(made.success(), "mkfifo failed: {made}");
        // With both, neither the test nor the process waits for the other to open it.
        let keyboard = File::options().read(true).write(true).open(&path).expect("open the pipe");
        self.input = Some(path);
        (self, keyboard)
    }

    /// The same on a terminal, where its standard input is typed.
    pub fn on_terminal(&self) -> Self {
        let quoted = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
        let program = self.program.display().to_string();
        let words = std::iter::once(&program).chain(&self.arguments).map(|word| quoted(word));
        let line = words.collect::<Vec<_>>().join(" ");
        let arguments = ["-qec", &line, "/dev/null"].map(str::to_owned).into();
        Self { program: "/usr/bin/script".into(), arguments, ..self.clone() }
    }

    /// The working directory of the processes.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Starts a process. Its output goes to a file in the directory.
    #[track_caller]
    pub fn start(&self) -> Process {
        let (path, output) = self.create_file("output");
        let mut command = self.command();
        command.stdout(output.try_clone().expect("duplicate a file handle")).stderr(output);
        Process::new(ReapedProcess::spawn(&mut command), self.clone(), path)
    }

    /// Runs the program to its end, with its standard output and error apart. Exceeding the limit fails the test.
    #[track_caller]
    pub fn run(&self, limit: Duration) -> Finished {
        let start = Instant::now();
        let ((stdout_path, stdout), (stderr_path, stderr)) = (self.create_file("stdout"), self.create_file("stderr"));
        let mut child = ReapedProcess::spawn(self.command().stdout(stdout).stderr(stderr));
        let exit = child.exit_within(limit);
        let after = start.elapsed();
        let read = |path| String::from_utf8_lossy(&std::fs::read(path).expect("read an output file")).into_owned();
        let (stdout, stderr) = (read(stdout_path), read(stderr_path));
        let arguments = self.arguments.join(" ");
        let Some(exit) = exit else { panic!("`{arguments}` did not end within {limit:?}: {stdout}{stderr}") };
        Finished { code: exit.code(), stdout, stderr, after }
    }

    fn create_file(&self, name: &str) -> (PathBuf, File) {
        let number = self.starts.fetch_add(1, Ordering::Relaxed);
        let path = self.directory().join(format!("{name}_{number}.txt"));
        let file = File::create(&path).expect("create the output file of a process");
        (path, file)
    }

    fn command(&self) -> Command {
        let input = self.input.as_deref().unwrap_or(Path::new("/dev/null"));
        let mut command = reaper::command_with_input(&self.program, input);
        command.args(&self.arguments).env_clear().envs(&self.variables).current_dir(self.directory());
        command
    }

    pub(super) fn program_path(&self) -> &Path {
        &self.program
    }

    fn with_log_dir(self) -> Self {
        let directory = self.directory().display().to_string();
        self.env("LOG_DIR", directory)
    }
}

fn temporary_directory() -> Arc<TempDir> {
    let directory = tempfile::Builder::new().prefix("valawai-process-").tempdir().expect("make a temporary directory");
    reaper::remove_directory_at_exit(directory.path());
    Arc::new(directory)
}

/// A program of this workspace, built with the same profile as the program that runs now (a test or an example).
pub(crate) fn built_program(name: &str) -> PathBuf {
    let own = env::current_exe().expect("the path of the running program");
    own.parent().and_then(Path::parent).expect("the directory of a build profile").join(name)
}
