//! The health file, `component_id.json`. It exists only while the component is registered and connected.

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::name::Id;
use crate::simulation;

/// How many bytes of the file are read, at the most. A notice of the MOV is far smaller, but anybody may write the file.
const MAX_BYTES: u64 = 1024 * 1024;

/// Everybody may read the file: its content is not secret, and a monitor may run as another user.
const MODE: u32 = 0o644;

/// The health file.
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

    /// The path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name of the file, without its folder.
    #[must_use]
    pub fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The same file in another folder.
    #[must_use]
    pub fn in_folder(&self, folder: &Path) -> Self {
        Self { path: folder.join(self.name()) }
    }

    /// The identifier in the file, if it is a health file.
    #[must_use]
    pub fn id(&self) -> Option<Id> {
        let notice: Value = serde_json::from_str(&self.read().ok()?).ok()?;
        notice.get("id")?.as_str()?.parse().ok()
    }

    /// Writes `notice` with sorted keys and an indent of two spaces. Readers see the whole file or none.
    ///
    /// # Errors
    /// If the folder cannot be created, or the file cannot be written in it.
    pub fn write(&self, notice: &Value) -> io::Result<()> {
        if let Some(simulation) = simulation::current() {
            simulation.write(&self.path, Some(format!("{notice:#}\n")));
            return Ok(());
        }
        let folder = self.path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        // Other users may write to the folder, so the temporary file is new and its name unpredictable.
        let permissions = Permissions::from_mode(MODE);
        let mut file =
            tempfile::Builder::new().prefix(".component_id.").permissions(permissions).tempfile_in(folder)?;
        writeln!(file, "{notice:#}")?;
        file.as_file().sync_all()?;
        file.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }

    /// Removes the file, if it exists.
    ///
    /// # Errors
    /// If the file cannot be removed.
    pub fn clear(&self) -> io::Result<()> {
        if let Some(simulation) = simulation::current() {
            simulation.write(&self.path, None);
            return Ok(());
        }
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn read(&self) -> io::Result<String> {
        if let Some(simulation) = simulation::current() {
            return simulation.read(&self.path).ok_or(io::ErrorKind::NotFound.into());
        }
        let mut text = String::new();
        File::open(&self.path)?.take(MAX_BYTES).read_to_string(&mut text)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ID: &str = "65a0b1c2d3e4f5061728394a";

    fn health_file() -> (tempfile::TempDir, HealthFile) {
        let folder = tempfile::tempdir().unwrap();
        let file = HealthFile::new(folder.path().join("created/if/missing/component_id.json"));
        (folder, file)
    }

    #[test]
    fn the_file_has_sorted_keys_and_an_indent_of_two_spaces() {
        let (_folder, file) = health_file();
        file.write(&json!({"name": "c1_echo", "id": ID})).unwrap();
        let text = fs::read_to_string(file.path()).unwrap();
        assert_eq!(text, format!("{{\n  \"id\": \"{ID}\",\n  \"name\": \"c1_echo\"\n}}\n"));
        assert_eq!(file.id(), Some(ID.parse().unwrap()));
    }

    #[test]
    fn everybody_may_read_the_file() {
        let (_folder, file) = health_file();
        file.write(&json!({"id": ID})).unwrap();
        assert_eq!(fs::metadata(file.path()).unwrap().permissions().mode() & 0o777, MODE);
    }

    #[test]
    fn clearing_leaves_an_empty_folder() {
        let (_folder, file) = health_file();
        file.write(&json!({"id": ID})).unwrap();
        file.clear().unwrap();
        assert_eq!(fs::read_dir(file.path().parent().unwrap()).unwrap().count(), 0, "a file is left in the folder");
    }

    #[test]
    fn clearing_a_file_that_does_not_exist_succeeds() {
        let (_folder, file) = health_file();
        file.clear().unwrap();
    }

    #[test]
    fn a_symbolic_link_in_its_place_is_replaced_and_not_followed() {
        let (folder, file) = health_file();
        let target = folder.path().join("target");
        fs::write(&target, "unchanged").unwrap();
        fs::create_dir_all(file.path().parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(&target, file.path()).unwrap();
        file.write(&json!({"id": ID})).unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "unchanged");
        assert_eq!(file.id(), Some(ID.parse().unwrap()));
    }

    #[test]
    fn a_missing_or_malformed_file_has_no_identifier() {
        let (_folder, file) = health_file();
        assert_eq!(file.id(), None, "the file does not exist");
        for malformed in [json!(["an array"]), json!({"id": "../../etc"})] {
            file.write(&malformed).unwrap();
            assert_eq!(file.id(), None, "{malformed} has an identifier");
        }
    }
}
