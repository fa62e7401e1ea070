//! Parses the command line, and reports usage errors.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::iter;

use clap::builder::styling::{AnsiColor, Styles};
use clap::error::ErrorKind;

use super::arguments::ComponentArguments;
use super::exit::Exit;
use super::requeue;
use crate::component::ResolvedComponent;
use crate::secret::holds_credentials;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const SETTINGS: &str = "\
All settings are environment variables, or come from other sources: docs/configuration.md lists them. The most important ones:
  RABBITMQ_URL, or RABBITMQ_HOST, RABBITMQ_PORT, RABBITMQ_USERNAME and RABBITMQ_PASSWORD; LOG_DIR, LOG_CONSOLE_LEVEL

Exit codes: 0 done, 1 the answer is no, 64 usage, 69 broker not reached, 75 timed out, 78 settings, 130 interrupted";

/// The command line of a component's program.
pub(super) fn component(command: clap::Command, resolved: &ResolvedComponent) -> clap::Command {
    let about = format!("{} {}, a VALAWAI component", resolved.name(), resolved.version());
    common(command, resolved.name().to_owned(), resolved.version().to_owned(), about)
}

/// The command line of `valawai`.
pub(super) fn tool(command: clap::Command) -> clap::Command {
    let about = "Sees, sends, replays and pauses what components of VALAWAI exchange";
    common(command, "valawai".to_owned(), env!("CARGO_PKG_VERSION").to_owned(), about.to_owned())
}

fn common(command: clap::Command, name: String, version: String, about: String) -> clap::Command {
    command.name(name).version(version).about(about).after_help(SETTINGS).styles(STYLES).bin_name(program())
}

/// The name under which the program was called.
fn program() -> String {
    let path = std::env::args_os().next().map(std::path::PathBuf::from).unwrap_or_default();
    path.file_name().map_or_else(|| "valawai".to_owned(), |name| name.to_string_lossy().into_owned())
}

pub(super) fn parse(command_line: &clap::Command, arguments: &[OsString]) -> Result<clap::ArgMatches, clap::Error> {
    let is_requeue = arguments.iter().any(|argument| argument == "requeue");
    let long = |argument: &OsString| {
        let long = requeue::SHORT.iter().find(|(short, _)| is_requeue && argument == *short);
        long.map_or_else(|| argument.clone(), |(_, long)| OsString::from(*long))
    };
    let all = iter::once(OsString::from(program())).chain(arguments.iter().map(long));
    command_line.clone().try_get_matches_from(all)
}

/// The options are for the operators' commands: a component that runs has settings.
pub(super) fn check_options(
    command_line: &clap::Command,
    parsed: ComponentArguments,
) -> Result<ComponentArguments, clap::Error> {
    use super::arguments::ComponentCommand::{Health, Run};
    let takes_none = matches!(parsed.command, None | Some(Run | Health));
    let sets_for_health = matches!(parsed.command, Some(Health)) && !parsed.common.settings.is_empty();
    if takes_none && parsed.common.is_given() || sets_for_health {
        let text = "`run` takes only --set, and `health` no options; their settings are environment variables";
        return Err(command_line.clone().error(ErrorKind::ArgumentConflict, text));
    }
    Ok(parsed)
}

/// Prints help or the version, or what is wrong.
pub(super) fn report(error: &clap::Error, arguments: &[OsString]) -> Exit {
    if error.use_stderr() {
        let rendered = error.render();
        let is_terminal = std::io::stderr().is_terminal();
        let text = match () {
            () if may_repeat_secrets(arguments) => without_arguments(error),
            () if is_terminal => rendered.ansi().to_string(),
            () => rendered.to_string(),
        };
        eprint!("{text}");
        return Exit::Usage;
    }
    // It fails if nobody reads.
    let _ = error.print();
    Exit::Done
}

/// Whether a message that repeats an argument may contain a password, or control a terminal. The value of `--broker` is never
/// repeated.
fn may_repeat_secrets(arguments: &[OsString]) -> bool {
    let arguments: Vec<String> = arguments.iter().map(|argument| argument.to_string_lossy().into_owned()).collect();
    let previous = iter::once("").chain(arguments.iter().map(String::as_str));
    arguments.iter().zip(previous).any(|(argument, previous)| {
        let (option, value) = argument.split_once('=').unwrap_or((previous, argument));
        option != "--broker" && holds_credentials(value) || argument.contains(char::is_control)
    })
}

/// What is wrong, in general.
fn without_arguments(error: &clap::Error) -> String {
    let what = error.kind().as_str().unwrap_or("the arguments are not understood");
    format!(
        "error: {what}; it is not shown, because it may contain a password\n\nFor more information, try '--help'.\n"
    )
}
