//! The sources of settings.

use std::fs::File;
use std::io::Read;

/// Reads variables. Tests use an array in place of the environment.
pub trait Source {
    /// The value of the variable `name`, or `None` if it is not set.
    ///
    /// # Errors
    /// What was expected, if the value is not text.
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
            Err(std::env::VarError::NotUnicode(_)) => Err("UTF-8 text in the environment".to_owned()),
        }
    }
}

impl<const N: usize> Source for [(&str, &str); N] {
    fn get(&self, name: &str) -> Result<Option<String>, String> {
        Source::get(&self.as_slice(), name)
    }
}

impl Source for &[(&str, &str)] {
    fn get(&self, name: &str) -> Result<Option<String>, String> {
        Ok(self.iter().find(|(key, _)| *key == name).map(|(_, text)| (*text).to_owned()))
    }
}

/// The maximum number of bytes that are read from a file.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// A setting that was found. Its text may be a secret.
pub(super) struct Found {
    pub(super) text: String,
    /// Where it was found, for messages. It does not contain the name of a file: it may be a password by mistake.
    pub(super) origin: String,
}

/// Finds the setting `name`, either in the variable of that name or in the file that the variable `name_FILE` names. An
/// empty variable counts as not set, because Compose passes unset variables as empty ones.
///
/// # Errors
/// What was expected.
pub(super) fn find(source: &dyn Source, name: &str) -> Result<Option<Found>, String> {
    let file_variable = format!("{name}_FILE");
    let text = source.get(name)?.filter(|text| !text.is_empty());
    let path = source.get(&file_variable)?.filter(|path| !path.is_empty());
    match (text, path) {
        (Some(_), Some(_)) => Err(format!("either {name} or {file_variable}, not both")),
        (Some(text), None) => Ok(Some(Found { text, origin: "the environment".to_owned() })),
        (None, Some(path)) => {
            let origin = format!("the file that {file_variable} names");
            let text = read(&path).map_err(|error| format!("a readable file; {origin} cannot be read: {error}"))?;
            Ok(Some(Found { text, origin }))
        }
        (None, None) => Ok(None),
    }
}

fn read(path: &str) -> std::io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MAX_FILE_BYTES).read_to_string(&mut text)?;
    // Editors add a line break at the end of a file.
    let end = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(end);
    Ok(text)
}
