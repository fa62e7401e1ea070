//! Changes of settings that come by message.

use std::fmt;

use serde_json::{Map, Value};

/// Changes the settings of the process.
pub trait Configure: Send + Sync {
    /// Reads the configuration file and the key-value store now. It may take as long as the store may. Returns what has changed,
    /// for people.
    ///
    /// # Errors
    /// Why nothing could be read, for people.
    fn reload(&self) -> Result<String, String>;

    /// Changes settings until the process ends, or until they are changed again; null undoes a change. Returns what has changed,
    /// for people.
    ///
    /// # Errors
    /// Why nothing was changed, for people.
    fn order(&self, changes: &Map<String, Value>) -> Result<String, String>;

    /// Whether there is a setting at this path.
    fn is_setting(&self, path: &str) -> bool;
}

impl fmt::Debug for dyn Configure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Configure")
    }
}
