//! The patterns by which queries select: a text matches exactly, `/a text like this/` as a regular expression.

use regex::Regex;

pub(crate) enum Pattern {
    Anything,
    Exactly(String),
    Expression(Regex),
    /// An invalid expression: the MOV answers with an empty page when its database reports an error. Look-around and
    /// back-references, which the database supports, are invalid here.
    Nothing,
}

impl Pattern {
    /// No pattern and an empty one match anything.
    pub(crate) fn new(text: Option<&str>) -> Self {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return Self::Anything };
        match text.strip_prefix('/').and_then(|rest| rest.rsplit_once('/')) {
            None => Self::Exactly(text.to_owned()),
            Some((expression, flags)) => {
                let flags: String = flags.chars().filter(|flag| "imsx".contains(*flag)).collect();
                let flags = if flags.is_empty() { flags } else { format!("(?{flags})") };
                Regex::new(&format!("{flags}{expression}")).map_or(Self::Nothing, Self::Expression)
            }
        }
    }

    pub(crate) fn matches(&self, value: &str) -> bool {
        match self {
            Self::Anything => true,
            Self::Exactly(text) => text == value,
            Self::Expression(expression) => expression.is_match(value),
            Self::Nothing => false,
        }
    }

    pub(crate) fn matches_any(&self, value: Option<&str>) -> bool {
        value.is_some_and(|value| self.matches(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, value: &str) -> bool {
        Pattern::new(Some(pattern)).matches(value)
    }

    #[test]
    fn a_missing_pattern_matches_anything() {
        assert!(Pattern::new(None).matches("x") && matches("", "x"));
        assert!(!Pattern::new(None).matches_any(None));
    }

    #[test]
    fn a_plain_text_matches_exactly() {
        assert!(matches("c1_a", "c1_a") && matches("a{b", "a{b") && matches("/a", "/a"));
        assert!(!matches("c1_", "c1_a") && !matches("c1_a", "C1_A"));
    }

    #[test]
    fn a_text_between_slashes_is_a_regular_expression() {
        assert!(matches("/^c1_/", "c1_a") && matches("/b.d/", "abcde") && matches("/a/b/", "xa/by"));
        assert!(matches("/ÉCHO/i", "c1_écho") && !matches("/ECHO/", "echo"));
        assert!(matches("/^(c0|c1)_\\w+$/", "c1_a") && !matches("/^c1_$/", "c1_a"));
    }

    #[test]
    fn an_invalid_expression_matches_nothing() {
        assert!(!matches("/(/", "(") && !matches("/(/", ""));
    }
}
