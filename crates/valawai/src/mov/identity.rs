//! The identifier of the current registration, shared between threads.

use std::sync::Arc;

use parking_lot::RwLock;

use crate::logs;
use crate::name::Id;

/// The identifier of the current registration, if there is one. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Identity(Arc<RwLock<Option<Id>>>);

impl Identity {
    /// The identifier, or `None` if the component is not registered.
    #[must_use]
    pub fn id(&self) -> Option<Id> {
        self.0.read().clone()
    }

    /// Replaces the identifier.
    pub fn set(&self, id: Option<Id>) {
        logs::context::set_registration(id.as_ref().map(ToString::to_string));
        *self.0.write() = id;
    }
}
