//! Processes that cannot outlive the tests, whatever ends those.
//!
//! One small shell holds the process_reaper: it reads the ids of our processes from a pipe and, when the pipe closes because the test
//! process is gone, even by SIGKILL, it kills them and removes their directories.

use std::ffi::OsStr;
use std::io::{PipeWriter, Write, pipe};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use super::wait::poll;

/// Each process leads a group of its own, so that its children go with it. Removing may take several tries, since a killed
/// process finishes its last system call.
const HOLD_THE_LEASH: &str = r#"
trap '' HUP INT TERM
pids=' '
while read -r word what; do
    case $word in
        pid) pids="$pids$what " ;;
        freed) case $pids in *" $what "*) pids="${pids%% "$what" *} ${pids#* "$what" }" ;; esac ;;
        directory) set -- "$@" "$what" ;;
    esac
done
for pid in $pids; do kill -s KILL -- "-$pid"; done
tries=0
until rm -rf -- "$@" || [ "$tries" -eq 50 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
"#;

/// A process announces itself before it becomes the program: no moment is left in which nobody would end it.
const ANNOUNCE_AND_RUN: &str = r#"echo "pid $$" >&0 && exec "$@" </dev/null"#;

/// A process that ends when it is dropped, and when the test process ends.
#[derive(Debug)]
pub struct ReapedProcess {
    child: Child,
    reaped: bool,
}

/// A command whose process will be on the process_reaper; [`ReapedProcess::spawn`] starts it.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let end = process_reaper().try_clone().expect("duplicate the process_reaper's pipe");
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(ANNOUNCE_AND_RUN).arg("leashed").arg(program).stdin(end).process_group(0);
    command
}

/// Has `directory` removed when the test process ends without doing so itself.
pub fn remove_at_the_end(directory: &Path) {
    tell("directory", directory.to_str().expect("a temporary directory with a readable name"));
}

impl ReapedProcess {
    /// Starts what [`command`] made.
    pub fn spawn(command: &mut Command) -> Self {
        let child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        Self { child, reaped: false }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, unless the process has ended: its id may be another's by now.
    pub fn signal(&mut self, signal: Signal) {
        if self.exit().is_none() {
            kill(self.group(), signal)
                .unwrap_or_else(|error| panic!("cannot send {signal} to {}: {error}", self.pid()));
        }
    }

    /// How it ended, if it has.
    pub fn exit(&mut self) -> Option<ExitStatus> {
        let status = self.child.try_wait().expect("ask for the state of a child process");
        if status.is_some() {
            self.release();
        }
        status
    }

    /// Waits for its end, but not for ever.
    pub fn exit_within(&mut self, limit: Duration) -> Option<ExitStatus> {
        poll(limit, || self.exit())
    }

    /// Ends it and its children at once.
    pub fn kill(&mut self) -> ExitStatus {
        if self.exit().is_none() {
            // It may end by itself just now; then there is nothing left to kill.
            let _ = killpg(self.group(), Signal::SIGKILL);
        }
        let status = self.child.wait().expect("wait for the end of a child process");
        self.release();
        status
    }

    fn group(&self) -> Pid {
        Pid::from_raw(self.pid().try_into().expect("a process id"))
    }

    fn release(&mut self) {
        if !self.reaped {
            self.reaped = true;
            tell("freed", &self.pid().to_string());
        }
    }
}

impl Drop for ReapedProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

#[expect(clippy::zombie_processes, reason = "the shell outlives this process; nobody is left to wait for it")]
fn process_reaper() -> &'static PipeWriter {
    static LEASH: OnceLock<PipeWriter> = OnceLock::new();
    LEASH.get_or_init(|| {
        let (reader, writer) = pipe().expect("make the process_reaper's pipe");
        let mut shell = Command::new("/bin/sh");
        // A group of its own: what a terminal sends to the tests (Ctrl-C) must not end it first.
        shell.arg("-c").arg(HOLD_THE_LEASH).arg("process_reaper").stdin(reader).process_group(0);
        shell.stdout(Stdio::null()).stderr(Stdio::null());
        shell.spawn().expect("start the shell that holds the process_reaper");
        writer
    })
}

fn tell(word: &str, what: &str) {
    process_reaper().write_all(format!("{word} {what}\n").as_bytes()).expect("write to the process_reaper's pipe");
}
