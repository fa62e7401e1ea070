//! A process that this one starts: it ends with it, and tells what it uses.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long a process may take to end after it was asked to.
const STOP_LIMIT: Duration = Duration::from_secs(15);

/// A running process. It is asked to end when it is dropped, and made to if it does not.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
}

/// A command whose process is killed when this one ends, in whatever way.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

impl Process {
    /// Starts what [`command`] made; what it writes goes to the file `words`.
    pub(crate) fn start(mut command: Command, words: &Path) -> io::Result<Self> {
        let words = File::create(words)?;
        let child = command.stdin(Stdio::null()).stdout(words.try_clone()?).stderr(words).spawn()?;
        Ok(Self { child })
    }

    pub(crate) fn has_ended(&mut self) -> io::Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Asks it to end, and waits.
    pub(crate) fn stop(mut self) -> io::Result<()> {
        self.end()
    }

    /// Nanoseconds of processor time that its threads have used so far.
    pub(crate) fn cpu(&self) -> io::Result<u64> {
        let mut total = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            // A thread may end just now.
            let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
            total += text.split(' ').next().and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
        }
        Ok(total)
    }

    /// Bytes in memory now.
    pub(crate) fn resident(&self) -> io::Result<u64> {
        self.status("VmRSS:")
    }

    /// The most bytes that it ever had in memory.
    pub(crate) fn peak(&self) -> io::Result<u64> {
        self.status("VmHWM:")
    }

    fn status(&self, name: &str) -> io::Result<u64> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) * 1024)
    }

    fn end(&mut self) -> io::Result<()> {
        if self.has_ended()? {
            return Ok(());
        }
        kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGTERM)?;
        let asked = Instant::now();
        while !self.has_ended()? {
            if asked.elapsed() > STOP_LIMIT {
                self.child.kill()?;
                self.child.wait()?;
                return Ok(());
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already, which is what we want.
        let _ = self.end();
    }
}
