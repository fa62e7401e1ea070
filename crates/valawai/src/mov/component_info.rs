//! What a component registers, and whether a registration still matches it.

use std::collections::BTreeMap;

use super::notice::Notice;
use crate::asyncapi::Direction;
use crate::ids::fingerprint;
use crate::name::{ChannelName, Level};

/// What a component registers.
#[derive(Debug, Clone)]
pub struct ComponentInfo {
    /// The full name, as in `c1_echo`.
    pub name: String,
    /// The level.
    pub level: Level,
    /// Three numbers, as in `1.0.0`.
    pub version: &'static str,
    /// The text of `asyncapi.yaml`.
    pub asyncapi: &'static str,
    /// The channels in that text.
    pub channels: Vec<(ChannelName, Direction)>,
}

impl ComponentInfo {
    /// Identifies the text of `asyncapi.yaml`: 16 hexadecimal digits.
    #[must_use]
    pub fn contract_fingerprint(&self) -> String {
        format!("{:016x}", fingerprint(self.asyncapi.as_bytes()))
    }

    /// Whether a registration has the version and the channels of this component. The MOV does not keep the text of
    /// `asyncapi.yaml`, so this does not notice a changed payload.
    #[must_use]
    pub fn matches(&self, notice: &Notice) -> bool {
        let registered: BTreeMap<&str, Option<Direction>> = notice.channels().collect();
        let is_registered = |(name, direction): &(ChannelName, Direction)| {
            // The MOV omits the direction of a channel whose payload has no schema.
            let found = registered.get(&**name.queue());
            found.is_some_and(|found| found.is_none_or(|found| found == *direction))
        };
        notice.version() == Some(self.version)
            && registered.len() == self.channels.len()
            && self.channels.iter().all(is_registered)
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
    use serde_json::{Value, json};

    use super::*;

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
    fn a_registration_with_the_same_version_and_channels_matches() {
        let channels = json!([
            {"name": "valawai/c1/echo/data/out", "publish": {"type": "OBJECT"}},
            {"name": "valawai/c1/echo/data/in"},
        ]);
        assert!(info().matches(&notice("1.0.0", &channels)));
    }

    #[test]
    fn a_registration_with_another_version_or_other_channels_does_not_match() {
        let input = json!({"name": "valawai/c1/echo/data/in", "subscribe": {"type": "OBJECT"}});
        let output = json!({"name": "valawai/c1/echo/data/out", "publish": {"type": "OBJECT"}});
        let reversed = json!({"name": "valawai/c1/echo/data/out", "subscribe": {"type": "OBJECT"}});
        let other = json!({"name": "valawai/c1/echo/data/other", "publish": {"type": "OBJECT"}});
        for (what, version, channels) in [
            ("another version", "1.0.1", json!([input, output])),
            ("one channel less", "1.0.0", json!([input])),
            ("one channel more", "1.0.0", json!([input, output, other])),
            ("another channel", "1.0.0", json!([input, other])),
            ("another direction", "1.0.0", json!([input, reversed])),
            ("no channels", "1.0.0", Value::Null),
        ] {
            assert!(!info().matches(&notice(version, &channels)), "{what} matches");
        }
    }
}
