//! The folder of one process: its log and its health file are there, and no other process's.
//!
//! Replicas may share one `LOG_DIR`, as those of `docker compose up --scale` do. The first takes the folder itself, the
//! others take `replica-2`, `replica-3` and so on in it. A folder is claimed by a lock on a file in it. The lock ends with
//! the process, however that ends, so it also tells whether the process that wrote a health file still lives.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// Processes that may share one folder.
const MOST_REPLICAS: usize = 100;

/// How often a lock is tried to take, and the pause in between.
const MOST_TRIES: usize = 3;
const PAUSE: Duration = Duration::from_millis(10);

/// The longest name of a host.
const LONGEST_HOST_NAME: u64 = 255;

/// A claimed folder, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Instance {
    folder: PathBuf,
    _lock: Option<File>,
}

/// A folder that was claimed by a process on this host.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Claimed {
    /// The folder.
    pub(crate) folder: PathBuf,
    /// Whether the process lives; `None` when the file system knows no locks.
    pub(crate) is_alive: Option<bool>,
}

impl Instance {
    /// Claims `base`, or a folder in it if another process has claimed that. `name` tells the lock from those of other
    /// components in the same folder.
    ///
    /// # Errors
    /// When no lock can be made there: the folder cannot be made or written, or its file system knows no locks. Nothing
    /// is claimed then, and the process may use `base` at its own risk.
    pub(crate) fn claim(base: &Path, name: &str) -> io::Result<Self> {
        for folder in folders(base) {
            fs::create_dir_all(&folder)?;
            let path = folder.join(lock_name(name));
            let mut file = match open(&path, true) {
                // It is there, and is another user's, or no file at all: whatever that means, the folder is not ours.
                Err(_) if path.symlink_metadata().is_ok() => continue,
                opened => opened?,
            };
            if lock(&file)? {
                write_host(&mut file)?;
                return Ok(Self { folder, _lock: Some(file) });
            }
        }
        Err(io::Error::other(format!("{MOST_REPLICAS} processes share it already")))
    }

    /// Uses `base` without having claimed it.
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
pub(crate) fn claimed(base: &Path, name: &str) -> Vec<Claimed> {
    let is_ours = |folder: PathBuf| {
        let mut file = open(&folder.join(lock_name(name)), false).ok()?;
        if read_host(&mut file).ok()? != host() {
            return None;
        }
        let is_alive = match file.try_lock_shared() {
            Ok(()) => Some(false),
            Err(TryLockError::WouldBlock) => Some(true),
            Err(TryLockError::Error(_)) => None,
        };
        Some(Claimed { folder, is_alive })
    };
    folders(base).filter_map(is_ours).collect()
}

/// Whether the lock could be taken. A health check holds it for a moment only.
fn lock(file: &File) -> io::Result<bool> {
    for _ in 0..MOST_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(false)
}

fn folders(base: &Path) -> impl Iterator<Item = PathBuf> {
    let replicas = (2..=MOST_REPLICAS).map(|number| base.join(format!("replica-{number}")));
    std::iter::once(base.to_owned()).chain(replicas)
}

fn lock_name(name: &str) -> String {
    format!(".{name}.lock")
}

/// The folder may be everybody's: a link that somebody else put there is not followed.
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
    file.take(LONGEST_HOST_NAME).read_to_string(&mut host)?;
    Ok(host)
}

/// Each container has a name of its own, so that its health check finds the process in it.
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
    fn each_process_gets_a_folder_of_its_own_and_a_free_one_is_used_again() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().join("made/when/needed");
        let first = Instance::claim(&base, NAME).unwrap();
        let second = Instance::claim(&base, NAME).unwrap();
        let third = Instance::claim(&base, NAME).unwrap();
        assert_eq!(first.folder(), base);
        assert_eq!(second.folder(), base.join("replica-2"));
        assert_eq!(third.folder(), base.join("replica-3"));
        drop(second);
        assert_eq!(Instance::claim(&base, NAME).unwrap().folder(), base.join("replica-2"));
        assert_eq!(Instance::claim(&base, "other.json").unwrap().folder(), base, "another component is in the way");
    }

    #[test]
    fn a_claim_ends_with_the_process() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(claimed(folder.path(), NAME), []);
        let instance = Instance::claim(folder.path(), NAME).unwrap();
        let alive = |is_alive| [Claimed { folder: folder.path().to_owned(), is_alive: Some(is_alive) }];
        assert_eq!(claimed(folder.path(), NAME), alive(true));
        assert_eq!(claimed(folder.path(), NAME), alive(true), "looking at it ended the claim");
        drop(instance);
        assert_eq!(claimed(folder.path(), NAME), alive(false));
    }

    #[test]
    fn a_claim_of_another_host_is_not_ours() {
        let folder = tempfile::tempdir().unwrap();
        let _instance = Instance::claim(folder.path(), NAME).unwrap();
        fs::write(folder.path().join(lock_name(NAME)), "elsewhere").unwrap();
        assert_eq!(claimed(folder.path(), NAME), []);
    }

    #[test]
    fn a_link_in_the_place_of_the_lock_is_not_followed_and_the_folder_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let precious = folder.path().join("precious");
        fs::write(&precious, "untouched").unwrap();
        std::os::unix::fs::symlink(&precious, folder.path().join(lock_name(NAME))).unwrap();
        assert_eq!(Instance::claim(folder.path(), NAME).unwrap().folder(), folder.path().join("replica-2"));
        assert_eq!(fs::read_to_string(&precious).unwrap(), "untouched");
    }
}
