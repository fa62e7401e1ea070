//! The limits of `SnakeYAML`, the MOV's YAML library.

use std::collections::BTreeSet;

use yaml_rust2::Event;
use yaml_rust2::parser::{EventReceiver, Parser};

const MAX_CHARACTERS: usize = 3 * 1024 * 1024;
/// Aliases of lists and maps; aliases of scalars do not count.
const MAX_ALIASES: usize = 50;

pub(super) fn check(text: &str) -> Result<(), String> {
    if text.chars().count() > MAX_CHARACTERS {
        return Err(format!("more than {MAX_CHARACTERS} characters"));
    }
    let mut counter = AliasCounter::default();
    let parsed = Parser::new_from_str(text).load(&mut counter, true);
    parsed.map_err(|error| format!("not YAML: {error}"))?;
    if counter.aliases > MAX_ALIASES {
        return Err(format!("more than {MAX_ALIASES} aliases of lists and maps"));
    }
    Ok(())
}

#[derive(Default)]
struct AliasCounter {
    /// The anchors of lists and maps.
    collections: BTreeSet<usize>,
    aliases: usize,
}

impl EventReceiver for AliasCounter {
    fn on_event(&mut self, event: Event) {
        match event {
            // 0 stands for no anchor.
            Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _) if anchor > 0 => {
                self.collections.insert(anchor);
            }
            Event::Alias(anchor) => self.aliases += usize::from(self.collections.contains(&anchor)),
            _ => (),
        }
    }
}
