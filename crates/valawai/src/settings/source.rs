//! Where settings come from.

use std::fs::File;
use std::io::Read;

/// Where settings come from: the environment, or several sources on top of each other.
pub trait Source {
    /// Finds the setting `name`.
    ///
    /// # Errors
    /// What was expected.
    fn find(&self, name: &str) -> Result<Option<Found>, String>;
}

/// Variables by name: the environment, or an array in tests.
pub trait Variables {
    /// The value of the variable `name`, or `None` if it is not set.
    ///
    /// # Errors
    /// What was expected, if the value is not text.
    fn get(&self, name: &str) -> Result<Option<String>, String>;
}

/// A setting that was found. Its text may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Found {
    /// The value.
    pub text: String,
    /// Where it was found, for messages. It does not contain the name of a file: it may be a password by mistake.
    pub origin: String,
    /// How many sources would have been asked after this one. A setting that contradicts another one of the same source is a
    /// mistake; one of a source with a higher priority replaces it.
    pub priority: usize,
}

/// The environment of the process.
#[derive(Debug, Clone, Copy)]
pub struct Environment;

impl Variables for Environment {
    fn get(&self, name: &str) -> Result<Option<String>, String> {
        match std::env::var(name) {
            Ok(text) => Ok(Some(text)),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => Err("UTF-8 text in the environment".to_owned()),
        }
    }
}

impl<const N: usize> Variables for [(&str, &str); N] {
    fn get(&self, name: &str) -> Result<Option<String>, String> {
        Variables::get(&self.as_slice(), name)
    }
}

impl Variables for &[(&str, &str)] {
    fn get(&self, name: &str) -> Result<Option<String>, String> {
        Ok(self.iter().find(|(key, _)| *key == name).map(|(_, text)| (*text).to_owned()))
    }
}

impl Variables for Vec<(String, String)> {
    fn get(&self, name: &str) -> Result<Option<String>, String> {
        Ok(self.iter().find(|(key, _)| key == name).map(|(_, text)| text.clone()))
    }
}

/// A setting is in the variable of its name, or in the file that the variable `<name>_FILE` names. An empty variable counts as
/// not set, because Compose passes unset variables as empty ones.
impl<V: Variables> Source for V {
    fn find(&self, name: &str) -> Result<Option<Found>, String> {
        find_text_or_file(name, "the environment", |name| Ok(self.get(name)?.filter(|text| !text.is_empty())))
    }
}

/// Finds the setting `name`, or the file with its value.
pub(super) fn find_text_or_file(
    name: &str,
    origin: &str,
    get: impl Fn(&str) -> Result<Option<String>, String>,
) -> Result<Option<Found>, String> {
    let file_variable = format!("{name}_FILE");
    match (get(name)?, get(&file_variable)?) {
        (Some(_), Some(_)) => Err(format!("either {name} or {file_variable}, not both")),
        (Some(text), None) => Ok(Some(Found { text, origin: origin.to_owned(), priority: 0 })),
        (None, Some(path)) => {
            let origin = format!("the file that {file_variable} names");
            let text = read(&path).map_err(|error| format!("a readable file; {origin} cannot be read: {error}"))?;
            Ok(Some(Found { text, origin, priority: 0 }))
        }
        (None, None) => Ok(None),
    }
}

/// The maximum number of bytes that are read from a file with the value of one setting.
const MAX_FILE_BYTES: u64 = 64 * 1024;

fn read(path: &str) -> std::io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MAX_FILE_BYTES).read_to_string(&mut text)?;
    // Editors add a line break at the end of a file.
    let end = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(end);
    Ok(text)
}
