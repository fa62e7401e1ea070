//! How the process ends, as a number.

use std::process::ExitCode;

/// Exit codes, as in `sysexits.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It did what it should.
    Done = 0,
    /// It is not healthy.
    Unhealthy = 1,
    /// It was called in a way that it does not know.
    Usage = 64,
    /// The broker could not be reached.
    BrokerNotReached = 69,
    /// The program itself is wrong.
    Internal = 70,
    /// The settings are wrong.
    Settings = 78,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
