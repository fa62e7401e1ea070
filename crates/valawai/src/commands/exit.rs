//! Exit codes.

use std::process::ExitCode;

/// The exit codes of the process, from `sysexits.h` where they have a meaning there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Success.
    Done = 0,
    /// The component is not healthy.
    Unhealthy = 1,
    /// A usage error: unknown arguments.
    Usage = 64,
    /// The broker could not be reached.
    BrokerNotReached = 69,
    /// A defect of the program.
    Internal = 70,
    /// Invalid settings.
    Settings = 78,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
