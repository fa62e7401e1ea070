//! The arguments that all commands have, and the list of the commands.

use std::convert::Infallible;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::exit::{Exit, Stop};
use super::invocation::Invocation;
use super::{
    asyncapi, call, check, clear, completions, config, configure, control, dead_letters, info, inspect, logs, man,
    monitor, mov, permissions, ping, publish, requeue, resurrect, routes, stats, status,
};
use crate::secret::Secret;
use crate::settings::Document;

/// One command. Each has a file or a folder of its own.
pub(super) trait Command {
    /// Runs it. The invocation has what it was called for, and prints.
    fn run(&self, invocation: &Invocation) -> Result<Exit, Stop>;
}

/// The arguments of a component's program.
#[derive(Debug, Parser)]
pub(super) struct ComponentArguments {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(subcommand)]
    pub(super) command: Option<ComponentCommand>,
}

/// The arguments of `valawai`, the program for all components.
#[derive(Debug, Parser)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(super) struct ToolArguments {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(subcommand)]
    pub(super) command: OperatorCommand,
}

/// The options of all operators' commands.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of all commands but run (which takes --set) and health")]
pub(super) struct Common {
    /// The component, as the MOV knows it: `c1_echo`
    #[arg(long, global = true, value_name = "NAME")]
    pub(super) component: Option<String>,
    /// The component's `asyncapi.yaml`, which tells its name and channels
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) asyncapi: Option<PathBuf>,
    /// The broker: `amqp://user:password@host:port/vhost`; other users see it in the list of processes, `RABBITMQ_URL` they do not
    #[arg(long, global = true, value_name = "URL", value_parser = secret)]
    pub(super) broker: Option<Secret>,
    /// A setting, before all other sources: `WORKERS=2`; may be repeated, and is accepted by `run`
    #[arg(long = "set", global = true, value_name = "NAME=VALUE", value_parser = assignment)]
    pub(super) settings: Vec<(String, Secret)>,
    /// One JSON object a line
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Do not ask before messages or queues are moved or deleted
    #[arg(long, short, global = true)]
    pub(super) yes: bool,
    /// Only say what would be done
    #[arg(long, global = true)]
    pub(super) dry_run: bool,
}

impl Common {
    /// The settings on the command line.
    pub(super) fn settings(&self) -> Document {
        let values = self.settings.iter().map(|(name, value)| (name.clone(), value.reveal().to_owned()));
        Document::from_paths("the command line", &values.collect())
    }

    /// Whether any of them is given that `run` does not take.
    pub(super) fn is_given(&self) -> bool {
        let Self { component, asyncapi, broker, settings: _, json, yes, dry_run } = self;
        component.is_some() || asyncapi.is_some() || broker.is_some() || *json || *yes || *dry_run
    }
}

/// The commands of a component's program.
#[derive(Debug, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "there is one of them in a process")]
pub(super) enum ComponentCommand {
    /// Run the component until SIGTERM or SIGINT; so does no command
    Run,
    /// Exit with 0 if the component is registered and connected, with 1 if not
    Health,
    #[command(flatten)]
    Operator(OperatorCommand),
}

/// The operators' commands.
#[derive(Debug, Subcommand)]
pub(super) enum OperatorCommand {
    Status(status::Status),
    Ping(ping::Ping),
    Info(info::Info),
    Stats(stats::Stats),
    Control(control::Control),
    Publish(publish::Publish),
    Call(call::Call),
    Monitor(monitor::Monitor),
    Logs(logs::Logs),
    Inspect(inspect::Inspect),
    DeadLetters(dead_letters::DeadLetters),
    Resurrect(resurrect::Resurrect),
    Requeue(requeue::Requeue),
    Check(check::Check),
    Asyncapi(asyncapi::Asyncapi),
    Configure(configure::Configure),
    Clear(clear::Clear),
    Config(config::Config),
    Permissions(permissions::Permissions),
    Routes(routes::Routes),
    Mov(mov::Mov),
    Completions(completions::Completions),
    Man(man::Man),
}

impl OperatorCommand {
    pub(super) fn command(&self) -> &dyn Command {
        match self {
            Self::Status(command) => command,
            Self::Ping(command) => command,
            Self::Info(command) => command,
            Self::Stats(command) => command,
            Self::Control(command) => command,
            Self::Publish(command) => command,
            Self::Call(command) => command,
            Self::Monitor(command) => command,
            Self::Logs(command) => command,
            Self::Inspect(command) => command,
            Self::DeadLetters(command) => command,
            Self::Resurrect(command) => command,
            Self::Requeue(command) => command,
            Self::Check(command) => command,
            Self::Asyncapi(command) => command,
            Self::Configure(command) => command,
            Self::Clear(command) => command,
            Self::Config(command) => command,
            Self::Permissions(command) => command,
            Self::Routes(command) => command,
            Self::Mov(command) => command,
            Self::Completions(command) => command,
            Self::Man(command) => command,
        }
    }
}

/// `NAME=VALUE`. The value may be a secret.
pub(super) fn assignment(text: &str) -> Result<(String, Secret), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), Secret::new(value)))
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of a parser")]
fn secret(text: &str) -> Result<Secret, Infallible> {
    Ok(Secret::new(text))
}
