//! Child processes: start, stop and resource usage.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The time between SIGTERM and SIGKILL.
const STOP_LIMIT: Duration = Duration::from_secs(15);

/// A running child process. Dropping it stops the process.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
}

/// A command whose process the kernel kills when the benchmark ends for any reason.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

impl Process {
    /// Starts a command made by [`command()`], with its standard output and error redirected to the file `output`.
    pub(crate) fn start(mut command: Command, output: &Path) -> io::Result<Self> {
        let output = File::create(output)?;
        let child = command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).spawn()?;
        Ok(Self { child })
    }

    pub(crate) fn has_exited(&mut self) -> io::Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Sends SIGTERM and waits for the exit. A process that does not exit in time is killed.
    pub(crate) fn stop(mut self) -> io::Result<()> {
        self.terminate()
    }

    /// The processor time that its threads have used so far.
    pub(crate) fn cpu_time(&self) -> io::Result<Duration> {
        let mut nanoseconds = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            // The thread may have exited since the folder was read.
            let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
            nanoseconds += text.split(' ').next().and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// The bytes that it has in memory.
    pub(crate) fn resident_memory(&self) -> io::Result<u64> {
        self.status_bytes("VmRSS:")
    }

    /// The most bytes that it has had in memory.
    pub(crate) fn peak_memory(&self) -> io::Result<u64> {
        self.status_bytes("VmHWM:")
    }

    fn status_bytes(&self, field: &str) -> io::Result<u64> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let value = text.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default();
        Ok(value.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) * 1024)
    }

    fn terminate(&mut self) -> io::Result<()> {
        if self.has_exited()? {
            return Ok(());
        }
        kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGTERM)?;
        let signalled = Instant::now();
        while !self.has_exited()? {
            if signalled.elapsed() > STOP_LIMIT {
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
        // Fails only if the process exits at the same moment.
        let _ = self.terminate();
    }
}
