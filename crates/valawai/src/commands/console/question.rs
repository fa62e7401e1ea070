//! Asks before something is moved or deleted.

use std::io::{self, IsTerminal, Write};
use std::thread;

use crossbeam_channel::select;

use super::Console;
use crate::commands::exit::{Exit, Stop};
use crate::shutdown::Shutdown;

impl Console {
    /// Says what will be done, and asks on a terminal. Fails if the answer is no, and without a terminal if `--yes` is not given.
    pub(in crate::commands) fn confirm(&self, what: &str, shutdown: &Shutdown) -> Result<(), Stop> {
        if self.yes {
            self.note(what);
            return Ok(());
        }
        if !io::stdin().is_terminal() {
            return Err(Stop::usage(format!("{what} Add --yes to do so, or --dry-run to see what it would do.")));
        }
        let _ = write!(io::stderr().lock(), "{what} Continue? [y/N] ");
        match read_line(shutdown) {
            Some(answer) if ["y", "yes"].contains(&answer.trim().to_lowercase().as_str()) => Ok(()),
            Some(_) => Err(Stop::no("nothing was done")),
            None => Err(Stop::new(Exit::Interrupted, "nothing was done")),
        }
    }
}

/// A line of the standard input, or `None` after Ctrl-C. The read is on another thread, because a signal does not end it.
fn read_line(shutdown: &Shutdown) -> Option<String> {
    let (sender, line) = crossbeam_channel::bounded(1);
    thread::spawn(move || {
        let mut line = String::new();
        let _ = io::stdin().read_line(&mut line);
        let _ = sender.send(line);
    });
    select! {
        recv(line) -> line => line.ok(),
        recv(shutdown.requested()) -> _ => None,
    }
}
