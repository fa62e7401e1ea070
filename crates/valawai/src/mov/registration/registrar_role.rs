//! Whether this process is the registrar, for what runs on one replica only.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::shutdown::{self, Shutdown, ShutdownHandle};

/// How often a process that is not the registrar looks whether it is.
const TICK: Duration = Duration::from_millis(100);

/// The role of the registrar, which one process of a component has at a time. It keeps the role while it is not connected, until it
/// learns that another process has taken over. Clones observe the same role.
#[derive(Debug, Clone, Default)]
pub struct RegistrarRole {
    term: Arc<Mutex<Option<Term>>>,
}

/// One time of being the registrar.
#[derive(Debug)]
struct Term {
    _handle: ShutdownHandle,
    end: Shutdown,
}

impl RegistrarRole {
    /// Waits until this process is the registrar. Returns what is requested when it is no longer; `None` after the shutdown.
    pub(crate) fn wait(&self, shutdown: &Shutdown) -> Option<Shutdown> {
        loop {
            if let Some(term) = &*self.term.lock() {
                return Some(term.end.clone());
            }
            if shutdown.wait_for(TICK) {
                return None;
            }
        }
    }

    /// This process is the registrar.
    pub(super) fn acquire(&self) {
        self.term.lock().get_or_insert_with(|| {
            let (handle, end) = shutdown::channel();
            Term { _handle: handle, end }
        });
    }

    /// Another process is the registrar, or this one stops.
    pub(crate) fn lose(&self) {
        *self.term.lock() = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_ends_when_the_role_is_lost_and_not_before() {
        let (_handle, shutdown) = shutdown::channel();
        let role = RegistrarRole::default();
        role.acquire();
        let term = role.wait(&shutdown).unwrap();
        role.acquire();
        assert!(!term.is_requested(), "acquiring the role again ends the term");
        role.lose();
        assert!(term.is_requested());
    }

    #[test]
    fn the_wait_for_the_role_ends_with_the_shutdown() {
        let (handle, shutdown) = shutdown::channel();
        drop(handle);
        assert!(RegistrarRole::default().wait(&shutdown).is_none());
    }
}
