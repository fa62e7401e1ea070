//! Prints what commands find: data on the standard output, everything else on the standard error.

mod progress;
mod question;
mod table;

use std::fmt::Display;
use std::io::{self, IsTerminal, Stderr, Stdout, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

pub(super) use self::progress::Progress;
pub(super) use self::table::{Cell, Table};
use crate::escaped::{Escaped, escape_json};

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const RED: Style = AnsiColor::Red.on_default();
pub(super) const GREEN: Style = AnsiColor::Green.on_default();
pub(super) const YELLOW: Style = AnsiColor::Yellow.on_default();

/// How a command prints.
pub(super) struct Console {
    json: bool,
    yes: bool,
    has_colour: bool,
    data: Stdout,
    notes: Stderr,
}

impl Console {
    pub(super) fn new(json: bool, yes: bool) -> Self {
        let (data, notes) = (io::stdout(), io::stderr());
        Self { json, yes, has_colour: !json && data.is_terminal() && allows_colour(), data, notes }
    }

    /// Whether to print one JSON object a line.
    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// Prints a line for people. Whatever comes from outside is [clean](Self::clean) before.
    pub(super) fn line(&self, text: impl Display) -> io::Result<()> {
        writeln!(self.data.lock(), "{text}")
    }

    /// Prints an object, in one line.
    pub(super) fn object(&self, object: &impl Serialize) -> io::Result<()> {
        let json = serde_json::to_string(object).map_err(io::Error::other)?;
        writeln!(self.data.lock(), "{}", escape_json(json))
    }

    /// Prints a table for people.
    pub(super) fn table(&self, table: &Table) -> io::Result<()> {
        let text = table.render(|style, text| self.paint(style, text));
        self.data.lock().write_all(text.as_bytes())
    }

    /// Clears the screen, if there is one.
    pub(super) fn clear(&self) -> io::Result<()> {
        if io::stdout().is_terminal() { write!(self.data.lock(), "\x1b[2J\x1b[H") } else { Ok(()) }
    }

    /// Prints bytes as they are, for other programs.
    pub(super) fn bytes(&self, bytes: &[u8]) -> io::Result<()> {
        let mut output = self.data.lock();
        output.write_all(bytes)?;
        output.flush()
    }

    /// Prints what was done, or what to know, on the standard error.
    pub(super) fn note(&self, text: impl Display) {
        // Nothing can be done if it fails, and the data matter more.
        let _ = writeln!(self.notes.lock(), "{text}");
    }

    /// Prints why a command failed, on the standard error.
    pub(super) fn report(message: &str) {
        let has_colour = io::stderr().is_terminal() && allows_colour();
        // Line breaks are the command's own; what is in a line may be from outside.
        let lines: Vec<String> = message.lines().map(|line| Escaped(line).to_string()).collect();
        let _ = writeln!(io::stderr().lock(), "{} {}", paint(has_colour, RED, "error:"), lines.join("\n"));
    }

    /// `text` in `style`, if the output has colour.
    pub(super) fn paint(&self, style: Style, text: impl Display) -> String {
        paint(self.has_colour, style, text)
    }

    /// `text` from outside, without what would control the terminal.
    pub(super) fn clean(text: impl Display) -> String {
        Escaped(&text).to_string()
    }

    /// A progress bar for `total` items, if the standard error is a terminal.
    pub(super) fn progress(&self, total: u64) -> Progress {
        Progress::new(total, self.notes.is_terminal())
    }
}

fn paint(has_colour: bool, style: Style, text: impl Display) -> String {
    if has_colour { format!("{style}{text}{style:#}") } else { text.to_string() }
}

/// See <https://no-color.org>.
fn allows_colour() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !is_set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|terminal| terminal != "dumb")
}

/// One word for a shell.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_becomes_one_word_of_a_shell() {
        assert_eq!(quoted("it's; $x"), r"'it'\''s; $x'");
    }
}
