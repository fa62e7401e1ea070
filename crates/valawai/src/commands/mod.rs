//! The command line, with one file for each command.
//!
//! `run` and `health` are commands of a component's program only. All others are for operators: they are an [`arguments::Command`]
//! each, and use the [`invocation::Invocation`] that tells for which component and broker they were called. `console` prints,
//! `messages` decodes, filters and shows messages.

mod arguments;
mod asyncapi;
mod call;
mod check;
mod clear;
mod completions;
mod config;
mod configure;
mod console;
mod control;
mod dead_letters;
mod exit;
mod health;
mod info;
mod inspect;
mod instances;
mod invocation;
mod logs;
mod man;
mod messages;
mod monitor;
mod mov;
mod own_queues;
mod ping;
mod process_setup;
mod publish;
mod requeue;
mod resurrect;
mod routes;
mod run;
mod stats;
mod status;
mod tap;
mod target;
mod time;
mod trace;
mod usage;

use std::ffi::OsString;
use std::process::ExitCode;
use std::thread;

use clap::{CommandFactory, FromArgMatches};

use self::arguments::{Common, ComponentArguments, ComponentCommand, OperatorCommand, ToolArguments};
use self::exit::Exit;
use self::invocation::Invocation;
use self::target::Target;
use crate::component::{Component, ResolvedComponent};
use crate::settings::Document;

/// Runs the command line of a component: without arguments, it runs the component until SIGTERM or SIGINT. `--help` lists the
/// commands for operators.
///
/// ```no_run
/// # use valawai::Component;
/// # fn component() -> Component { Component::new("1.0.0", "") }
/// fn main() -> std::process::ExitCode {
///     valawai::main(&component())
/// }
/// ```
///
/// The exit code is 0 after an orderly stop, 64 after a usage error, 69 if the broker could not be reached, 70 after an internal
/// error, 78 if settings are invalid, and 130 after a second signal. Commands also exit with 1 if the answer is no, as `health`
/// does if the component is unhealthy, with 75 if there was no answer in time, and with 130 after a first signal.
#[must_use]
pub fn main(component: &Component) -> ExitCode {
    process_setup::prepare();
    let resolved = match component.check() {
        Ok(resolved) => resolved,
        Err(contract_errors) => {
            eprintln!("{contract_errors}");
            return Exit::Internal.into();
        }
    };
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    // These two do not pay for the others: the container runs `health` every few seconds.
    let exit = match &arguments[..] {
        [] => run::run(&resolved, Document::default()),
        [only] if only == "health" => health::run(),
        _ => dispatch(&resolved, &arguments),
    };
    exit.into()
}

/// Runs the command line of `valawai`: the operators' commands for any component on the broker.
#[must_use]
pub fn operate() -> ExitCode {
    process_setup::prepare();
    let command_line = usage::tool(ToolArguments::command());
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let exit =
        match usage::parse(&command_line, &arguments).and_then(|matches| ToolArguments::from_arg_matches(&matches)) {
            Ok(ToolArguments { common, command }) => operator(command_line, common, None, command),
            Err(error) => usage::report(&error, &arguments),
        };
    exit.into()
}

fn dispatch(resolved: &ResolvedComponent, arguments: &[OsString]) -> Exit {
    let command_line = usage::component(ComponentArguments::command(), resolved);
    let parsed = usage::parse(&command_line, arguments)
        .and_then(|matches| ComponentArguments::from_arg_matches(&matches))
        .and_then(|parsed| usage::check_options(&command_line, parsed));
    match parsed {
        Ok(ComponentArguments { common, command: Some(ComponentCommand::Operator(command)) }) => {
            operator(command_line, common, Some(Target::of(resolved)), command)
        }
        Ok(ComponentArguments { command: Some(ComponentCommand::Health), .. }) => health::run(),
        Ok(ComponentArguments { common, .. }) => run::run(resolved, common.settings()),
        Err(error) => usage::report(&error, arguments),
    }
}

/// Runs an operator's command, on a thread with the stack that hostile headers need.
fn operator(
    command_line: clap::Command,
    mut common: Common,
    own: Option<Target>,
    mut command: OperatorCommand,
) -> Exit {
    if let OperatorCommand::Check(check) = &mut command {
        // The only command for which it may have defects.
        check.file = check.file.take().or_else(|| common.asyncapi.take());
    }
    let work = move || {
        let invocation = Invocation::new(command_line, common, own);
        invocation.and_then(|invocation| command.command().run(&invocation)).unwrap_or_else(invocation::report)
    };
    match thread::Builder::new().name("command".into()).spawn(work).map(thread::JoinHandle::join) {
        Ok(Ok(exit)) => exit,
        // The panic, or why there is no thread, was printed.
        Ok(Err(_)) | Err(_) => Exit::Internal,
    }
}
