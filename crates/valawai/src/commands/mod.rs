//! The command line, with one file for each command.

mod exit;
mod health;
mod run;

use std::process::ExitCode;

use crate::component::{Component, ResolvedComponent};
use exit::Exit;

/// The stack size of each thread. amiquip's parser recurses once for each level of nested headers, and a frame has space for
/// many thousand levels. This reserves address space, not memory.
const STACK_BYTES: &str = "268435456";

/// Runs the command line of a component: without arguments, it runs the component until SIGTERM or SIGINT.
///
/// ```no_run
/// # use valawai::Component;
/// # fn component() -> Component { Component::new("1.0.0", "") }
/// fn main() -> std::process::ExitCode {
///     valawai::main(&component())
/// }
/// ```
///
/// The exit code is 0 after an orderly stop, 1 if the component is unhealthy (`health`), 64 after a usage error, 69 if the
/// broker could not be reached, 70 after an internal error, 78 if settings are invalid, and 130 after a second signal.
#[must_use]
pub fn main(component: &Component) -> ExitCode {
    set_stack_size();
    dispatch(component).into()
}

fn dispatch(component: &Component) -> Exit {
    let resolved = match component.check() {
        Ok(resolved) => resolved,
        Err(contract_errors) => {
            eprintln!("{contract_errors}");
            return Exit::Internal;
        }
    };
    let arguments: Vec<String> =
        std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => run::run(&resolved),
        ["health"] => health::run(),
        ["--help" | "-h" | "help"] => {
            println!("{}", help(&resolved));
            Exit::Done
        }
        ["--version" | "-V"] => {
            println!("{} {}", resolved.name(), resolved.version());
            Exit::Done
        }
        _ => {
            // They are not printed: one may contain a password or escape sequences.
            eprintln!("unknown arguments\n\n{}", help(&resolved));
            Exit::Usage
        }
    }
}

fn help(resolved: &ResolvedComponent) -> String {
    format!(
        "{name} {version}, a VALAWAI component

usage:
  (no argument)    run the component until SIGTERM or SIGINT
  health           {health}
  --help           print this help
  --version        print the name and the version

All settings are environment variables, listed in docs/settings.md. The most important ones:
  RABBITMQ_URL, or RABBITMQ_HOST, RABBITMQ_PORT, RABBITMQ_USERNAME and RABBITMQ_PASSWORD; LOG_DIR, LOG_CONSOLE_LEVEL",
        name = resolved.name(),
        version = resolved.version(),
        health = health::HELP,
    )
}

fn set_stack_size() {
    if std::env::var_os("RUST_MIN_STACK").is_some() {
        return;
    }
    // SAFETY: changing the environment is unsound while other threads read it. There are none yet: this is the first
    // statement of `main`. There is no other way to set the stack size of threads that amiquip starts.
    #[expect(unsafe_code, reason = "see SAFETY")]
    unsafe {
        std::env::set_var("RUST_MIN_STACK", STACK_BYTES);
    }
}
