//! Exit codes, and why a command ends without success.

use std::io;
use std::process::ExitCode;

use crate::broker::Error;

/// The exit codes of the process, from `sysexits.h` where they have a meaning there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Success.
    Done = 0,
    /// The answer is no: not healthy, not found, no queue has it, refused.
    No = 1,
    /// A usage error: unknown or contradictory arguments.
    Usage = 64,
    /// The broker could not be reached, or the connection was lost.
    BrokerNotReached = 69,
    /// A defect of the program.
    Internal = 70,
    /// No answer in time.
    TimedOut = 75,
    /// Invalid settings.
    Settings = 78,
    /// Ended by a signal.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command ends early, for `?`.
#[derive(Debug)]
pub(super) struct Stop {
    pub(super) exit: Exit,
    /// For the person who called it. `None` if nobody reads any more.
    pub(super) message: Option<String>,
}

impl Stop {
    pub(super) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: Some(message.into()) }
    }

    /// The answer is no.
    pub(super) fn no(message: impl Into<String>) -> Self {
        Self::new(Exit::No, message)
    }

    /// The arguments make no sense.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// The same, with the place that it is about.
    pub(super) fn at(self, place: &str) -> Self {
        Self { message: self.message.map(|message| format!("{place}: {message}")), ..self }
    }

    /// There was no answer in time.
    pub(super) fn timed_out(message: impl Into<String>) -> Self {
        Self::new(Exit::TimedOut, message)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        let exit = match error {
            Error::Unreachable { .. }
            | Error::Insecure { .. }
            | Error::Rejected { .. }
            | Error::Lost { .. }
            | Error::ReopenRequired { .. } => Exit::BrokerNotReached,
            Error::TimedOut { .. } => Exit::TimedOut,
            Error::LockHeld { .. } | Error::QueueGone { .. } | Error::Denied { .. } | Error::TooLarge { .. } => {
                Exit::No
            }
        };
        Self::new(exit, error.to_string())
    }
}

/// A closed pipe is the wish of who reads: the command ends quietly, and successfully.
impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self { exit: Exit::Done, message: None };
        }
        Self::no(format!("cannot write: {error}"))
    }
}
