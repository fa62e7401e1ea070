//! The health file, `component_id.json`: there while the component is registered and connected, and only then.
//!
//! Beside it, in `component_id.json.previous`, stand the identifiers that may still be live at the MOV although nobody
//! answers for them: a process that was killed leaves them for the next one to unregister.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::name::ComponentId;

/// Far more than a notice of the MOV has. Somebody else may write the file, too.
const LARGEST: u64 = 1024 * 1024;

/// The health file. Failing to write it is logged, and never ends the component.
#[derive(Debug, Clone)]
pub struct HealthFile {
    path: PathBuf,
}

impl HealthFile {
    /// The health file at `path`.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The identifier in the file, if it is a health file.
    #[must_use]
    pub fn id(&self) -> Option<ComponentId> {
        let notice: Value = serde_json::from_str(&read(&self.path).ok()?).ok()?;
        notice.get("id")?.as_str()?.parse().ok()
    }

    /// Writes it: `notice` with sorted keys and two spaces of indent, all at once.
    pub fn show(&self, notice: &Value) {
        let text = format!("{notice:#}\n");
        if let Err(error) = self.replace(&self.path, text.as_bytes()) {
            let path = self.path.display();
            log::error!("cannot write the health file {path}: {error}; the component works, and never looks healthy");
        }
    }

    /// Removes it, and remembers its identifier among the previous ones.
    pub fn withdraw(&self) {
        if let Some(id) = self.id() {
            self.remember(id);
        }
        self.remove();
    }

    /// Removes it.
    pub fn remove(&self) {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                log::error!("cannot remove the health file {}: {error}", self.path.display());
            }
            _ => {}
        }
    }

    /// The identifiers that earlier runs, or earlier sessions, left behind.
    #[must_use]
    pub fn previous(&self) -> BTreeSet<ComponentId> {
        let text = read(&self.path_of_previous()).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    }

    /// `id` is not live any more, or is live again.
    pub fn forget(&self, id: &ComponentId) {
        let mut previous = self.previous();
        if previous.remove(id) {
            self.write_previous(&previous);
        }
    }

    /// `id` may be live, and will have to be unregistered.
    pub fn remember(&self, id: ComponentId) {
        let mut previous = self.previous();
        if previous.insert(id) {
            self.write_previous(&previous);
        }
    }

    fn write_previous(&self, ids: &BTreeSet<ComponentId>) {
        let path = self.path_of_previous();
        let written = if ids.is_empty() {
            fs::remove_file(&path)
        } else {
            let lines: Vec<&str> = ids.iter().map(ComponentId::as_str).collect();
            self.replace(&path, lines.join("\n").as_bytes())
        };
        if let Err(error) = written {
            log::warn!("cannot keep the identifiers to unregister in {}: {error}", path.display());
        }
    }

    fn path_of_previous(&self) -> PathBuf {
        self.with_suffix("previous")
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        // Whole or not at all: who reads it never sees a half.
        let draft = self.with_suffix(&format!("{}.new", std::process::id()));
        let written =
            File::create(&draft).and_then(|mut file| file.write_all(bytes)).and_then(|()| fs::rename(&draft, path));
        if written.is_err() {
            // What is left of the draft is of no use; the error that counts is the first.
            let _ = fs::remove_file(&draft);
        }
        written
    }

    fn with_suffix(&self, suffix: &str) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(".");
        path.push(suffix);
        path.into()
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(LARGEST).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ID: &str = "65a0b1c2d3e4f5061728394a";

    fn in_a_folder() -> (tempfile::TempDir, HealthFile) {
        let folder = tempfile::tempdir().unwrap();
        let file = HealthFile::new(folder.path().join("made/when/needed/component_id.json"));
        (folder, file)
    }

    #[test]
    fn it_is_written_with_sorted_keys_and_two_spaces() {
        let (_folder, file) = in_a_folder();
        file.show(&json!({"name": "c1_echo", "id": ID}));
        let text = fs::read_to_string(file.path()).unwrap();
        assert_eq!(text, format!("{{\n  \"id\": \"{ID}\",\n  \"name\": \"c1_echo\"\n}}\n"));
        assert_eq!(file.id(), Some(ID.parse().unwrap()));
    }

    #[test]
    fn withdrawn_it_is_gone_and_its_identifier_is_remembered_until_it_is_forgotten() {
        let (_folder, file) = in_a_folder();
        file.show(&json!({"id": ID}));
        file.withdraw();
        assert!(!file.path().exists());
        assert_eq!(file.previous(), BTreeSet::from([ID.parse().unwrap()]));
        file.forget(&ID.parse().unwrap());
        assert!(file.previous().is_empty());
        assert_eq!(fs::read_dir(file.path().parent().unwrap()).unwrap().count(), 0, "something was left in the folder");
    }

    #[test]
    fn what_is_no_health_file_has_no_identifier() {
        let (_folder, file) = in_a_folder();
        assert_eq!(file.id(), None, "there is no file");
        file.show(&json!(["nonsense"]));
        assert_eq!(file.id(), None);
        file.show(&json!({"id": "../../etc"}));
        assert_eq!(file.id(), None);
    }
}
