//! How queries choose and sort: a text matches exactly, `/a text like this/` as a regular expression.

use super::component::Component;

/// A choice by a field's text. Of regular expressions it knows characters, `.`, `*`, `+`, `?`, `^`, `$`, `\` and the flag `i`.
pub(crate) enum Pattern {
    Anything,
    Exactly(String),
    Expression { text: Vec<char>, ignoring_case: bool },
}

impl Pattern {
    pub(crate) fn of(text: Option<String>) -> Self {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return Self::Anything };
        match text.strip_prefix('/').and_then(|rest| rest.rsplit_once('/')) {
            None => Self::Exactly(text),
            Some((expression, flags)) => {
                let ignoring_case = flags.contains('i');
                let expression = if ignoring_case { expression.to_lowercase() } else { expression.to_owned() };
                Self::Expression { text: expression.chars().collect(), ignoring_case }
            }
        }
    }

    pub(crate) fn fits(&self, value: &str) -> bool {
        match self {
            Self::Anything => true,
            Self::Exactly(text) => text == value,
            Self::Expression { text, ignoring_case } => {
                let value = if *ignoring_case { value.to_lowercase() } else { value.to_owned() };
                finds(text, &value.chars().collect::<Vec<_>>())
            }
        }
    }

    pub(crate) fn fits_any(&self, value: Option<&str>) -> bool {
        value.is_some_and(|value| self.fits(value))
    }
}

fn finds(expression: &[char], value: &[char]) -> bool {
    match expression.split_first() {
        Some(('^', rest)) => matches_here(rest, value),
        _ => (0..=value.len()).any(|start| matches_here(expression, &value[start..])),
    }
}

fn matches_here(expression: &[char], value: &[char]) -> bool {
    let (atom, rest) = match expression {
        [] => return true,
        ['$'] => return value.is_empty(),
        ['.', rest @ ..] => (None, rest),
        ['\\', literal, rest @ ..] | [literal, rest @ ..] => (Some(*literal), rest),
    };
    let fits = |next: &char| atom.is_none_or(|atom| atom == *next);
    let most = value.iter().take_while(|next| fits(next)).count();
    let (least, most, rest) = match rest {
        ['*', rest @ ..] => (0, most, rest),
        ['+', rest @ ..] => (1, most, rest),
        ['?', rest @ ..] => (0, most.min(1), rest),
        rest => (1, most.min(1), rest),
    };
    (least..=most).rev().any(|count| matches_here(rest, &value[count..]))
}

/// `(,?[+|-]?[type|name|description|since])*`: not names of fields at all, but any of their letters.
pub(crate) fn is_component_order(order: &str) -> bool {
    is_order(order, "type|name|description|since")
}

pub(crate) fn is_connection_order(order: &str) -> bool {
    is_order(order, "createTimestamp|updateTimestamp|enabled|source.componentId|source.channelName|target")
}

fn is_order(order: &str, letters: &str) -> bool {
    // Where the expression may stand: before a comma, before a sign, before a letter.
    let (mut start, mut after_comma, mut after_sign) = (true, false, false);
    for next in order.chars() {
        let may_sign = start || after_comma;
        let letter = (may_sign || after_sign) && letters.contains(next);
        (after_comma, after_sign, start) = (start && next == ',', may_sign && "+|-".contains(next), letter);
    }
    start
}

/// By the named fields, the first one first; without any, in the order of their registration.
pub(crate) fn sort_components(components: &mut [&Component], order: &str) {
    for field in order.split(',').rev() {
        let (falling, name) = match field.strip_prefix('-') {
            Some(name) => (true, name),
            None => (false, field.trim_start_matches(['+', ' '])),
        };
        match name {
            "name" => components.sort_by(|left, right| left.name.cmp(&right.name)),
            "type" => components.sort_by_key(|component| component.kind),
            "since" => components.sort_by_key(|component| component.since),
            "description" => components.sort_by(|left, right| left.description.cmp(&right.description)),
            _ => continue,
        }
        if falling {
            components.reverse();
        }
    }
}
