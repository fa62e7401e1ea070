//! The command line: one verb, one file.

mod exit;
mod health;
mod run;

use std::process::ExitCode;

use crate::component::{Component, ResolvedComponent};
use exit::Exit;

/// The stack of each thread. A message whose headers are nested as deeply as a frame can hold takes amiquip's parser
/// down many thousand calls. It is address space, not memory.
const STACK_BYTES: &str = "268435456";

/// What a component's `main` does: reads the command line, and is the component.
///
/// Exit codes: 0 done, 1 unhealthy (`health`), 64 usage, 69 broker not reached, 70 internal, 78 settings; 130 after a
/// second signal.
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
            // They are not repeated: one may hold a password, or what a terminal obeys.
            eprintln!("unknown arguments\n\n{}", help(&resolved));
            Exit::Usage
        }
    }
}

fn help(resolved: &ResolvedComponent) -> String {
    format!(
        "{name} {version}, a VALAWAI component

usage:
  (no argument)    be the component, until SIGTERM or SIGINT
  health           {health}
  --help           this text
  --version        the name and the version

It is set up by environment variables; README.md lists them all. The most important ones:
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
    // SAFETY: changing the environment is unsound while another thread reads it, and there is none: this is the first
    // thing that `main` does. There is no other way to set the stack of a thread that amiquip starts.
    #[expect(unsafe_code, reason = "see SAFETY")]
    unsafe {
        std::env::set_var("RUST_MIN_STACK", STACK_BYTES);
    }
}
