//! The configuration file, `CONFIG_FILE`: JSON, or TOML.

use std::fs::File;
use std::io::Read;

use serde_json::{Map, Value};

use super::document::Document;

/// The longest file that is read, in bytes.
const MAX_BYTES: u64 = 1024 * 1024;

/// Where its settings come from, for messages.
const ORIGIN: &str = "the file that CONFIG_FILE names";

/// Reads the file.
///
/// # Errors
/// What was expected. It contains nothing of the file, which may hold secrets.
pub(super) fn read(path: &str) -> Result<Document, String> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text));
    read.map_err(|error| format!("a readable file; it cannot be read: {error}"))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(format!("a file of at most {MAX_BYTES} bytes"));
    }
    let is_json = text.trim_start().starts_with('{');
    let tree = if is_json { parse_json(&text) } else { parse_toml(&text) };
    Ok(Document::new(ORIGIN, &tree?).with_files())
}

fn parse_json(text: &str) -> Result<Map<String, Value>, String> {
    serde_json::from_str(text).map_err(|error| {
        format!("JSON, or TOML; the file is not valid JSON at line {}, column {}", error.line(), error.column())
    })
}

fn parse_toml(text: &str) -> Result<Map<String, Value>, String> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
        format!("TOML, or JSON in braces; the file is not valid TOML at line {line}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Source;

    fn read_text(text: &str) -> Result<Document, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        read(file.path().to_str().unwrap())
    }

    #[test]
    fn a_file_is_json_or_toml() {
        let json = r#"{ "workers": 2, "channels": { "data": { "in": { "prefetch": 7 } } } }"#;
        let toml = "workers = 2\n[channels.data.in]\nprefetch = 7\n";
        for text in [json, toml] {
            let document = read_text(text).unwrap();
            for (name, expected) in [("WORKERS", "2"), ("CHANNEL_DATA_IN_PREFETCH", "7")] {
                let found = document.find(name).unwrap().unwrap_or_else(|| panic!("no {name} in {text}"));
                assert_eq!((&*found.text, &*found.origin), (expected, ORIGIN));
            }
        }
        assert!(
            read_text("").unwrap() == Document::new(ORIGIN, &Map::new()).with_files(),
            "an empty file sets nothing"
        );
    }

    #[test]
    fn a_malformed_file_is_reported_with_its_line_and_without_its_text() {
        for (text, line) in
            [("{\n\"password\": hunter2}", "line 2"), ("a = 1\npassword = hunter2\n", "line 2"), ("[1]x", "line 1")]
        {
            let Err(expected) = read_text(text) else { panic!("{text:?} was accepted") };
            assert!(expected.contains(line) && !expected.contains("hunter2"), "{text:?}: {expected}");
        }
        assert!(read("/no/such/file").is_err());
    }
}
