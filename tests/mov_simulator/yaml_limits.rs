//! What the MOV's YAML library refuses before anybody looks at what it says.

use std::collections::BTreeSet;

use yaml_rust2::Event;
use yaml_rust2::parser::{EventReceiver, Parser};

const MOST_CHARACTERS: usize = 3 * 1024 * 1024;
/// Aliases of lists and maps; those of scalars do not count.
const MOST_ALIASES: usize = 50;

pub(crate) fn check(text: &str) -> Result<(), String> {
    if text.chars().count() > MOST_CHARACTERS {
        return Err("longer than 3 MiB".to_owned());
    }
    let mut counter = Counter::default();
    let parsed = Parser::new_from_str(text).load(&mut counter, true);
    parsed.map_err(|error| format!("not YAML: {error}"))?;
    if counter.aliases > MOST_ALIASES {
        return Err(format!("more than {MOST_ALIASES} aliases of lists and maps"));
    }
    Ok(())
}

#[derive(Default)]
struct Counter {
    collections: BTreeSet<usize>,
    aliases: usize,
}

impl EventReceiver for Counter {
    fn on_event(&mut self, event: Event) {
        match event {
            // 0: it has no anchor.
            Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _) if anchor > 0 => {
                self.collections.insert(anchor);
            }
            Event::Alias(anchor) => self.aliases += usize::from(self.collections.contains(&anchor)),
            _ => (),
        }
    }
}
