//! Who the component is to the MOV, for every thread that needs to know.

use std::sync::{Arc, PoisonError, RwLock};

use crate::name::ComponentId;

/// The identifier of the live registration, while there is one. Clones tell the same.
#[derive(Debug, Clone, Default)]
pub struct Identity(Arc<RwLock<Option<ComponentId>>>);

impl Identity {
    /// The identifier, once the MOV has given one.
    #[must_use]
    pub fn id(&self) -> Option<ComponentId> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on it is `id`.
    pub fn set(&self, id: Option<ComponentId>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = id;
    }
}
