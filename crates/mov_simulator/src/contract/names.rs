//! The regular expressions with which the MOV checks names. `\w` is ASCII in Java, hence `(?-u)`.

use std::sync::LazyLock;

use regex::Regex;

macro_rules! regex {
    ($expression:literal) => {
        LazyLock::new(|| Regex::new($expression).expect("a valid regular expression"))
    };
}

/// The MOV's own expression: it also accepts `c|_x`.
static COMPONENT_NAME: LazyLock<Regex> = regex!(r"(?-u)^c[0|1|2]_\w+$");
static VERSION: LazyLock<Regex> = regex!(r"(?-u)^\d+\.\d+\.\d+$");
static NOTIFICATION_CHANNEL: LazyLock<Regex> = regex!(r"(?-u)^valawai/c2/\w+/control/\w+$");
static REGISTERED_CHANNEL: LazyLock<Regex> = regex!(r"(?-u)^valawai/(c[012])/\w+/control/registered$");
/// The greedy prefix selects the last component in the name of a channel.
static COMPONENT_IN_CHANNEL: LazyLock<Regex> = regex!(r"(?s)^(?:.*/)?(c[012])/([^/]*)");

pub(crate) fn is_component_name(name: &str) -> bool {
    COMPONENT_NAME.is_match(name)
}

pub(crate) fn is_version(version: &str) -> bool {
    VERSION.is_match(version)
}

/// Whether a C2 component may be notified on this channel when a connection is created.
pub(crate) fn is_notification_channel(channel: &str) -> bool {
    NOTIFICATION_CHANNEL.is_match(channel)
}

/// Whether a component of this type may be notified of its registration on this channel. The name of the component within
/// the channel's name is not checked.
pub(crate) fn is_registered_channel(channel: &str, kind: &str) -> bool {
    let level = REGISTERED_CHANNEL.captures(channel).map(|captures| captures[1].to_ascii_uppercase());
    level.as_deref() == Some(kind)
}

/// The type and the name of the component that the name of a channel suggests: `C1` and `c1_a_name` for `…/c1/A-name/…`.
pub(crate) fn component_of_channel(channel: &str) -> Option<(String, String)> {
    let captures = COMPONENT_IN_CHANNEL.captures(channel)?;
    let (level, name) = (&captures[1], &captures[2]);
    let to_word =
        |character: char| if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { '_' };
    Some((level.to_ascii_uppercase(), format!("{level}_{}", name.chars().map(to_word).collect::<String>())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn component_names() {
        for name in ["c0_a", "c1_Echo_2", "c2_x", "c|_x"] {
            assert!(is_component_name(name), "{name}");
        }
        for name in ["", "echo", "c3_echo", "c1_", "c1_ec-ho", "c1_é", "C1_echo", "xc1_echo", "c1_echo\n"] {
            assert!(!is_component_name(name), "{name}");
        }
    }

    #[test]
    fn versions() {
        assert!(is_version("1.0.0") && is_version("10.200.3000"));
        for version in ["", "1.0", "1.0.0.0", "1.0.0-beta", "1..0", "v1.0.0", "1.0.٣"] {
            assert!(!is_version(version), "{version}");
        }
    }

    #[test]
    fn control_channels() {
        assert!(is_notification_channel("valawai/c2/a/control/b"));
        assert!(!is_notification_channel("valawai/c1/a/control/b") && !is_notification_channel("valawai/c2/a/data/b"));
        assert!(is_registered_channel("valawai/c1/anything/control/registered", "C1"));
        assert!(!is_registered_channel("valawai/c1/anything/control/registered", "C2"));
        assert!(!is_registered_channel("valawai/c1/any-thing/control/registered", "C1"));
        assert!(!is_registered_channel("valawai/c1/anything/control/registered/x", "C1"));
    }

    #[test]
    fn the_last_component_in_a_channel_counts() {
        let component = |channel: &str| component_of_channel(channel);
        let expected = |kind: &str, name: &str| Some((kind.to_owned(), name.to_owned()));
        assert_eq!(component("valawai/c1/A-name/data/out"), expected("C1", "c1_a_name"));
        assert_eq!(component("c0/é"), expected("C0", "c0__"));
        assert_eq!(component("c0/c1/x"), expected("C1", "c1_x"));
        assert_eq!(component("valawai/c0/a/c2/"), expected("C2", "c2_"));
        assert_eq!(component("xc0/a"), None);
        assert_eq!(component("valawai/c0"), None);
    }
}
