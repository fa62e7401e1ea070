//! The names that VALAWAI defines. They are validated when they are parsed.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A text that is not a valid name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct NameError {
    text: String,
    expected: &'static str,
}

impl NameError {
    fn new(text: &str, expected: &'static str) -> Self {
        // The text may be megabytes of untrusted input.
        let text = text.chars().take(80).collect();
        Self { text, expected }
    }
}

/// The level of a component: C0 senses and acts, C1 reasons, C2 watches the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// Senses and acts.
    C0,
    /// Reasons.
    C1,
    /// Watches the values.
    C2,
}

impl Level {
    /// The notation of the MOV: `C1`.
    #[must_use]
    pub fn upper(self) -> &'static str {
        match self {
            Self::C0 => "C0",
            Self::C1 => "C1",
            Self::C2 => "C2",
        }
    }

    /// The notation in channel names: `c1`.
    #[must_use]
    pub fn lower(self) -> &'static str {
        match self {
            Self::C0 => "c0",
            Self::C1 => "c1",
            Self::C2 => "c2",
        }
    }

    fn from_lower(text: &str) -> Option<Self> {
        [Self::C0, Self::C1, Self::C2].into_iter().find(|level| level.lower() == text)
    }
}

/// The identifier that the MOV assigns to a registration: 24 hexadecimal digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ComponentId(String);

impl ComponentId {
    /// The identifier in lower case, as the MOV writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ComponentId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(NameError::new(text, "a component identifier: 24 hexadecimal digits"))
        }
    }
}

impl fmt::Display for ComponentId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for ComponentId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The kind of a channel, which is part of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `control`: messages that manage the component.
    Control,
    /// `data`: messages that the component processes.
    Data,
}

/// A VALAWAI channel, which is a RabbitMQ queue: `valawai/c1/<component>/<control|data>/<operation>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelName {
    text: Arc<str>,
    level: Level,
    component: String,
    kind: Kind,
}

impl ChannelName {
    /// The name of the queue, which is the full name of the channel.
    #[must_use]
    pub fn queue(&self) -> &Arc<str> {
        &self.text
    }

    /// The level of its component.
    #[must_use]
    pub fn level(&self) -> Level {
        self.level
    }

    /// The name of its component, without the level: `echo` for `c1_echo`.
    #[must_use]
    pub fn component(&self) -> &str {
        &self.component
    }

    /// The kind of the channel.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The last two parts, which are unique in the component: `data/received_message`.
    #[must_use]
    pub fn short(&self) -> &str {
        let prefix = "valawai/c1/".len() + self.component.len() + 1;
        &self.text[prefix..]
    }

    /// The last part: `received_message`.
    #[must_use]
    pub fn operation(&self) -> &str {
        self.text.rsplit('/').next().unwrap_or_default()
    }
}

impl FromStr for ChannelName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        parse_channel(text).ok_or_else(|| {
            NameError::new(
                text,
                "a channel name: valawai/c<0|1|2>/<component>/<control|data>/<operation>, at most 255 bytes",
            )
        })
    }
}

impl fmt::Display for ChannelName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// The maximum length of a queue name, an AMQP short string.
const MAX_QUEUE_NAME: usize = 255;

fn parse_channel(text: &str) -> Option<ChannelName> {
    let mut parts = text.split('/');
    let (root, level, component) = (parts.next()?, parts.next()?, parts.next()?);
    let (kind, operation) = (parts.next()?, parts.next()?);
    let kind = match kind {
        "control" => Kind::Control,
        "data" => Kind::Data,
        _ => return None,
    };
    let well_formed = root == "valawai"
        && is_word(component)
        && is_word(operation)
        && parts.next().is_none()
        && text.len() <= MAX_QUEUE_NAME;
    well_formed.then_some(())?;
    Some(ChannelName { text: text.into(), level: Level::from_lower(level)?, component: component.to_owned(), kind })
}

/// Whether `text` matches `\w+`, as the MOV requires: it has no hyphen and no dot.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_name_is_split_into_its_parts() {
        let name: ChannelName = "valawai/c1/echo/data/received_message".parse().unwrap();
        assert_eq!(name.level(), Level::C1);
        assert_eq!(name.component(), "echo");
        assert_eq!(name.kind(), Kind::Data);
        assert_eq!(name.short(), "data/received_message");
        assert_eq!(name.operation(), "received_message");
    }

    #[test]
    fn names_that_the_mov_does_not_accept_are_rejected() {
        for text in [
            "",
            "valawai/c1/echo/data",
            "valawai/c3/echo/data/x",
            "valawai/C1/echo/data/x",
            "valawai/c1/ec-ho/data/x",
            "valawai/c1//data/x",
            "valawai/c1/echo/other/x",
            "valawai/c1/echo/data/x/y",
            "valawai/c1/echo/data/x.y",
        ] {
            assert!(text.parse::<ChannelName>().is_err(), "{text:?} was parsed as a channel name");
        }
        let long = format!("valawai/c1/{}/data/x", "e".repeat(250));
        assert!(long.parse::<ChannelName>().is_err(), "a name that is too long for AMQP was parsed");
    }

    #[test]
    fn an_identifier_is_24_hexadecimal_digits_in_lower_case() {
        let id: ComponentId = "65A0B1C2D3E4F5061728394A".parse().unwrap();
        assert_eq!(id.as_str(), "65a0b1c2d3e4f5061728394a");
        for text in ["", "65a0", "65a0b1c2d3e4f5061728394g", "65a0b1c2d3e4f5061728394a0"] {
            assert!(text.parse::<ComponentId>().is_err(), "{text:?} was parsed as an identifier");
        }
    }
}
