//! The folder in which one process keeps its log and its health file.
//!
//! Replicas may share one `LOG_DIR`, as with `docker compose up --scale`. The first process claims the folder itself, the
//! others claim `replica-2`, `replica-3` and so on in it. A claim is a lock on a file in the folder. The system releases it
//! when the process ends, even after `kill -9`, so it also shows whether the process that wrote a health file is alive.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// How many processes may share one folder.
const MAX_REPLICAS: usize = 100;

/// How often to try to lock a file, and the pause between two attempts.
const LOCK_ATTEMPTS: usize = 3;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// The longest host name, in bytes.
const MAX_HOST_NAME: u64 = 255;

/// The folder of this process, claimed until this is dropped.
#[derive(Debug)]
pub(crate) struct Instance {
    folder: PathBuf,
    _lock: Option<File>,
}

/// A folder that a process on this host claimed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    /// The folder.
    pub(crate) folder: PathBuf,
    /// Whether the process is alive; `None` if the file system does not support locks.
    pub(crate) is_alive: Option<bool>,
}

impl Instance {
    /// Claims `base`, or a folder in it if other processes have claimed that. `name` distinguishes the components that
    /// share the folder.
    ///
    /// # Errors
    /// If the folder cannot be created or written, or its file system does not support locks. Nothing is claimed then, and
    /// the process may use `base` [without a claim](Self::unclaimed).
    pub(crate) fn claim(base: &Path, name: &str) -> io::Result<Self> {
        for folder in folders(base) {
            fs::create_dir_all(&folder)?;
            let path = folder.join(lock_name(name));
            let mut file = match open(&path, true) {
                // It belongs to another user, or is not a file: the folder is not ours.
                Err(_) if path.symlink_metadata().is_ok() => continue,
                opened => opened?,
            };
            if lock(&file)? {
                write_host(&mut file)?;
                return Ok(Self { folder, _lock: Some(file) });
            }
        }
        Err(io::Error::other(format!("{MAX_REPLICAS} processes use it already")))
    }

    /// Uses `base` without a claim.
    #[must_use]
    pub(crate) fn unclaimed(base: &Path) -> Self {
        Self { folder: base.to_owned(), _lock: None }
    }

    /// The folder.
    #[must_use]
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}

/// The folders in `base` that processes on this host claimed under `name`.
#[must_use]
pub(crate) fn claims(base: &Path, name: &str) -> Vec<Claim> {
    let claim = |folder: PathBuf| {
        let mut file = open(&folder.join(lock_name(name)), false).ok()?;
        if read_host(&mut file).ok()? != host() {
            return None;
        }
        let is_alive = match file.try_lock_shared() {
            Ok(()) => Some(false),
            Err(TryLockError::WouldBlock) => Some(true),
            Err(TryLockError::Error(_)) => None,
        };
        Some(Claim { folder, is_alive })
    };
    folders(base).filter_map(claim).collect()
}

/// Returns whether the file was locked. It tries more than once, because a health check locks the file for a moment.
fn lock(file: &File) -> io::Result<bool> {
    for _ in 0..LOCK_ATTEMPTS {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(false)
}

fn folders(base: &Path) -> impl Iterator<Item = PathBuf> {
    let replicas = (2..=MAX_REPLICAS).map(|number| base.join(format!("replica-{number}")));
    std::iter::once(base.to_owned()).chain(replicas)
}

fn lock_name(name: &str) -> String {
    format!(".{name}.lock")
}

/// Does not follow symbolic links: other users may create them in the folder.
fn open(path: &Path, to_claim: bool) -> io::Result<File> {
    OpenOptions::new().read(true).write(to_claim).create(to_claim).custom_flags(libc::O_NOFOLLOW).open(path)
}

fn write_host(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(host().as_bytes())
}

fn read_host(file: &mut File) -> io::Result<String> {
    let mut host = String::new();
    file.take(MAX_HOST_NAME).read_to_string(&mut host)?;
    Ok(host)
}

/// Each container has its own host name, so its health check finds the process of that container.
fn host() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| std::env::var("HOSTNAME").map_err(io::Error::other));
    name.unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "component_id.json";

    #[test]
    fn each_process_claims_its_own_folder() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().join("created/if/missing");
        let first = Instance::claim(&base, NAME).unwrap();
        let second = Instance::claim(&base, NAME).unwrap();
        let third = Instance::claim(&base, NAME).unwrap();
        assert_eq!(first.folder(), base);
        assert_eq!(second.folder(), base.join("replica-2"));
        assert_eq!(third.folder(), base.join("replica-3"));
    }

    #[test]
    fn a_released_folder_is_claimed_again() {
        let folder = tempfile::tempdir().unwrap();
        let _first = Instance::claim(folder.path(), NAME).unwrap();
        let second = Instance::claim(folder.path(), NAME).unwrap();
        let _third = Instance::claim(folder.path(), NAME).unwrap();
        drop(second);
        assert_eq!(Instance::claim(folder.path(), NAME).unwrap().folder(), folder.path().join("replica-2"));
    }

    #[test]
    fn components_with_different_names_share_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let _instance = Instance::claim(folder.path(), NAME).unwrap();
        assert_eq!(Instance::claim(folder.path(), "other.json").unwrap().folder(), folder.path());
    }

    #[test]
    fn a_claim_shows_whether_its_process_is_alive() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(claims(folder.path(), NAME), []);
        let instance = Instance::claim(folder.path(), NAME).unwrap();
        let expected = |is_alive| [Claim { folder: folder.path().to_owned(), is_alive: Some(is_alive) }];
        assert_eq!(claims(folder.path(), NAME), expected(true));
        assert_eq!(claims(folder.path(), NAME), expected(true), "the first check released the lock");
        drop(instance);
        assert_eq!(claims(folder.path(), NAME), expected(false));
    }

    #[test]
    fn a_claim_of_another_host_is_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let _instance = Instance::claim(folder.path(), NAME).unwrap();
        fs::write(folder.path().join(lock_name(NAME)), "other-host").unwrap();
        assert_eq!(claims(folder.path(), NAME), []);
    }

    #[test]
    fn a_folder_with_a_symbolic_link_in_place_of_the_lock_is_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("target");
        fs::write(&target, "unchanged").unwrap();
        std::os::unix::fs::symlink(&target, folder.path().join(lock_name(NAME))).unwrap();
        assert_eq!(Instance::claim(folder.path(), NAME).unwrap().folder(), folder.path().join("replica-2"));
        assert_eq!(fs::read_to_string(&target).unwrap(), "unchanged");
    }
}
