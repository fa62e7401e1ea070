//! What is wrong in `asyncapi.yaml`, and in which line.

use std::fmt;

/// A file with more findings than this is no contract. Each of the lists is limited.
const MAX_FINDINGS: usize = 100;
/// How much of a text of the file is quoted.
const MAX_QUOTED: usize = 80;

/// One defect: the line, and what the MOV does with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, what the MOV does, and the remedy.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "asyncapi.yaml:{}: {}", self.line, self.text)
    }
}

/// All findings of a file.
#[derive(Debug, Default)]
pub(super) struct Findings {
    errors: Vec<Finding>,
    warnings: Vec<Finding>,
}

impl Findings {
    /// The MOV would refuse the component, never notify it, or never connect a channel.
    pub(super) fn error(&mut self, line: usize, text: impl Into<String>) {
        add(&mut self.errors, Finding { line, text: text.into() });
    }

    /// The MOV accepts it, but probably it is not meant.
    pub(super) fn warning(&mut self, line: usize, text: impl Into<String>) {
        add(&mut self.warnings, Finding { line, text: text.into() });
    }

    /// Whether there is a finding for this line.
    pub(super) fn has_line(&self, line: usize) -> bool {
        self.errors.iter().chain(&self.warnings).any(|finding| finding.line == line)
    }

    /// The errors and the warnings, each in the order of the lines.
    pub(super) fn into_lists(self) -> (Vec<Finding>, Vec<Finding>) {
        let Self { mut errors, mut warnings } = self;
        errors.sort_by_key(|finding| finding.line);
        warnings.sort_by_key(|finding| finding.line);
        (errors, warnings)
    }

    /// The warnings, in the order of the lines; or the errors, if there are any.
    pub(super) fn into_result(self) -> Result<Vec<Finding>, Vec<Finding>> {
        let (errors, warnings) = self.into_lists();
        if errors.is_empty() { Ok(warnings) } else { Err(errors) }
    }
}

/// Two channels can have the same defective message, which is reported once.
fn add(findings: &mut Vec<Finding>, finding: Finding) {
    if findings.len() < MAX_FINDINGS && !findings.contains(&finding) {
        findings.push(finding);
    }
}

/// The start of a text of the file, which can be megabytes long.
pub(super) fn quote(text: &str) -> String {
    match text.char_indices().nth(MAX_QUOTED) {
        Some((end, _)) => format!("`{}…`", &text[..end]),
        None => format!("`{text}`"),
    }
}
