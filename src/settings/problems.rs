//! What is wrong with the settings, for the person who has to mend them.

use std::fmt;

/// What is wrong with one variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) name: &'static str,
    pub(super) expected: String,
    /// What was found, and where; nothing of a secret.
    pub(super) found: Option<(String, String)>,
}

/// All that is wrong with the settings: a line for each variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub(super) Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the settings are wrong:")?;
        for Problem { name, expected, found } in &self.0 {
            write!(formatter, "\n  {name}: expected {expected}")?;
            if let Some((text, origin)) = found {
                let text: String = text.chars().take(80).collect();
                write!(formatter, "; found `{}` in {origin}", text.escape_debug())?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
