//! Checks that a component matches its `asyncapi.yaml`.

use std::fmt;

use super::{Component, Consumed, ResolvedComponent};
use crate::asyncapi::{self, Contract, Direction};
use crate::name::Level;

/// The channel of the MOV's notices, which the kit consumes.
pub(super) const REGISTERED: &str = "control/registered";

impl Component {
    /// Checks that the component matches its `asyncapi.yaml`: each channel of the one is in the other, with the right
    /// direction. It runs at each start; a test of one line finds mistakes earlier.
    ///
    /// # Errors
    /// All mismatches.
    pub fn check(&self) -> Result<ResolvedComponent, ContractErrors> {
        let contract =
            Contract::parse(self.asyncapi).map_err(|error: asyncapi::Error| ContractErrors(vec![error.to_string()]))?;
        let mut errors = self.errors_in(&contract);
        if !is_version(self.version) {
            errors.push(format!("the version `{}` is not three numbers, as in 1.0.0", self.version));
        }
        if errors.is_empty() { Ok(self.resolve(&contract)) } else { Err(ContractErrors(errors)) }
    }

    fn errors_in(&self, contract: &Contract) -> Vec<String> {
        let consumed: Vec<&str> = self.consumed.iter().map(|declared| declared.channel.as_str()).collect();
        let published: Vec<&str> = self.published_channels().collect();
        let mut errors = self.mistakes.clone();
        for channel in &consumed {
            errors.extend(check_direction(contract, channel, Direction::Consume));
        }
        for channel in &published {
            errors.extend(check_direction(contract, channel, Direction::Publish));
        }
        for (index, channel) in consumed.iter().enumerate() {
            if consumed[..index].contains(channel) {
                errors.push(format!("`{channel}` has two handlers; a message is passed to one"));
            }
        }
        errors.extend(self.consumed.iter().filter_map(check_options));
        if contract.level() != Level::C2 && self.consumed.iter().any(|declared| declared.options.observes) {
            errors.push("`on_sent` is for C2 components; the MOV notifies no others of sent messages".to_owned());
        }
        errors.extend(check_direction(contract, REGISTERED, Direction::Consume));
        if consumed.contains(&REGISTERED) {
            errors.push(format!("`{REGISTERED}` is consumed by the kit; remove its handler"));
        }
        for channel in contract.channels() {
            let name = channel.name.short();
            let is_used = match channel.direction {
                Direction::Consume => consumed.contains(&name) || name == REGISTERED,
                Direction::Publish => published.contains(&name),
            };
            if !is_used {
                errors.push(format!("`{name}` is in asyncapi.yaml, but the component does not use it"));
            }
        }
        errors
    }

    pub(super) fn published_channels(&self) -> impl Iterator<Item = &str> {
        let replies = self.consumed.iter().filter_map(|declared| declared.reply_to.as_deref());
        let sources = self.sources.iter().map(|declared| declared.channel.as_str());
        replies.chain(sources).chain(self.outputs.iter().map(|output| output.channel()))
    }
}

/// The mismatches between a component and its `asyncapi.yaml`.
#[derive(Debug)]
pub struct ContractErrors(Vec<String>);

impl fmt::Display for ContractErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the component does not match its asyncapi.yaml: ")?;
        formatter.write_str(&self.0.join("; "))
    }
}

impl std::error::Error for ContractErrors {}

fn check_direction(contract: &Contract, channel: &str, expected: Direction) -> Option<String> {
    let verb = match expected {
        Direction::Consume => "subscribe",
        Direction::Publish => "publish",
    };
    match contract.channel(channel) {
        None => Some(format!("`{channel}` is not a channel of asyncapi.yaml")),
        Some(found) if found.direction != expected => Some(format!("`{channel}` needs `{verb}` in asyncapi.yaml")),
        Some(_) => None,
    }
}

fn check_options(Consumed { channel, options, .. }: &Consumed) -> Option<String> {
    let is_zero = options.prefetch == Some(0) || options.workers == Some(0);
    let has_racing_state = options.state.is_some() && options.workers.is_some_and(|workers| workers > 1);
    if is_zero {
        Some(format!("`{channel}` needs a prefetch and workers of at least 1"))
    } else if has_racing_state {
        Some(format!("`{channel}` has a state and several workers; a state belongs to one"))
    } else {
        None
    }
}

/// Whether the MOV accepts `text` as a version.
fn is_version(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    parts.len() == 3 && parts.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::component::Output;
    use crate::{Context, Failure};

    const CONTRACT: &str = "
channels:
  valawai/c1/echo/control/registered: { subscribe: {} }
  valawai/c1/echo/data/input: { subscribe: {} }
  valawai/c1/echo/data/output: { publish: {} }
";

    fn reply(message: Value, _: &Context) -> Result<Value, Failure> {
        Ok(message)
    }

    fn consume(_: Value, _: &Context) -> Result<(), Failure> {
        Ok(())
    }

    #[test]
    fn a_component_that_uses_each_channel_in_its_direction_matches() {
        let echo = Component::new("1.2.3", CONTRACT).on("data/input").reply("data/output", reply).check().unwrap();
        assert_eq!((echo.name(), echo.version()), ("c1_echo", "1.2.3"));
        let sends =
            Component::new("1.2.3", CONTRACT).on("data/input").consume(consume).sends(Output::new("data/output"));
        assert!(sends.check().is_ok());
    }

    #[test]
    fn closures_with_captured_state_need_no_annotations() {
        let count = std::sync::atomic::AtomicU64::new(0);
        let counting =
            Component::new("1.2.3", CONTRACT).on("data/input").reply("data/output", move |message: Value, _| {
                count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                Ok(message)
            });
        assert!(counting.check().is_ok());
    }

    #[test]
    fn each_mismatch_is_reported() {
        let echo = || Component::new("1.2.3", CONTRACT).on("data/input").reply("data/output", reply);
        for (component, expected) in [
            (Component::new("1.2.3", CONTRACT), "`data/input` is in asyncapi.yaml, but"),
            (Component::new("1.2", CONTRACT), "is not three numbers"),
            (Component::new("1.2.3", "channels: 5"), "no channels"),
            (echo().on("data/other").consume(consume), "`data/other` is not a channel"),
            (echo().on("data/output").consume(consume), "`data/output` needs `subscribe`"),
            (echo().sends(Output::new("data/input")), "`data/input` needs `publish`"),
            (echo().sends(Output::new("data/outptu")), "`data/outptu` is not a channel"),
            (echo().on("data/input").consume(consume), "two handlers"),
            (echo().on("control/registered").consume(consume), "consumed by the kit"),
        ] {
            let errors = component.check().map(drop).expect_err(expected).to_string();
            assert!(errors.contains(expected), "{expected:?} is not in {errors}");
        }
    }
}
