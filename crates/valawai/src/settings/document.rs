//! Settings in a tree: a configuration file, a key-value store, or an operator's order.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::source::{Found, Source, find_text_or_file};

/// How deep the tree may be. What is deeper is left out.
const MAX_DEPTH: usize = 16;

/// Settings in a tree. `channels/data/received_message/prefetch` is the setting `CHANNEL_DATA_RECEIVED_MESSAGE_PREFETCH`; a branch
/// is the setting with its JSON.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Document {
    origin: String,
    /// Whether `<name>_FILE` names a file with the value. Otherwise whoever writes the document could read files of the host.
    may_name_files: bool,
    settings: BTreeMap<String, Entry>,
}

#[derive(Clone, PartialEq, Eq)]
struct Entry {
    path: String,
    text: String,
    is_leaf: bool,
}

impl Document {
    /// The settings in `tree`, which come from `origin`.
    #[must_use]
    pub fn new(origin: &str, tree: &Map<String, Value>) -> Self {
        let mut document = Self { origin: origin.to_owned(), ..Self::default() };
        for (key, value) in tree {
            document.add(key, value, 1);
        }
        document
    }

    /// The settings of a key-value store, by their paths. A text that is a JSON object or array is a branch.
    #[must_use]
    pub fn from_paths(origin: &str, texts: &BTreeMap<String, String>) -> Self {
        let mut tree = Map::new();
        for (path, text) in texts {
            insert(&mut tree, path, branch(text).unwrap_or_else(|| Value::String(text.clone())));
        }
        Self::new(origin, &tree)
    }

    /// Permits it to name files with values.
    #[must_use]
    pub(super) fn with_files(self) -> Self {
        Self { may_name_files: true, ..self }
    }

    /// The names and paths of the values.
    pub(super) fn leaves(&self) -> impl Iterator<Item = (&str, &str)> {
        let leaves = self.settings.iter().filter(|(_, entry)| entry.is_leaf);
        leaves.map(|(name, entry)| (&**name, &*entry.path))
    }

    /// Without the settings of these names.
    #[must_use]
    pub(super) fn without(mut self, names: &BTreeSet<String>) -> Self {
        self.settings.retain(|name, _| !names.contains(name));
        self
    }

    fn add(&mut self, path: &str, value: &Value, depth: usize) {
        let text = match value {
            Value::Null => return,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let is_leaf = !value.is_object();
        self.settings.insert(name_of(path), Entry { path: path.to_owned(), text, is_leaf });
        if let Value::Object(branch) = value
            && depth < MAX_DEPTH
        {
            for (key, value) in branch {
                self.add(&format!("{path}/{key}"), value, depth + 1);
            }
        }
    }
}

impl Source for Document {
    fn find(&self, name: &str) -> Result<Option<Found>, String> {
        let get = |name: &str| Ok(self.settings.get(name).map(|entry| entry.text.clone()));
        let found = if self.may_name_files {
            find_text_or_file(name, &self.origin, get)
        } else {
            Ok(get(name)?.map(|text| Found { text, origin: self.origin.clone(), priority: 0 }))
        };
        found.map_err(|expected| format!("{expected}, in {}", self.origin))
    }
}

/// The name of the setting at `path`.
#[must_use]
pub fn name_of(path: &str) -> String {
    let path = match path.strip_prefix("channels/") {
        Some(channel) => format!("channel/{channel}"),
        None => path.to_owned(),
    };
    path.chars().map(|it| if it.is_ascii_alphanumeric() { it.to_ascii_uppercase() } else { '_' }).collect()
}

fn insert(tree: &mut Map<String, Value>, path: &str, value: Value) {
    let Some((first, rest)) = path.split_once('/') else {
        match (tree.get_mut(path), value) {
            // The same branch, as JSON and as keys.
            (Some(Value::Object(known)), Value::Object(more)) => known.extend(more),
            (_, value) => drop(tree.insert(path.to_owned(), value)),
        }
        return;
    };
    if path.matches('/').count() >= MAX_DEPTH {
        return;
    }
    let branch = tree.entry(first).or_insert_with(|| Value::Object(Map::new()));
    if !branch.is_object() {
        *branch = Value::Object(Map::new());
    }
    if let Value::Object(branch) = branch {
        insert(branch, rest, value);
    }
}

fn branch(text: &str) -> Option<Value> {
    let begins = text.trim_start().starts_with(['{', '[']);
    serde_json::from_str(text).ok().filter(|_| begins)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(document: &Document, name: &str) -> Option<String> {
        document.find(name).unwrap().map(|found| found.text)
    }

    fn from_paths<const N: usize>(texts: [(&str, &str); N]) -> Document {
        Document::from_paths("Consul", &texts.map(|(path, text)| (path.to_owned(), text.to_owned())).into())
    }

    #[test]
    fn a_path_names_a_setting() {
        let document = from_paths([
            ("workers", "2"),
            ("log_console_level", "DEBUG"),
            ("channels/data/received_message/prefetch", "5"),
            ("model", ""),
        ]);
        assert_eq!(text(&document, "WORKERS").unwrap(), "2");
        assert_eq!(text(&document, "LOG_CONSOLE_LEVEL").unwrap(), "DEBUG");
        assert_eq!(text(&document, "CHANNEL_DATA_RECEIVED_MESSAGE_PREFETCH").unwrap(), "5");
        assert_eq!(text(&document, "MODEL").unwrap(), "", "an empty text is a value");
        assert_eq!(text(&document, "MISSING"), None);
    }

    #[test]
    fn a_branch_is_json_or_keys_or_both() {
        let document = from_paths([
            ("logging_config", r#"{"valawai": "DEBUG"}"#),
            ("logging_config/valawai::mov", "WARN"),
            ("limits", r#"{"heat": {"highest": 30}}"#),
            ("not_json", "{x"),
        ]);
        let logging: Value = serde_json::from_str(&text(&document, "LOGGING_CONFIG").unwrap()).unwrap();
        assert_eq!(logging, json!({ "valawai": "DEBUG", "valawai::mov": "WARN" }));
        assert_eq!(text(&document, "LIMITS_HEAT_HIGHEST").unwrap(), "30");
        assert_eq!(text(&document, "NOT_JSON").unwrap(), "{x");
    }

    #[test]
    fn a_text_and_keys_below_it_are_a_branch() {
        let document = from_paths([("a", "text"), ("a/b", "1")]);
        assert_eq!(
            (text(&document, "A").unwrap(), text(&document, "A_B").unwrap()),
            (r#"{"b":"1"}"#.into(), "1".into())
        );
    }

    #[test]
    fn values_of_json_are_texts_and_null_is_nothing() {
        let tree = json!({ "a": 1.5, "b": true, "c": null, "d": [1, 2], "e": "x" });
        let document = Document::new("the file", tree.as_object().unwrap());
        let texts = ["A", "B", "C", "D", "E"].map(|name| text(&document, name));
        assert_eq!(texts, [Some("1.5"), Some("true"), None, Some("[1,2]"), Some("x")].map(|it| it.map(str::to_owned)));
    }

    #[test]
    fn only_a_file_may_name_files() {
        let tree = json!({ "rabbitmq_password_file": "/no/such/file" });
        let document = Document::new("the file", tree.as_object().unwrap());
        assert!(document.find("RABBITMQ_PASSWORD").unwrap().is_none(), "a store could read the host's files");
        assert!(document.with_files().find("RABBITMQ_PASSWORD").is_err());
    }

    #[test]
    fn a_tree_that_is_too_deep_is_cut() {
        let path = vec!["a"; 100_000].join("/");
        assert_eq!(from_paths([(&*path, "1")]).leaves().count(), 0);
    }
}
