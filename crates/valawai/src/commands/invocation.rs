//! What a command was called for: a component, a broker, and how to print.

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::arguments::Common;
use super::console::Console;
use super::exit::{Exit, Stop};
use super::target::Target;
use crate::broker::amqp::Options;
use crate::broker::amqp::operator::Operator;
use crate::configuration;
use crate::logs;
use crate::process::signals;
use crate::settings::{Document, Environment, Layers, OperatorSettings, Problems, Settings};
use crate::shutdown::Shutdown;
use crate::store::{self, Store};

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
    /// The sources of settings, once they were read.
    layers: OnceCell<Layers>,
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
            layers: OnceCell::new(),
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
        self.check_broker_url()?;
        OperatorSettings::read(&self.layers()?, self.common.broker.as_ref()).map_err(|problems| invalid(&problems))
    }

    /// All settings, as the component would have them.
    pub(super) fn all_settings(&self) -> Result<Settings, Stop> {
        self.settings_of(&self.layers()?)
    }

    /// All settings in `layers`, as the component would have them.
    pub(super) fn settings_of(&self, layers: &Layers) -> Result<Settings, Stop> {
        self.check_broker_url()?;
        let handlers = self.target.as_ref().and_then(|target| target.handlers.as_deref());
        let settings = OperatorSettings::read_all(layers, handlers, self.common.broker.as_ref());
        let own = self.target.as_ref().and_then(|target| target.own_settings.as_ref());
        configuration::with_own(settings, own, layers)
            .map(|(settings, _)| settings)
            .map_err(|problems| invalid(&problems))
    }

    /// The sources of settings, with what the key-value store holds now. If it cannot be read, that is said once, and the
    /// settings are those without it.
    pub(super) fn layers(&self) -> Result<Layers, Stop> {
        if let Some(layers) = self.layers.get() {
            return Ok(layers.clone());
        }
        let layers = self.layers_without_store()?;
        let layers = match self.store_options(&layers)? {
            None => layers,
            Some(options) => match Store::new(options.clone()).load() {
                Ok(values) => layers.with_store(Document::from_paths(options.name(), &values)),
                Err(error) => {
                    self.console.note(format!("{error}; going on without the settings of {}", options.name()));
                    layers
                }
            },
        };
        Ok(self.layers.get_or_init(|| layers).clone())
    }

    /// The sources of settings without the key-value store.
    pub(super) fn layers_without_store(&self) -> Result<Layers, Stop> {
        Layers::read(Arc::new(Environment), self.common.settings()).map_err(|problems| invalid(&problems))
    }

    /// How to reach the key-value store, if there is one, and it is known for which component.
    pub(super) fn store_options(&self, layers: &Layers) -> Result<Option<store::Options>, Stop> {
        let options = Settings::read_store(layers).map_err(|problems| invalid(&problems))?;
        let named = |options: store::Options| match &self.target {
            Some(target) => Some(options.for_component(&target.name)),
            None => (!options.prefixes.is_empty()).then_some(options),
        };
        Ok(options.and_then(named))
    }

    fn check_broker_url(&self) -> Result<(), Stop> {
        let Some(url) = &self.common.broker else { return Ok(()) };
        OperatorSettings::check_broker_url(url)
            .map_err(|expected| Stop::usage(format!("--broker: expected {expected}")))
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

fn invalid(problems: &Problems) -> Stop {
    Stop::new(Exit::Settings, problems.to_string())
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
