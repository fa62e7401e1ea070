//! What the MOV is told about a component, and whether what it knows is still the same.

use std::collections::BTreeMap;

use super::notice::Notice;
use crate::asyncapi::Direction;
use crate::ids::fingerprint;
use crate::name::{ChannelName, Level};

/// What the MOV is told about a component.
#[derive(Debug, Clone)]
pub struct ComponentInfo {
    /// The whole name: `c1_echo`.
    pub name: String,
    /// The level.
    pub level: Level,
    /// Three numbers: `1.0.0`.
    pub version: &'static str,
    /// The text of `asyncapi.yaml`.
    pub asyncapi: &'static str,
    /// The channels in that text.
    pub channels: Vec<(ChannelName, Direction)>,
}

impl ComponentInfo {
    /// Tells the text of `asyncapi.yaml` from another one: 16 hexadecimal digits.
    #[must_use]
    pub fn contract(&self) -> String {
        format!("{:016x}", fingerprint(self.asyncapi.as_bytes()))
    }

    /// Whether the registration of `notice` is what this component would register now: the version and the channels are
    /// the same. The MOV does not keep the text of `asyncapi.yaml`, so a changed payload does not show here.
    #[must_use]
    pub fn is_described_by(&self, notice: &Notice) -> bool {
        let registered: BTreeMap<&str, Option<Direction>> = notice.channels().collect();
        let is_there = |(name, direction): &(ChannelName, Direction)| {
            // A channel whose payload has no schema is listed without a direction.
            registered.get(&**name.queue()).is_some_and(|known| known.is_none_or(|known| known == *direction))
        };
        notice.version() == Some(self.version)
            && registered.len() == self.channels.len()
            && self.channels.iter().all(is_there)
    }
}

#[cfg(test)]
impl ComponentInfo {
    /// The component `c1_echo` without channels.
    pub(crate) fn example() -> Self {
        let channels = Vec::new();
        Self { name: "c1_echo".into(), level: Level::C1, version: "1.0.0", asyncapi: "channels: {}", channels }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn info() -> ComponentInfo {
        let channel = |name: &str, direction| (name.parse().unwrap(), direction);
        ComponentInfo {
            name: "c1_echo".into(),
            level: Level::C1,
            version: "1.0.0",
            asyncapi: "channels: {}",
            channels: vec![
                channel("valawai/c1/echo/data/in", Direction::Consume),
                channel("valawai/c1/echo/data/out", Direction::Publish),
            ],
        }
    }

    fn notice(version: &str, channels: &Value) -> Notice {
        let body = json!({"id": "65a0b1c2d3e4f5061728394a", "name": "c1_echo", "type": "C1", "version": version,
            "channels": channels});
        Notice::parse(body.to_string().as_bytes(), &info()).unwrap()
    }

    #[test]
    fn a_registration_of_the_same_version_and_channels_is_ours() {
        let channels = json!([
            {"name": "valawai/c1/echo/data/out", "publish": {"type": "OBJECT"}},
            {"name": "valawai/c1/echo/data/in"},
        ]);
        assert!(info().is_described_by(&notice("1.0.0", &channels)));
    }

    #[test]
    fn a_registration_of_another_version_or_other_channels_is_not() {
        let input = json!({"name": "valawai/c1/echo/data/in", "subscribe": {"type": "OBJECT"}});
        let output = json!({"name": "valawai/c1/echo/data/out", "publish": {"type": "OBJECT"}});
        let turned = json!({"name": "valawai/c1/echo/data/out", "subscribe": {"type": "OBJECT"}});
        let other = json!({"name": "valawai/c1/echo/data/other", "publish": {"type": "OBJECT"}});
        for (what, version, channels) in [
            ("another version", "1.0.1", json!([input, output])),
            ("a channel less", "1.0.0", json!([input])),
            ("a channel more", "1.0.0", json!([input, output, other])),
            ("another channel", "1.0.0", json!([input, other])),
            ("another direction", "1.0.0", json!([input, turned])),
            ("no channels", "1.0.0", Value::Null),
        ] {
            assert!(!info().is_described_by(&notice(version, &channels)), "{what} was taken for the same");
        }
    }
}
