//! `configure`: declares the component's own queues ahead of their first use.

use clap::Args;

use super::arguments::Command;
use super::console::{Console, GREEN, RED, YELLOW, quoted};
use super::exit::{Exit, Stop};
use super::invocation::Invocation;
use super::own_queues::{OwnQueueName, delete, deletion_word, own_queues};
use crate::broker::Error;
use crate::broker::amqp::operator::Operator;

/// Declare the retry and dead-letter queues of the component ahead of their first use
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  c1_echo configure
  valawai configure --asyncapi asyncapi.yaml --dry-run
  c1_echo configure --print-policy

The component declares these queues by itself, when it needs them. It cannot if its user lacks the permission to configure them:
then run this with a user that has it. The delays of the retry queues are those of RETRY_TTL, RETRY_BACKOFF, RETRY_MAX_TTL and
MAX_RETRIES. Unused, a retry queue expires a minute after its delay; dead-letter queues stay.

A queue that exists with other arguments is a conflict, and stays as it is: --recreate deletes and declares it if it is empty,
and with --force also if it has messages, which are lost.

--print-policy prints the rabbitmqctl lines that let the broker move messages that it drops, by a limit or an expiration, to the
dead-letter queues. Nothing is declared.

Permissions: configure '^valawai/.*/(dead_letter|retry)/',
write '^amq\\.default$', read '^valawai/.*/(dead_letter|retry)/': retry queues return their messages by
the exchange amq.default. --print-policy needs no broker. The exit code is 1 if there is a conflict.")]
pub(super) struct Configure {
    /// Replace queues that exist with other arguments, if they are empty
    #[arg(long)]
    recreate: bool,
    /// With --recreate: also if they have messages, which are lost
    #[arg(long, requires = "recreate")]
    force: bool,
    /// Print the lines for a policy of the broker, and do nothing
    #[arg(long)]
    print_policy: bool,
}

impl Command for Configure {
    fn run(&self, invocation: &Invocation) -> Result<Exit, Stop> {
        let queues = own_queues(invocation)?;
        if self.print_policy {
            return print_policies(invocation, &queues);
        }
        let operator = invocation.connect()?;
        let mut has_conflicts = false;
        for queue in &queues {
            if invocation.is_interrupted() {
                return Ok(Exit::Interrupted);
            }
            has_conflicts |= !self.configure(invocation, &operator, queue)?;
        }
        Ok(if has_conflicts { Exit::No } else { Exit::Done })
    }
}

impl Configure {
    /// Returns false if the queue exists with other arguments, and stays.
    fn configure(&self, invocation: &Invocation, operator: &Operator, queue: &OwnQueueName) -> Result<bool, Stop> {
        let console = &invocation.console;
        let state = operator.inspect(queue.name())?;
        if state.is_none() && invocation.dry_run {
            print(console, queue, YELLOW, "would be declared")?;
            return Ok(true);
        }
        // To declare a queue that exists changes nothing, and tells whether its arguments are the same.
        match operator.declare(queue.name(), &queue.options()) {
            Ok(()) => {
                print(console, queue, GREEN, if state.is_some() { "exists" } else { "declared" })?;
                return Ok(true);
            }
            Err(Error::Denied { reason, .. }) if reason.contains("PRECONDITION_FAILED") => {
                print(
                    console,
                    queue,
                    RED,
                    &format!("exists with other arguments: {}", Console::clean(differences(&reason))),
                )?;
            }
            Err(error) => return Err(error.into()),
        }
        let messages = state.map_or(0, |state| state.messages);
        if !self.recreate {
            console.note(format!(
                "  {}: --recreate replaces it if it is empty; it has {messages} messages. Or change the settings to its arguments",
                queue.name()
            ));
            return Ok(false);
        }
        if messages > 0 && !self.force {
            console.note(format!(
                "  {} has {messages} messages, and stays: move them, or add --force to lose them",
                queue.name()
            ));
            return Ok(false);
        }
        let action = format!("Deletes {} with {messages} messages, and declares it.", queue.name());
        if invocation.dry_run {
            console.note(format!("  would do: {action}"));
            return Ok(true);
        }
        console.confirm(&action, &invocation.shutdown)?;
        let Some(deleted) = delete(invocation, queue.name(), self.force)? else {
            console.note(format!("  {} got messages meanwhile, and stays", queue.name()));
            return Ok(false);
        };
        operator.declare(queue.name(), &queue.options())?;
        print(console, queue, GREEN, &format!("{}, and declared", deletion_word(deleted)))?;
        Ok(true)
    }
}

fn print(console: &Console, queue: &OwnQueueName, style: anstyle::Style, what: &str) -> Result<(), Stop> {
    if console.is_json() {
        return Ok(console.object(&serde_json::json!({"queue": queue.name(), "result": what}))?);
    }
    Ok(console.line(format!("{}  {}", Console::clean(queue.name()), console.paint(style, what)))?)
}

/// What differs, of the broker's reason: `PRECONDITION_FAILED - inequivalent arg 'x-message-ttl' for queue 'q' in vhost '/':
/// received the value '5000' of type 'signedint' but current is none`.
fn differences(reason: &str) -> String {
    let argument = reason.split_once("inequivalent arg '").and_then(|(_, rest)| rest.split_once('\''));
    let values = reason.split_once("received ").and_then(|(_, rest)| rest.split_once(" but current is "));
    let (Some((argument, _)), Some((expected, current))) = (argument, values) else { return reason.to_owned() };
    let plain = |text: &str| {
        let end = text.find(['\n', '"']).unwrap_or(text.len());
        let text = text[..end].trim_start_matches("the value ").trim();
        text.split(" of type ").next().unwrap_or(text).trim_matches('\'').to_owned()
    };
    let (expected, current) = (plain(expected), plain(current));
    let or_empty = |text: String| if text.is_empty() { "empty".to_owned() } else { text };
    format!("{argument} is {}, and should be {}", or_empty(current), or_empty(expected))
}

fn print_policies(invocation: &Invocation, queues: &[OwnQueueName]) -> Result<Exit, Stop> {
    let target = invocation.target()?;
    let vhost = invocation.settings()?.broker.vhost;
    for queue in queues {
        let OwnQueueName::DeadLetters { name, channel } = queue else { continue };
        let definition = serde_json::json!({"dead-letter-exchange": "", "dead-letter-routing-key": name});
        let policy = format!("{}-{}-dead-letters", target.name, channel.short().replace('/', "-"));
        let line = format!(
            "rabbitmqctl set_policy --vhost {} --apply-to queues {} {} {}",
            quoted(&vhost),
            quoted(&policy),
            quoted(&format!("^{}$", channel.queue())),
            quoted(&definition.to_string())
        );
        if invocation.console.is_json() {
            let pattern = format!("^{}$", channel.queue());
            let object = serde_json::json!({"vhost": vhost, "name": policy, "pattern": pattern, "apply-to": "queues", "definition": definition});
            invocation.console.object(&object)?;
        } else {
            invocation.console.line(Console::clean(line))?;
        }
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_brokers_reason_becomes_the_difference() {
        let reason = |rest: &str| {
            format!("PRECONDITION_FAILED - inequivalent arg 'x-message-ttl' for queue 'q' in vhost '/': {rest}")
        };
        for (rest, expected) in [
            (
                "received the value '5000' of type 'signedint' but current is none",
                "x-message-ttl is none, and should be 5000",
            ),
            ("received none but current is the value '7' of type 'long'", "x-message-ttl is 7, and should be none"),
            ("received '1' but current is '2'", "x-message-ttl is 2, and should be 1"),
            (
                "received the value '' of type 'longstr' but current is none",
                "x-message-ttl is none, and should be empty",
            ),
        ] {
            assert_eq!(differences(&reason(rest)), expected);
        }
        assert_eq!(differences("something else"), "something else");
    }
}
