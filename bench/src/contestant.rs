//! Who takes part.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use echo_bench::wire::Address;

use crate::process::{Process, command};

/// The contestant that all others are compared with.
pub(crate) const CEILING: &str = "raw";

/// The contestant that all this is about.
pub(crate) const COMPONENT: &str = "c1_echo";

/// The file with what a contestant writes.
pub(crate) const WORDS: &str = "words.txt";

/// Somebody who echoes.
#[derive(Debug, Clone)]
pub(crate) struct Contestant {
    pub(crate) name: &'static str,
    program: Vec<OsString>,
    /// The file of the program, if its size says anything.
    pub(crate) binary: Option<PathBuf>,
    logs: Logs,
    /// So slow that fewer messages, and fewer workloads, tell enough.
    pub(crate) slow: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Logs {
    Never,
    AsTold,
    Always,
}

/// How a contestant is started.
#[derive(Debug, Clone)]
pub(crate) struct Terms<'t> {
    pub(crate) address: &'t Address,
    /// For all but the component, which is measured as it ships.
    pub(crate) prefetch: u16,
    pub(crate) logs: bool,
    pub(crate) workers: usize,
    /// For all that it writes.
    pub(crate) folder: &'t Path,
}

/// Where the programs are.
#[derive(Debug)]
pub(crate) struct Programs {
    /// The component.
    pub(crate) component: PathBuf,
    /// The folder of the contestants in Rust and C.
    pub(crate) compiled: PathBuf,
    /// The folder of the contestants in Python.
    pub(crate) scripts: PathBuf,
    /// A Python that has pika.
    pub(crate) python: Option<PathBuf>,
}

impl Programs {
    /// All contestants whose programs are there, the ceiling first.
    pub(crate) fn contestants(&self) -> Vec<Contestant> {
        let mut contestants = vec![
            self.compiled(CEILING, "raw_echo", Logs::AsTold),
            Contestant {
                name: COMPONENT,
                program: vec![self.component.clone().into()],
                binary: Some(self.component.clone()),
                logs: Logs::AsTold,
                slow: false,
            },
            self.compiled("librabbitmq", "librabbitmq_echo", Logs::Never),
            self.compiled("amqprs", "amqprs_echo", Logs::Never),
            self.compiled("lapin", "lapin_echo", Logs::Never),
        ];
        contestants.retain(|contestant| contestant.binary.as_ref().is_some_and(|binary| binary.is_file()));
        if let Some(python) = &self.python {
            contestants.extend([
                self.script(python, "pika", "pika_echo.py", &[], Logs::Never),
                self.script(python, "pika auto-ack", "pika_echo.py", &["--auto-ack"], Logs::Never),
                self.script(python, "Python example", "python_example.py", &[], Logs::Always),
            ]);
        }
        contestants
    }

    fn compiled(&self, name: &'static str, file: &str, logs: Logs) -> Contestant {
        let path = self.compiled.join(file);
        Contestant { name, program: vec![path.clone().into()], binary: Some(path), logs, slow: false }
    }

    fn script(&self, python: &Path, name: &'static str, file: &str, arguments: &[&str], logs: Logs) -> Contestant {
        let mut program = vec![python.into(), self.scripts.join(file).into()];
        program.extend(arguments.iter().map(Into::into));
        Contestant { name, program, binary: None, logs, slow: true }
    }
}

impl Contestant {
    /// Whether it can work with, or without, logs.
    pub(crate) fn takes(&self, logs: bool) -> bool {
        match self.logs {
            Logs::Never => !logs,
            Logs::AsTold => true,
            Logs::Always => logs,
        }
    }

    /// Starts it, within the program that `outer` begins to call, if that is not empty.
    pub(crate) fn start(&self, outer: &[OsString], terms: &Terms<'_>) -> io::Result<Process> {
        let words: Vec<&OsString> = outer.iter().chain(&self.program).collect();
        let mut command = command(words[0]);
        command.args(&words[1..]);
        tell(&mut command, terms, self.name == COMPONENT);
        Process::start(command, &terms.folder.join(WORDS))
    }
}

fn tell(command: &mut Command, terms: &Terms<'_>, is_component: bool) {
    let address = terms.address;
    command
        .env("RABBITMQ_HOST", &address.host)
        .env("RABBITMQ_PORT", address.port.to_string())
        .env("RABBITMQ_USERNAME", &address.username)
        .env("RABBITMQ_PASSWORD", &address.password)
        .env("RABBITMQ_VHOST", &address.vhost)
        .env("WORKERS", terms.workers.to_string())
        .env("LOG_DIR", terms.folder)
        .env("LOG_CONSOLE_LEVEL", "ERROR")
        .env("LOG_FILE_LEVEL", "ERROR")
        .env("LOG_MOV_LEVEL", if terms.logs { "INFO" } else { "ERROR" });
    if is_component {
        command.env_remove("RABBITMQ_PREFETCH");
    } else {
        command.env("RABBITMQ_PREFETCH", terms.prefetch.to_string());
    }
}
