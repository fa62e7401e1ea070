//! Where settings come from.

use std::fs::File;
use std::io::Read;

/// Gives the text of a variable. Tests use a map, so that they never touch the real environment.
pub trait Source {
    /// The text of the variable `name`, or `None` when it is not set.
    ///
    /// # Errors
    /// When it is set to something that is no text.
    fn get(&self, name: &str) -> Result<Option<String>, String>;
}

/// The environment of the process.
#[derive(Debug, Clone, Copy)]
pub struct Environment;

impl Source for Environment {
    fn get(&self, name: &str) -> Result<Option<String>, String> {
        match std::env::var(name) {
            Ok(text) => Ok(Some(text)),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => Err("text in UTF-8".to_owned()),
        }
    }
}

impl<const N: usize> Source for [(&str, &str); N] {
    fn get(&self, name: &str) -> Result<Option<String>, String> {
        Ok(self.iter().find(|(key, _)| *key == name).map(|(_, text)| (*text).to_owned()))
    }
}

/// The largest file that holds a setting, in bytes.
const LARGEST_FILE: u64 = 64 * 1024;

/// A setting, and where it was found. Its text may be a secret.
pub(super) struct Found {
    pub(super) text: String,
    /// For a person; not the name of a file, because a password may stand in its place.
    pub(super) origin: String,
}

/// Looks for `name`, and for a file that `name_FILE` names. A variable that is set to nothing counts as not set, because
/// Compose sets those that it was not given.
pub(super) fn find(source: &dyn Source, name: &str) -> Result<Option<Found>, String> {
    let file_variable = format!("{name}_FILE");
    let text = source.get(name)?.filter(|text| !text.is_empty());
    let path = source.get(&file_variable)?.filter(|path| !path.is_empty());
    match (text, path) {
        (Some(_), Some(_)) => Err(format!("either {name} or {file_variable}, not both")),
        (Some(text), None) => Ok(Some(Found { text, origin: "the environment".to_owned() })),
        (None, Some(path)) => {
            let unreadable = |error| format!("a readable file, but what {file_variable} names cannot be read: {error}");
            let text = read(&path).map_err(unreadable)?;
            Ok(Some(Found { text, origin: format!("the file that {file_variable} names") }))
        }
        (None, None) => Ok(None),
    }
}

fn read(path: &str) -> std::io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(LARGEST_FILE).read_to_string(&mut text)?;
    // Editors end a file with a line break, which is no part of a password.
    let end = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(end);
    Ok(text)
}
