//! The programs that are compared.

mod programs;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use echo_bench::wire::Address;

use crate::environment::{Process, Tls, command};
pub(crate) use programs::{Component, Programs};

/// The contestant that all others are compared with.
pub(crate) const CEILING: &str = "raw";

/// The name of a component that was given without one. In `--only`, all components.
pub(crate) const COMPONENT: &str = "c1_echo";

/// The file in [`StartOptions::folder`] with the standard output and error of a contestant.
pub(crate) const OUTPUT_FILE: &str = "output.txt";

/// A program that consumes messages and publishes them again.
#[derive(Debug, Clone)]
pub(crate) struct Contestant {
    pub(crate) name: String,
    pub(crate) role: Role,
    command: Vec<OsString>,
    /// The executable, if its size is comparable with that of the others.
    pub(crate) binary: Option<PathBuf>,
    logs: LogSupport,
    /// Whether it connects with TLS. It takes part where the broker matters.
    pub(crate) tls: bool,
    /// Slow contestants get fewer messages and fewer workloads.
    pub(crate) slow: bool,
}

/// Why a contestant takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The upper limit of what a client can reach.
    Ceiling,
    /// A build of the component.
    Component,
    /// Another client library.
    Client,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LogSupport {
    Never,
    Configurable,
    Always,
}

/// How a contestant is started.
#[derive(Debug, Clone)]
pub(crate) struct StartOptions<'a> {
    pub(crate) address: &'a Address,
    /// Not passed to components, which are measured with their default.
    pub(crate) prefetch: u16,
    pub(crate) logs: bool,
    pub(crate) workers: usize,
    pub(crate) tls: &'a Tls,
    /// The folder for everything that the contestant writes.
    pub(crate) folder: &'a Path,
}

impl Contestant {
    /// A contestant that cannot be started.
    #[cfg(test)]
    pub(crate) fn for_test(name: &str, role: Role, slow: bool) -> Self {
        let logs = LogSupport::Configurable;
        Self { name: name.to_owned(), role, command: Vec::new(), binary: None, logs, tls: false, slow }
    }

    pub(crate) fn is_component(&self) -> bool {
        self.role == Role::Component
    }

    pub(crate) fn is_ceiling(&self) -> bool {
        self.role == Role::Ceiling
    }

    /// Whether `word` selects this contestant in `--only`.
    pub(crate) fn is_selected_by(&self, word: &str) -> bool {
        self.name == word || (self.is_component() && word == COMPONENT)
    }

    /// Whether it can run with these log messages, or without.
    pub(crate) fn supports(&self, logs: bool) -> bool {
        match self.logs {
            LogSupport::Never => !logs,
            LogSupport::Configurable => true,
            LogSupport::Always => logs,
        }
    }

    /// Whether it publishes log messages in any case.
    pub(crate) fn always_logs(&self) -> bool {
        self.logs == LogSupport::Always
    }

    /// Starts the contestant.
    pub(crate) fn start(&self, options: &StartOptions<'_>) -> Result<Process> {
        self.start_under(&[], options)
    }

    /// Starts the contestant under a program such as valgrind: `wrapper` is that program and its arguments.
    pub(crate) fn start_under(&self, wrapper: &[OsString], options: &StartOptions<'_>) -> Result<Process> {
        let arguments: Vec<&OsString> = wrapper.iter().chain(&self.command).collect();
        let mut command = command(arguments[0]);
        command.args(&arguments[1..]);
        self.set_environment(&mut command, options);
        Process::start(command, &options.folder.join(OUTPUT_FILE))
            .with_context(|| format!("could not start {}", self.name))
    }

    fn set_environment(&self, command: &mut Command, options: &StartOptions<'_>) {
        let address = options.address;
        command
            .env("RABBITMQ_HOST", &address.host)
            .env("RABBITMQ_PORT", address.port.to_string())
            .env("RABBITMQ_USERNAME", &address.username)
            .env("RABBITMQ_PASSWORD", &address.password)
            .env("RABBITMQ_VHOST", &address.vhost)
            .env("WORKERS", options.workers.to_string())
            .env("LOG_DIR", options.folder)
            .env("LOG_CONSOLE_LEVEL", "ERROR")
            .env("LOG_FILE_LEVEL", "ERROR")
            .env("LOG_MOV_LEVEL", if options.logs { "INFO" } else { "ERROR" });
        if self.tls {
            command
                .env("RABBITMQ_TLS", "1")
                .env("RABBITMQ_PORT", options.tls.port.to_string())
                .env("RABBITMQ_CA_FILE", &options.tls.ca_file);
        }
        if self.is_component() {
            command.env_remove("RABBITMQ_PREFETCH");
        } else {
            command.env("RABBITMQ_PREFETCH", options.prefetch.to_string());
        }
    }
}
