//! Holds a component and its `asyncapi.yaml` together.

use std::fmt;

use super::{Component, DeclaredAction, Plan};
use crate::asyncapi::{self, Contract, Direction};

/// Where the MOV says that the component is registered; the library itself hears it.
pub(super) const REGISTERED: &str = "control/registered";

impl Component {
    /// Holds the declaration and `asyncapi.yaml` together: each channel is there, goes the right way, and has its
    /// handler. A test of one line keeps it true.
    ///
    /// # Errors
    /// All that does not fit.
    pub fn check(&self) -> Result<Plan, Misfits> {
        let contract =
            Contract::parse(self.asyncapi).map_err(|error: asyncapi::Error| Misfits(vec![error.to_string()]))?;
        let mut misfits = self.misfits(&contract);
        if !is_version(self.version) {
            misfits.push(format!("the version `{}` is not three numbers, as in 1.0.0", self.version));
        }
        if misfits.is_empty() { Ok(self.plan(&contract)) } else { Err(Misfits(misfits)) }
    }

    fn misfits(&self, contract: &Contract) -> Vec<String> {
        let heard: Vec<&str> = self.hears.iter().map(|declared| declared.channel.as_str()).collect();
        let said: Vec<&str> = self.said_channels().collect();
        let mut misfits = Vec::new();
        for channel in &heard {
            misfits.extend(check_direction(contract, channel, Direction::Heard));
        }
        for channel in &said {
            misfits.extend(check_direction(contract, channel, Direction::Said));
        }
        for (place, channel) in heard.iter().enumerate() {
            if heard[..place].contains(channel) {
                misfits.push(format!("`{channel}` has two handlers; one message can only go to one"));
            }
        }
        misfits.extend(check_direction(contract, REGISTERED, Direction::Heard));
        if heard.contains(&REGISTERED) {
            misfits.push(format!("`{REGISTERED}` is heard by the library itself"));
        }
        for channel in contract.channels().iter().map(|channel| (&channel.name, channel.direction)) {
            let (name, used) = match channel {
                (name, Direction::Heard) => (name, heard.contains(&name.short()) || name.short() == REGISTERED),
                (name, Direction::Said) => (name, said.contains(&name.short())),
            };
            if !used {
                misfits.push(format!("`{}` is in asyncapi.yaml, and nothing in the component uses it", name.short()));
            }
        }
        misfits
    }

    pub(super) fn said_channels(&self) -> impl Iterator<Item = &str> {
        let answers = self.hears.iter().filter_map(|declared| match &declared.action {
            DeclaredAction::Answer { to, .. } => Some(to.as_str()),
            DeclaredAction::Then(_) => None,
        });
        let spoken = self.speaks.iter().map(|spoken| spoken.channel.as_str());
        answers.chain(spoken).chain(self.says.iter().map(String::as_str))
    }
}

/// What does not fit between a component and its `asyncapi.yaml`: a line for each.
#[derive(Debug)]
pub struct Misfits(Vec<String>);

impl fmt::Display for Misfits {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the component and its asyncapi.yaml do not fit: ")?;
        formatter.write_str(&self.0.join("; "))
    }
}

impl std::error::Error for Misfits {}

fn check_direction(contract: &Contract, channel: &str, wanted: Direction) -> Option<String> {
    let verb = match wanted {
        Direction::Heard => "subscribe",
        Direction::Said => "publish",
    };
    match contract.channel(channel) {
        None => Some(format!("`{channel}` is not a channel of asyncapi.yaml")),
        Some(found) if found.direction != wanted => Some(format!("`{channel}` needs `{verb}` in asyncapi.yaml")),
        Some(_) => None,
    }
}

/// What the MOV takes for a version.
fn is_version(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    parts.len() == 3 && parts.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Context, Failure, Heard, Said};

    const CONTRACT: &str = "
channels:
  valawai/c1/echo/control/registered: { subscribe: {} }
  valawai/c1/echo/data/heard: { subscribe: {} }
  valawai/c1/echo/data/said: { publish: {} }
";

    fn answer(heard: &Heard<'_>, _: &Context<'_>) -> Result<Said, Failure> {
        Said::json(heard)
    }

    #[expect(clippy::unnecessary_wraps, reason = "it stands where handlers stand")]
    fn hear(_: &Heard<'_>, _: &Context<'_>) -> Result<(), Failure> {
        Ok(())
    }

    #[test]
    fn a_component_that_uses_each_channel_as_it_should_fits() {
        let plan = Component::new("1.2.3", CONTRACT).on("data/heard").answer("data/said", answer).check().unwrap();
        assert_eq!((plan.name(), plan.version()), ("c1_echo", "1.2.3"));
        let only_hears = Component::new("1.2.3", CONTRACT).on("data/heard").then(hear).says("data/said");
        assert!(only_hears.check().is_ok());
    }

    #[test]
    fn each_misfit_is_told() {
        let echo = || Component::new("1.2.3", CONTRACT).on("data/heard").answer("data/said", answer);
        for (component, expected) in [
            (Component::new("1.2.3", CONTRACT), "`data/heard` is in asyncapi.yaml, and nothing"),
            (Component::new("1.2", CONTRACT), "is not three numbers"),
            (Component::new("1.2.3", "channels: 5"), "no channels"),
            (echo().on("data/other").then(hear), "`data/other` is not a channel"),
            (echo().on("data/said").then(hear), "`data/said` needs `subscribe`"),
            (echo().says("data/heard"), "`data/heard` needs `publish`"),
            (echo().on("data/heard").then(hear), "two handlers"),
            (echo().on("control/registered").then(hear), "heard by the library itself"),
        ] {
            let misfits = component.check().map(drop).expect_err(expected).to_string();
            assert!(misfits.contains(expected), "{expected:?} is not in {misfits}");
        }
    }
}
