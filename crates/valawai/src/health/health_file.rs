//! The health file, `component_id.json`: there while the component is registered and connected, and only then.

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::name::ComponentId;

/// Far more than a notice of the MOV has. Somebody else may write the file, too.
const LARGEST: u64 = 1024 * 1024;

/// Anybody may read it: what the MOV says of a component is no secret, and whoever watches it may be another user.
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

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its name, without the folder.
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
    pub fn id(&self) -> Option<ComponentId> {
        let notice: Value = serde_json::from_str(&read(&self.path).ok()?).ok()?;
        notice.get("id")?.as_str()?.parse().ok()
    }

    /// Writes it: `notice` with sorted keys and two spaces of indent. Whoever reads it sees all of it or nothing.
    ///
    /// # Errors
    /// When the folder cannot be made, or the file not be written there.
    pub fn write(&self, notice: &Value) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        // The folder may be everybody's, so the draft has a name that nobody can foresee, and is never somebody else's file.
        let permissions = Permissions::from_mode(MODE);
        let mut draft =
            tempfile::Builder::new().prefix(".component_id.").permissions(permissions).tempfile_in(folder)?;
        writeln!(draft, "{notice:#}")?;
        draft.as_file().sync_all()?;
        draft.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }

    /// Removes it.
    ///
    /// # Errors
    /// When it is there, and cannot be removed.
    pub fn clear(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
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
    fn it_is_written_with_sorted_keys_and_two_spaces_and_anybody_may_read_it() {
        let (_folder, file) = in_a_folder();
        file.write(&json!({"name": "c1_echo", "id": ID})).unwrap();
        let text = fs::read_to_string(file.path()).unwrap();
        assert_eq!(text, format!("{{\n  \"id\": \"{ID}\",\n  \"name\": \"c1_echo\"\n}}\n"));
        assert_eq!(file.id(), Some(ID.parse().unwrap()));
        assert_eq!(fs::metadata(file.path()).unwrap().permissions().mode() & 0o777, MODE);
    }

    #[test]
    fn cleared_it_leaves_nothing_behind() {
        let (_folder, file) = in_a_folder();
        file.clear().unwrap();
        file.write(&json!({"id": ID})).unwrap();
        file.clear().unwrap();
        assert!(!file.path().exists());
        assert_eq!(fs::read_dir(file.path().parent().unwrap()).unwrap().count(), 0, "something was left in the folder");
    }

    #[test]
    fn a_link_that_somebody_put_in_its_place_is_replaced_and_not_followed() {
        let (folder, file) = in_a_folder();
        let precious = folder.path().join("precious");
        fs::write(&precious, "untouched").unwrap();
        fs::create_dir_all(file.path().parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(&precious, file.path()).unwrap();
        file.write(&json!({"id": ID})).unwrap();
        assert_eq!(fs::read_to_string(&precious).unwrap(), "untouched");
        assert_eq!(file.id(), Some(ID.parse().unwrap()));
    }

    #[test]
    fn what_is_no_health_file_has_no_identifier() {
        let (_folder, file) = in_a_folder();
        assert_eq!(file.id(), None, "there is no file");
        file.write(&json!(["nonsense"])).unwrap();
        assert_eq!(file.id(), None);
        file.write(&json!({"id": "../../etc"})).unwrap();
        assert_eq!(file.id(), None);
    }
}
