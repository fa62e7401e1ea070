//! The sources of settings on top of each other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::document::Document;
use super::problems::{Problem, Problems};
use super::source::{Found, Source};
use super::{file, parse, table};

/// The sources on top of each other: the command line, operators' orders, the key-value store, the environment, and the
/// configuration file. Clones are cheap enough for a reload.
#[derive(Clone)]
pub struct Layers {
    command_line: Document,
    orders: Document,
    store: Document,
    environment: Arc<dyn Source + Send + Sync>,
    file: Document,
    /// `KV_PRECEDENCE=env`: the environment is above the store.
    environment_first: bool,
    /// What is in effect instead of a value that is invalid.
    kept: BTreeMap<String, Option<Found>>,
}

impl Layers {
    /// The layers that exist before the store is asked: `command_line`, `environment`, and the file that they name.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn read(environment: Arc<dyn Source + Send + Sync>, command_line: Document) -> Result<Self, Problems> {
        let mut layers = Self {
            command_line,
            orders: Document::default(),
            store: Document::default(),
            environment,
            file: Document::default(),
            environment_first: false,
            kept: BTreeMap::new(),
        };
        let problem = |name, expected| Problems(vec![Problem::new(name, expected)]);
        layers.read_file().map_err(|expected| problem("CONFIG_FILE", expected))?;
        match layers.find("KV_PRECEDENCE").map_err(|expected| problem("KV_PRECEDENCE", expected))? {
            Some(found) => {
                let precedence = parse::precedence(&found.text);
                let invalid = |expected| Problems(vec![Problem::invalid("KV_PRECEDENCE", expected, &found)]);
                layers.environment_first = precedence.map_err(invalid)?;
            }
            None => layers.environment_first = false,
        }
        Ok(layers)
    }

    /// Reads the configuration file again.
    ///
    /// # Errors
    /// What was expected of `CONFIG_FILE`. The settings of the file stay as they were.
    pub fn read_file(&mut self) -> Result<(), String> {
        if let Some(path) = self.file_path()? {
            self.file = file::read(&path)?;
        }
        Ok(())
    }

    /// Whether there is a configuration file.
    #[must_use]
    pub fn has_file(&self) -> bool {
        matches!(self.file_path(), Ok(Some(_)))
    }

    fn file_path(&self) -> Result<Option<String>, String> {
        let found = match self.command_line.find("CONFIG_FILE")? {
            None => self.environment.find("CONFIG_FILE")?,
            found => found,
        };
        Ok(found.map(|found| found.text))
    }

    /// With the settings of the key-value store.
    #[must_use]
    pub fn with_store(self, store: Document) -> Self {
        let excluded = table::names_outside_of_stores();
        Self { store: store.without(&excluded), ..self }
    }

    /// With what operators have ordered while the component runs.
    #[must_use]
    pub fn with_orders(self, orders: Document) -> Self {
        Self { orders, ..self }
    }

    /// Keeps `found`, or the default, for a setting whose value is invalid.
    pub fn keep(&mut self, name: &str, found: Option<Found>) {
        self.kept.insert(name.to_owned(), found);
    }

    /// Whether a value is kept for the setting.
    #[must_use]
    pub fn keeps(&self, name: &str) -> bool {
        self.kept.contains_key(name)
    }

    /// Forgets what was kept: the values may be valid now.
    pub fn forget_kept(&mut self) {
        self.kept.clear();
    }

    /// The paths of the values in the file and in the store that are none of the `known` settings.
    #[must_use]
    pub fn unknown(&self, is_known: impl Fn(&str) -> bool) -> Vec<String> {
        let leaves = [&self.file, &self.store, &self.orders, &self.command_line].into_iter().flat_map(Document::leaves);
        let paths: BTreeSet<&str> = leaves.filter(|(name, _)| !is_known(name)).map(|(_, path)| path).collect();
        paths.into_iter().map(str::to_owned).collect()
    }

    /// The layers, the highest first.
    fn in_order(&self) -> [&dyn Source; 5] {
        let (store, environment): (&dyn Source, &dyn Source) = (&self.store, &*self.environment);
        let (upper, lower) = if self.environment_first { (environment, store) } else { (store, environment) };
        [&self.command_line, &self.orders, upper, lower, &self.file]
    }
}

impl Source for Layers {
    fn find(&self, name: &str) -> Result<Option<Found>, String> {
        if let Some(kept) = self.kept.get(name) {
            return Ok(kept.clone());
        }
        let layers = self.in_order();
        for (index, layer) in layers.iter().enumerate() {
            if let Some(found) = layer.find(name)? {
                return Ok(Some(Found { priority: layers.len() - index, ..found }));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(origin: &str, tree: &serde_json::Value) -> Document {
        Document::new(origin, tree.as_object().unwrap())
    }

    fn layers(environment: &'static [(&str, &str)]) -> Layers {
        let command_line = document("the command line", &json!({ "a": "flag" }));
        let layers = Layers::read(Arc::new(environment), command_line).unwrap();
        let layers = layers.with_store(document("Consul", &json!({ "a": "store", "b": "store", "c": "store" })));
        layers.with_orders(document("an operator", &json!({ "b": "order" })))
    }

    fn value(layers: &Layers, name: &str) -> (String, String) {
        let found = layers.find(name).unwrap().unwrap_or_else(|| panic!("no {name}"));
        (found.text, found.origin)
    }

    #[test]
    fn a_higher_layer_replaces_a_lower_one() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), r#"{"d": "file", "e": "file"}"#).unwrap();
        let path = file.path().to_str().unwrap().to_owned().leak();
        let environment = vec![("CONFIG_FILE", &*path), ("A", "env"), ("B", "env"), ("C", "env"), ("D", "env")].leak();
        let layers = layers(environment);
        for (name, text, origin) in [
            ("A", "flag", "the command line"),
            ("B", "order", "an operator"),
            ("C", "store", "Consul"),
            ("D", "env", "the environment"),
            ("E", "file", "the file that CONFIG_FILE names"),
        ] {
            assert_eq!(value(&layers, name), (text.to_owned(), origin.to_owned()));
        }
    }

    #[test]
    fn the_environment_can_be_above_the_store() {
        let layers = layers(&[("KV_PRECEDENCE", "env"), ("C", "env")]);
        assert_eq!(value(&layers, "C").0, "env");
        assert_eq!(value(&layers, "B").0, "order");
        let wrong = Layers::read(Arc::new([("KV_PRECEDENCE", "first")]), Document::default());
        assert!(wrong.is_err_and(|problems| problems.to_string().contains("KV_PRECEDENCE: expected")));
    }

    #[test]
    fn a_store_does_not_say_where_the_store_is() {
        let layers =
            layers(&[]).with_store(document("Consul", &json!({ "consul_host": "evil", "log_dir": "/", "x": 1 })));
        assert!(layers.find("CONSUL_HOST").unwrap().is_none() && layers.find("LOG_DIR").unwrap().is_none());
        assert_eq!(value(&layers, "X").0, "1");
    }
}
