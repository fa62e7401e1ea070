//! Checks that a component matches its `asyncapi.yaml`.

use std::fmt;

use super::parameters::PARAMETERS;
use super::{Component, Consumed, ResolvedComponent};
use crate::asyncapi::{Contract, Direction, Finding, REGISTERED};
use crate::name::Level;

impl Component {
    /// Checks that the MOV can use the `asyncapi.yaml`, and that the component matches it: each channel of the one is in the
    /// other, with the right direction. It runs at each start; a test of one line finds mistakes earlier.
    ///
    /// ```
    /// # use valawai::Component;
    /// # let asyncapi = valawai::internals::asyncapi::sample("c1/word_count", &["publish data/count"]);
    /// let component = Component::new("1.0.0", asyncapi).on("data/text").consume(|_: serde_json::Value, _| Ok(()));
    /// let errors = component.check().map(drop).unwrap_err().to_string();
    /// assert!(errors.contains("`data/count` is in asyncapi.yaml, but the component does not use it"));
    /// ```
    ///
    /// # Errors
    /// All that makes the MOV refuse the component, never notify it, or never connect or forward a channel, with the lines, and
    /// all mismatches with what could be read. What only deserves care is in `warnings()` of the result.
    pub fn check(&self) -> Result<ResolvedComponent, ContractErrors> {
        let (contract, defects) = Contract::read(self.asyncapi);
        let mut errors: Vec<String> = defects.iter().map(Finding::to_string).collect();
        errors.extend_from_slice(&self.mistakes);
        // Without a channel, nothing is known of what was meant.
        if !contract.channels().is_empty() {
            errors.extend(self.mismatches(&contract));
        }
        if !is_version(self.version) {
            errors.push(format!("the version `{}` is not three numbers, as in 1.0.0", self.version));
        }
        if errors.is_empty() { Ok(self.resolve(&contract)) } else { Err(ContractErrors(errors)) }
    }

    fn mismatches(&self, contract: &Contract) -> Vec<String> {
        let consumed: Vec<&str> = self.consumed.iter().map(|declared| declared.channel.as_str()).collect();
        let published: Vec<&str> = self.published_channels().collect();
        let mut errors = Vec::new();
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
                Direction::Consume => consumed.contains(&name) || [REGISTERED, PARAMETERS].contains(&name),
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

/// The defects of an `asyncapi.yaml`, and the mismatches between it and its component. Its text lists them all.
///
/// ```
/// let errors = valawai::Component::new("1.0", "channels: {}").check().map(drop).unwrap_err();
/// println!("{errors}");
/// ```
#[derive(Debug)]
pub struct ContractErrors(Vec<String>);

impl fmt::Display for ContractErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the component cannot run with its asyncapi.yaml:")?;
        self.0.iter().try_for_each(|error| write!(formatter, "\n- {error}"))
    }
}

impl std::error::Error for ContractErrors {}

fn check_direction(contract: &Contract, channel: &str, expected: Direction) -> Option<String> {
    let verb = match expected {
        Direction::Consume => "subscribe",
        Direction::Publish => "publish",
    };
    match contract.channel(channel) {
        None if contract.is_unreadable(channel) => None,
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
    use crate::asyncapi::sample;
    use crate::component::Output;
    use crate::{Context, Failure};

    fn contract() -> &'static str {
        sample("c1/echo", &["subscribe data/input", "publish data/output"])
    }

    fn reply(message: Value, _: &Context) -> Result<Value, Failure> {
        Ok(message)
    }

    fn consume(_: Value, _: &Context) -> Result<(), Failure> {
        Ok(())
    }

    #[test]
    fn a_component_that_uses_each_channel_in_its_direction_matches() {
        let echo = Component::new("1.2.3", contract()).on("data/input").reply("data/output", reply).check().unwrap();
        assert_eq!((echo.name(), echo.version()), ("c1_echo", "1.2.3"));
        let sends =
            Component::new("1.2.3", contract()).on("data/input").consume(consume).sends(Output::new("data/output"));
        assert!(sends.check().is_ok());
    }

    #[test]
    fn what_only_deserves_care_is_a_warning() {
        let echo = Component::new("1.2.3", contract()).on("data/input").reply("data/output", reply).check().unwrap();
        let [broad, own] = echo.warnings() else { panic!("{:?} are not two warnings", echo.warnings()) };
        assert!(broad.starts_with("asyncapi.yaml:6: `data/output` publishes an object without fields"), "{broad}");
        assert!(own.contains("matches what `data/input` subscribes to (line 5)"), "{own}");
    }

    #[test]
    fn closures_with_captured_state_need_no_annotations() {
        let count = std::sync::atomic::AtomicU64::new(0);
        let counting =
            Component::new("1.2.3", contract()).on("data/input").reply("data/output", move |message: Value, _| {
                count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                Ok(message)
            });
        assert!(counting.check().is_ok());
    }

    #[test]
    fn defects_and_mismatches_are_reported_together() {
        let without_message = |name: &str| format!("  valawai/c1/echo/{name}\n");
        let yaml = contract().to_owned()
            + &without_message("data/other: { publish: {} }")
            + &without_message("data/undirected: {}")
            + &without_message("data/not-allowed: { subscribe: {} }")
            + &without_message("data/list: []");
        let component = Component::new("1.2", yaml.leak())
            .on("data/input")
            .reply("data/outptu", reply)
            .sends(Output::new("data/other"))
            .sends(Output::new("data/undirected"))
            .sends(Output::new("data/list"))
            .on("data/not-allowed")
            .consume(consume);
        let errors = component.check().map(drop).unwrap_err().to_string();
        let lines: Vec<&str> = errors.lines().skip(1).collect();
        for (line, expected) in [
            "- asyncapi.yaml:7: there is no `message`",
            "- asyncapi.yaml:8: neither `publish` (sent) nor",
            "- asyncapi.yaml:9: ",
            "- asyncapi.yaml:10: a channel that is not a map",
            "- `data/outptu` is not a channel",
            "- `data/output` is in asyncapi.yaml, but",
            "- the version `1.2` is not",
        ]
        .into_iter()
        .enumerate()
        {
            assert!(
                lines.get(line).is_some_and(|it| it.starts_with(expected)),
                "{line}: {expected:?} is not in {errors}"
            );
        }
        assert_eq!(lines.len(), 7, "a defect is reported twice: {errors}");
    }

    #[test]
    fn each_mismatch_is_reported() {
        let echo = || Component::new("1.2.3", contract()).on("data/input").reply("data/output", reply);
        for (component, expected) in [
            (Component::new("1.2.3", contract()), "`data/input` is in asyncapi.yaml, but"),
            (Component::new("1.2", contract()), "is not three numbers"),
            (Component::new("1.2.3", "channels: 5"), "asyncapi.yaml:1: there are no channels"),
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
