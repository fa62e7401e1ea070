//! Processes that end with the test process, however that one ends.
//!
//! A small shell, the reaper, reads the ids of the started processes from a pipe. The pipe closes when the test process is
//! gone, even after SIGKILL. The reaper then kills the processes and removes their directories.

use std::ffi::OsStr;
use std::io::{PipeWriter, Write, pipe};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use crate::wait::poll;

/// Each process leads a process group, so that its children are killed with it. Removing a directory may need several
/// attempts, since a killed process completes its last system call.
const REAPER_SCRIPT: &str = r#"
trap '' HUP INT TERM
pids=' '
while read -r event value; do
    case $event in
        started) pids="$pids$value " ;;
        ended) case $pids in *" $value "*) pids="${pids%% "$value" *} ${pids#* "$value" }" ;; esac ;;
        directory) set -- "$@" "$value" ;;
    esac
done
for pid in $pids; do kill -s KILL -- "-$pid"; done
attempts=0
until rm -rf -- "$@" || [ "$attempts" -eq 50 ]; do
    attempts=$((attempts + 1))
    sleep 0.1
done
"#;

/// A process reports its id to the reaper before it becomes the program, so that no started process is unknown to it. `$0` is the
/// file of its standard input.
const REPORT_AND_EXEC: &str = r#"echo "started $$" >&0 && exec "$@" <"$0""#;

/// A process that is killed when it is dropped, and when the test process ends.
#[derive(Debug)]
pub(crate) struct ReapedProcess {
    child: Child,
    has_reported_end: bool,
}

/// A command that [`ReapedProcess::spawn`] starts under the reaper.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    command_with_input(program, Path::new("/dev/null"))
}

/// The same, with a file as the standard input.
pub(crate) fn command_with_input(program: impl AsRef<OsStr>, input: &Path) -> Command {
    let reports = reaper_pipe().try_clone().expect("duplicate the reaper's pipe");
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(REPORT_AND_EXEC).arg(input).arg(program).stdin(reports).process_group(0);
    command
}

/// Has the reaper remove `directory` if the test process ends without doing so.
pub(crate) fn remove_directory_at_exit(directory: &Path) {
    report("directory", directory.to_str().expect("a temporary directory whose name is UTF-8"));
}

impl ReapedProcess {
    /// Starts what [`command`] made.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        Self { child, has_reported_end: false }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, unless the process has ended: its id may belong to another process by now.
    pub(crate) fn signal(&mut self, signal: Signal) {
        if self.exit().is_none() {
            kill(self.group(), signal)
                .unwrap_or_else(|error| panic!("cannot send {signal} to process {}: {error}", self.pid()));
        }
    }

    /// Sends SIGINT to it and its children, as Ctrl-C does, unless it has ended.
    pub(crate) fn interrupt(&mut self) {
        if self.exit().is_none() {
            // It fails only when all of them have ended since.
            let _ = killpg(self.group(), Signal::SIGINT);
        }
    }

    /// Sends SIGSTOP, and waits until it is stopped: connections stay open, and nothing is answered.
    pub(crate) fn freeze(&mut self) {
        self.signal(Signal::SIGSTOP);
        // The signal reaches the threads one after the other, and a running thread still answers.
        poll(Duration::from_secs(20), || all_threads_are_stopped(self.pid())).expect("all threads of a process stop");
    }

    /// Sends SIGCONT: ends [`ReapedProcess::freeze`].
    pub(crate) fn thaw(&mut self) {
        self.signal(Signal::SIGCONT);
    }

    /// The exit status, if it has ended.
    pub(crate) fn exit(&mut self) -> Option<ExitStatus> {
        let status = self.child.try_wait().expect("query the state of a child process");
        if status.is_some() {
            self.report_end();
        }
        status
    }

    /// Waits for its end, up to a limit.
    pub(crate) fn exit_within(&mut self, limit: Duration) -> Option<ExitStatus> {
        poll(limit, || self.exit())
    }

    /// Kills it and its children.
    pub(crate) fn kill(&mut self) -> ExitStatus {
        if self.exit().is_none() {
            // It fails only when the process has ended since.
            let _ = killpg(self.group(), Signal::SIGKILL);
        }
        let status = self.child.wait().expect("wait for the end of a child process");
        self.report_end();
        status
    }

    fn group(&self) -> Pid {
        Pid::from_raw(self.pid().try_into().expect("a process id"))
    }

    fn report_end(&mut self) {
        if !self.has_reported_end {
            self.has_reported_end = true;
            report("ended", &self.pid().to_string());
        }
    }
}

impl Drop for ReapedProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

fn all_threads_are_stopped(pid: u32) -> bool {
    let is_stopped = |status: String| status.lines().any(|line| line.starts_with("State:\tT"));
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).expect("the threads of a process");
    threads.flatten().all(|thread| std::fs::read_to_string(thread.path().join("status")).is_ok_and(is_stopped))
}

/// The pipe to the reaper, which is started with the first use.
#[expect(clippy::zombie_processes, reason = "the reaper outlives this process, so it cannot be waited for")]
fn reaper_pipe() -> &'static PipeWriter {
    static REAPER: OnceLock<PipeWriter> = OnceLock::new();
    REAPER.get_or_init(|| {
        let (reader, writer) = pipe().expect("make the reaper's pipe");
        let mut shell = Command::new("/bin/sh");
        // In a group of its own, so that Ctrl-C in a terminal does not end it together with the tests.
        shell.arg("-c").arg(REAPER_SCRIPT).arg("reaper").stdin(reader).process_group(0);
        shell.stdout(Stdio::null()).stderr(Stdio::null());
        shell.spawn().expect("start the reaper");
        writer
    })
}

fn report(event: &str, value: &str) {
    reaper_pipe().write_all(format!("{event} {value}\n").as_bytes()).expect("write to the reaper's pipe");
}
