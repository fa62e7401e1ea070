//! Whether the process is of use now: what the health file says, with the reason if it is not.

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the process is connected, registered and working. It outlives sessions.
#[derive(Debug, Default)]
pub struct Readiness {
    connected: AtomicBool,
    registered: AtomicBool,
    working: AtomicBool,
}

impl Readiness {
    /// Records whether there is a session in which all consumers consume.
    pub fn set_connected(&self, is_connected: bool) {
        self.connected.store(is_connected, Ordering::Relaxed);
    }

    /// Records what decides about the health file: whether the component is registered, and whether the broker accepts what it
    /// publishes.
    pub fn set_registered(&self, is_registered: bool, is_working: bool) {
        self.working.store(is_working, Ordering::Relaxed);
        self.registered.store(is_registered, Ordering::Relaxed);
    }

    /// Whether there is a session in which all consumers consume.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Relaxed)
    }

    /// Whether the component is registered with the MOV.
    #[must_use]
    pub fn is_registered(&self) -> bool {
        self.registered.load(Ordering::Relaxed)
    }

    /// Whether the process is ready.
    ///
    /// # Errors
    /// Why it is not, for people.
    pub fn check(&self) -> Result<(), &'static str> {
        if !self.is_connected() {
            Err("it is not connected to the broker")
        } else if !self.is_registered() {
            Err("it is not registered with the MOV")
        } else if !self.working.load(Ordering::Relaxed) {
            Err("the broker accepts no messages")
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_obstacle_has_its_reason() {
        let readiness = Readiness::default();
        assert_eq!(readiness.check(), Err("it is not connected to the broker"));
        readiness.set_connected(true);
        assert_eq!(readiness.check(), Err("it is not registered with the MOV"));
        readiness.set_registered(true, false);
        assert_eq!(readiness.check(), Err("the broker accepts no messages"));
        readiness.set_registered(true, true);
        assert_eq!(readiness.check(), Ok(()));
        readiness.set_connected(false);
        assert!(readiness.check().is_err(), "it is ready without a connection");
    }
}
