//! The names that VALAWAI defines. They are validated when they are parsed.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

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

/// The identifier that the MOV assigns to a registered component or to a connection: 24 hexadecimal digits.
///
/// ```
/// let id: valawai::Id = "65A0B1C2D3E4F5061728394A".parse()?;
/// assert_eq!(id.as_str(), "65a0b1c2d3e4f5061728394a");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Id(String);

impl Id {
    /// The identifier in lower case, as the MOV writes it. See the example of [`Id`].
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Id {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(NameError::new(text, "an identifier of the MOV: 24 hexadecimal digits"))
        }
    }
}

impl TryFrom<String> for Id {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        id.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for Id {
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
#[path = "name_tests.rs"]
mod tests;
