//! What a user needs of the broker, as regular expressions.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::Serialize;

use crate::routes::{Argument, Exchange};

/// The name by which permissions know the default exchange.
const DEFAULT_EXCHANGE: &str = "amq.default";

/// The least permissions for a set of operations. Each method adds what the broker requires for one.
#[derive(Debug, Default)]
pub(super) struct Permissions {
    configure: Names,
    write: Names,
    read: Names,
}

/// As `rabbitmqctl set_permissions` and the management interface take them.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Patterns {
    pub(super) configure: String,
    pub(super) write: String,
    pub(super) read: String,
}

/// Regular expressions, each for whole names.
type Names = BTreeSet<String>;

/// Names of queues or exchanges: one name, or all that begin with it and end with digits.
#[derive(Debug, Clone)]
pub(super) struct Named(String);

impl Named {
    pub(super) fn exactly(name: &str) -> Self {
        Self(escape(name))
    }

    /// Names that end with a number in decimal notation.
    pub(super) fn numbered(start: &str) -> Self {
        Self(escape(start) + "[0-9]+")
    }

    /// Names that end with a number in hexadecimal notation.
    pub(super) fn hexadecimal(start: &str) -> Self {
        Self(escape(start) + "[0-9a-f]+")
    }

    /// All names with this start.
    pub(super) fn beginning(start: &str) -> Self {
        Self(escape(start) + ".*")
    }
}

impl Permissions {
    /// To declare or delete a queue.
    pub(super) fn declare(&mut self, queue: &Named) {
        self.configure.insert(queue.0.clone());
    }

    /// To declare a queue whose expired messages go to other queues.
    pub(super) fn declare_with_expiry(&mut self, queue: &Named) {
        self.declare(queue);
        self.read(queue);
        self.publish_to_queues();
    }

    /// To consume, get or purge the messages of a queue.
    pub(super) fn read(&mut self, queue: &Named) {
        self.read.insert(queue.0.clone());
    }

    /// To look at a queue or an exchange that it did not declare. Since RabbitMQ 4.3 that takes any of the three permissions; to
    /// write is the least: it does not make messages visible.
    pub(super) fn look_at(&mut self, name: &Named) {
        self.write.insert(name.0.clone());
    }

    /// To publish to queues by their names, whatever they are.
    pub(super) fn publish_to_queues(&mut self) {
        self.publish_to(DEFAULT_EXCHANGE);
    }

    /// To publish to an exchange.
    pub(super) fn publish_to(&mut self, exchange: &str) {
        self.write.insert(escape(exchange_name(exchange)));
    }

    /// To declare an exchange.
    pub(super) fn declare_exchange(&mut self, name: &str) {
        self.configure.insert(escape(name));
    }

    /// To bind a queue to an exchange.
    pub(super) fn bind(&mut self, queue: &Named, exchange: &str) {
        self.write.insert(queue.0.clone());
        self.read.insert(escape(exchange_name(exchange)));
    }

    /// To declare the exchange of a route, or to look whether it exists.
    pub(super) fn use_exchange(&mut self, exchange: &Exchange) {
        let name = exchange_name(&exchange.name);
        if !exchange.create {
            return self.look_at(&Named::exactly(name));
        }
        self.declare_exchange(name);
        if let Some(Argument::Text(alternate)) = exchange.arguments.get("alternate-exchange") {
            self.read.insert(escape(name));
            self.write.insert(escape(alternate));
        }
    }

    /// The regular expressions. What begins with `prefix` is written together.
    pub(super) fn patterns(&self, prefix: &str) -> Patterns {
        let pattern = |names: &Names| pattern(names, &escape(prefix));
        Patterns { configure: pattern(&self.configure), write: pattern(&self.write), read: pattern(&self.read) }
    }
}

fn exchange_name(name: &str) -> &str {
    if name.is_empty() { DEFAULT_EXCHANGE } else { name }
}

/// A regular expression for these names and no others.
fn pattern(names: &Names, prefix: &str) -> String {
    let (own, others): (Vec<&str>, Vec<&str>) = names.iter().map(String::as_str).partition(|it| it.starts_with(prefix));
    let own: Vec<&str> = own.into_iter().map(|name| &name[prefix.len()..]).collect();
    let own = match &own[..] {
        [] => None,
        [only] => Some(format!("{prefix}{only}")),
        _ => Some(format!("{prefix}({})", own.join("|"))),
    };
    let all: Vec<&str> = own.as_deref().into_iter().chain(others).collect();
    match &all[..] {
        [] => "^$".to_owned(),
        [only] => format!("^{only}$"),
        _ => format!("^({})$", all.join("|")),
    }
}

/// A regular expression for this text.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for each in text.chars() {
        match each {
            // A control character in an expression is shown, or ends the line that it is in.
            _ if each.is_control() => write!(escaped, r"\x{{{:x}}}", u32::from(each)).unwrap_or_default(),
            _ if r"\^$.|?*+()[]{}".contains(each) => escaped.extend(['\\', each]),
            _ => escaped.push(each),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_has_the_names_and_nothing_else() {
        let mut permissions = Permissions::default();
        assert_eq!(permissions.patterns("own/").configure, "^$");
        permissions.declare(&Named::exactly("a.b"));
        assert_eq!(permissions.patterns("own/").configure, r"^a\.b$");
        permissions.declare(&Named::exactly("own/x"));
        assert_eq!(permissions.patterns("own/").configure, r"^(own/x|a\.b)$");
        permissions.declare(&Named::numbered("own/(y)/"));
        assert_eq!(permissions.patterns("own/").configure, r"^(own/(\(y\)/[0-9]+|x)|a\.b)$");
    }

    #[test]
    fn the_default_exchange_has_a_name_in_permissions() {
        let mut permissions = Permissions::default();
        permissions.publish_to("");
        let expected = Patterns { configure: "^$".into(), write: r"^amq\.default$".into(), read: "^$".into() };
        assert_eq!(permissions.patterns("own/"), expected);
    }

    #[test]
    fn hostile_names_are_plain_text() {
        assert_eq!(escape("a|b\n$'"), r"a\|b\x{a}\$'");
    }
}
