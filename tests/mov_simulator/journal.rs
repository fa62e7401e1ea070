//! What the simulator tells on its console: one line for each event, made for people.

use std::io::{Write, stdout};

const LONGEST: usize = 400;

/// Writes a line. Nobody may be there to read it any more; the work goes on.
pub(crate) fn tell(text: &str) {
    let line: String = text.chars().take(LONGEST).map(|next| if next.is_control() { ' ' } else { next }).collect();
    let more = if text.chars().nth(LONGEST).is_some() { "…" } else { "" };
    let _ = writeln!(stdout(), "{line}{more}");
}
