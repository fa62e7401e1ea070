//! What a command was called for: a component, a broker, and how to print.

use std::time::{Duration, Instant};

use super::arguments::Common;
use super::console::Console;
use super::exit::{Exit, Stop};
use super::target::Target;
use crate::broker::amqp::Options;
use crate::broker::amqp::operator::Operator;
use crate::logs;
use crate::process::signals;
use crate::secret::Secret;
use crate::settings::{Environment, OperatorSettings, Problems, Settings, Source};
use crate::shutdown::Shutdown;

/// The limit for connecting.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// One call of a command.
pub(super) struct Invocation {
    /// Where it prints, and asks.
    pub(super) console: Console,
    /// Ctrl-C and SIGTERM. Each wait observes it.
    pub(super) shutdown: Shutdown,
    /// `--dry-run`
    pub(super) dry_run: bool,
    common: Common,
    target: Option<Target>,
    command_line: clap::Command,
}

impl Invocation {
    /// `own` is the component of the program.
    pub(super) fn new(command_line: clap::Command, common: Common, own: Option<Target>) -> Result<Self, Stop> {
        logs::install_panic_hook();
        let shutdown = signals::catch()
            .map_err(|error| Stop::new(Exit::Internal, format!("cannot install the signal handler: {error}")))?;
        Ok(Self {
            console: Console::new(common.json, common.yes),
            shutdown,
            dry_run: common.dry_run,
            target: find_target(&common, own)?,
            common,
            command_line,
        })
    }

    /// The component that the command is for.
    pub(super) fn target(&self) -> Result<&Target, Stop> {
        self.target
            .as_ref()
            .ok_or_else(|| Stop::usage("which component? Add --component NAME, as in c1_echo, or --asyncapi FILE"))
    }

    /// The component that the command is for, if it is known.
    pub(super) fn known_target(&self) -> Option<&Target> {
        self.target.as_ref()
    }

    /// The queue that `text` names: a channel of the component, or any queue.
    pub(super) fn queue(&self, text: &str) -> String {
        let channel = self.target.as_ref().and_then(|target| target.channel(text));
        let own = |target: &Target| {
            ["dead_letter/", "retry/"].iter().any(|it| text.starts_with(it)).then(|| target.queue(text))
        };
        match channel {
            Some(channel) => channel.queue().to_string(),
            None => self.target.as_ref().and_then(own).unwrap_or_else(|| text.to_owned()),
        }
    }

    /// The settings that commands use.
    pub(super) fn settings(&self) -> Result<OperatorSettings, Stop> {
        self.read_settings(OperatorSettings::read)
    }

    /// All settings, as the component would have them.
    pub(super) fn all_settings(&self) -> Result<Settings, Stop> {
        self.read_settings(OperatorSettings::read_all)
    }

    fn read_settings<S>(&self, read: fn(&dyn Source, Option<&Secret>) -> Result<S, Problems>) -> Result<S, Stop> {
        if let Some(url) = &self.common.broker {
            OperatorSettings::check_broker_url(url)
                .map_err(|expected| Stop::usage(format!("--broker: expected {expected}")))?;
        }
        read(&Environment, self.common.broker.as_ref())
            .map_err(|problems| Stop::new(Exit::Settings, problems.to_string()))
    }

    /// Connects to the broker.
    pub(super) fn connect(&self) -> Result<Operator, Stop> {
        let client = format!("{} {}", self.command_line.get_name(), env!("CARGO_PKG_VERSION"));
        let options = Options { client, ..self.settings()?.broker };
        Operator::connect(&options, CONNECT_LIMIT).map_err(Stop::from)
    }

    /// The command line, to generate what describes it.
    pub(super) fn command_line(&self) -> clap::Command {
        self.command_line.clone()
    }

    /// Whether Ctrl-C was pressed.
    pub(super) fn is_interrupted(&self) -> bool {
        self.shutdown.is_requested()
    }

    /// The exit code of a command that has printed what it found.
    pub(super) fn outcome(&self) -> Exit {
        if self.is_interrupted() { Exit::Interrupted } else { Exit::Done }
    }

    /// Waits for `time`, or until Ctrl-C is pressed.
    #[allow(dead_code, reason = "for commands that repeat something")]
    pub(super) fn pause(&self, time: Duration) {
        let _ = self.shutdown.wait_until(Instant::now() + time);
    }
}

/// Prints why a command ended early, and returns the exit code.
pub(super) fn report(stop: Stop) -> Exit {
    if let Some(message) = stop.message {
        Console::report(&message);
    }
    stop.exit
}

fn find_target(common: &Common, own: Option<Target>) -> Result<Option<Target>, Stop> {
    let described = common.asyncapi.as_deref().map(Target::from_file).transpose()?;
    match (&common.component, described) {
        (Some(name), Some(described)) if *name != described.name => {
            Err(Stop::usage(format!("--asyncapi describes {}, and --component is {name}", described.name)))
        }
        (_, Some(described)) => Ok(Some(described)),
        (Some(name), None) if own.as_ref().is_none_or(|own| own.name != *name) => Target::named(name).map(Some),
        (_, None) => Ok(own),
    }
}
