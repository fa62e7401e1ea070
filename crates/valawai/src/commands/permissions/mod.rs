//! `permissions`: what a user of the broker needs, as `rabbitmqctl` takes it.

mod needs;
mod patterns;

use clap::Args;
use serde::Serialize;

use self::patterns::{Patterns, Permissions as Needs};
use super::arguments::Command;
use super::console::{Console, quoted};
use super::exit::{Exit, Stop};
use super::invocation::Invocation;
use super::target::Target;
use crate::routes::RouteBroker;
use crate::settings::Settings;

/// Print the least permissions that a user of the broker needs, for `run` or for a command
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  c1_echo permissions
  c1_echo permissions --user night-shift dead-letters replay
  valawai permissions --asyncapi asyncapi.yaml --json

Prints a line for rabbitmqctl: what the user may configure, write and read on the virtual host of the settings. With --json, the
names of the fields are those of the broker's management interface. Without a command it is for `run`, with retries, dead letters,
operators' orders unless SERVICE_CONTROL=0, and the consumers and producers of QUEUE_CONFIG: if these use other brokers, there is a
line for each. docs/permissions.md says what each permission is for. Needs no broker.")]
pub(super) struct Permissions {
    /// Another user than that of the settings
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// A command, as in `dead-letters replay`; otherwise `run`
    #[arg(value_name = "COMMAND", trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
}

/// What a user needs on one broker.
#[derive(Serialize)]
struct Grant<'s> {
    /// Another broker than that of the component.
    #[serde(skip_serializing_if = "Option::is_none")]
    broker: Option<String>,
    vhost: &'s str,
    user: &'s str,
    #[serde(flatten)]
    patterns: Patterns,
}

impl Command for Permissions {
    fn run(&self, invocation: &Invocation) -> Result<Exit, Stop> {
        let target = invocation.target()?;
        if target.channels.is_empty() {
            return Err(Stop::usage(format!("the channels of {} are not known: add --asyncapi FILE", target.name)));
        }
        let settings = invocation.all_settings()?;
        let name = self.command.join(" ");
        let grants = match name.as_str() {
            "" | "run" => self.of_run(target, &settings),
            _ => {
                let unknown = || Stop::usage(format!("there is no command `{name}`, as in `dead-letters replay`"));
                let needs = needs::command(&name, target).ok_or_else(unknown)?;
                vec![self.grant(target, &settings, None, &needs)]
            }
        };
        grants.iter().try_for_each(|grant| print(&invocation.console, grant))?;
        Ok(Exit::Done)
    }
}

impl Permissions {
    /// What the component needs, on its broker first.
    fn of_run<'s>(&'s self, target: &Target, settings: &'s Settings) -> Vec<Grant<'s>> {
        let mut brokers: Vec<(Option<&RouteBroker>, Needs)> = vec![(None, needs::run(target, settings.service))];
        let (channel, _) = &target.channels[0];
        for route in &settings.routes.consumers {
            needs::consumer(on(&mut brokers, route.broker.as_ref()), route, channel);
        }
        for route in &settings.routes.producers {
            needs::producer(on(&mut brokers, route.broker.as_ref()), route);
        }
        brokers.iter().map(|(broker, needs)| self.grant(target, settings, *broker, needs)).collect()
    }

    fn grant<'s>(
        &'s self,
        target: &Target,
        settings: &'s Settings,
        broker: Option<&'s RouteBroker>,
        needs: &Needs,
    ) -> Grant<'s> {
        let shown = settings.effective.iter().find(|setting| setting.name == "RABBITMQ_USERNAME");
        // The user of another broker is in the configuration of routes, of which no value is shown.
        let own = if broker.is_some_and(|broker| broker.auth.is_some()) { None } else { shown };
        let user = self.user.as_deref().or(own.map(|setting| setting.value.as_str())).unwrap_or("USER");
        let vhost = broker.and_then(|broker| broker.vhost.as_deref()).unwrap_or(&settings.broker.vhost);
        let patterns = needs.patterns(&target.queue(""));
        Grant { broker: broker.map(super::routes::broker_text), vhost, user, patterns }
    }
}

/// The needs on `broker`.
fn on<'n, 'r>(
    brokers: &'n mut Vec<(Option<&'r RouteBroker>, Needs)>,
    broker: Option<&'r RouteBroker>,
) -> &'n mut Needs {
    let index = brokers.iter().position(|(known, _)| *known == broker).unwrap_or_else(|| {
        brokers.push((broker, Needs::default()));
        brokers.len() - 1
    });
    &mut brokers[index].1
}

fn print(console: &Console, grant: &Grant<'_>) -> Result<(), Stop> {
    if console.is_json() {
        return Ok(console.object(grant)?);
    }
    if let Some(broker) = &grant.broker {
        console.line(Console::clean(format!("# on another broker: {broker}")))?;
    }
    let Patterns { configure, write, read } = &grant.patterns;
    let words = [grant.vhost, grant.user, configure, write, read].map(quoted);
    Ok(console.line(Console::clean(format!("rabbitmqctl set_permissions --vhost {}", words.join(" "))))?)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::commands::arguments::ComponentArguments;

    #[test]
    fn the_needs_of_each_command_are_known() {
        let target = Target::named("c1_echo").unwrap();
        let command_line = ComponentArguments::command();
        let names = command_line.get_subcommands().map(clap::Command::get_name).filter(|name| *name != "run");
        let unknown: Vec<&str> = names.filter(|name| needs::command(name, &target).is_none()).collect();
        assert!(unknown.is_empty(), "`permissions` does not know {unknown:?}");
    }
}
