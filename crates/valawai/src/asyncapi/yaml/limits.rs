//! The limits of `SnakeYAML`, with its default options. A document beyond one of them is refused.

/// In characters, not bytes.
pub(super) const MAX_CHARACTERS: usize = 3 * 1024 * 1024;
/// Aliases of lists and maps; aliases of texts do not count.
pub(super) const MAX_ALIASES: usize = 50;
/// Lists and maps within each other. Aliases do not count.
pub(super) const MAX_DEPTH: usize = 50;
/// Entries that merge keys copy. The only limit that is not `SnakeYAML`'s: it keeps the time of the check short.
pub(super) const MAX_MERGED: usize = 100_000;

/// The line of the first character that YAML does not allow, and the character.
pub(super) fn find_forbidden(text: &str) -> Option<(usize, char)> {
    let (position, character) = text.char_indices().find(|(_, character)| !is_printable(*character))?;
    Some((1 + text[..position].matches('\n').count(), character))
}

fn is_printable(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{A0}'..='\u{FFFD}' | '\u{1_0000}'..)
}
