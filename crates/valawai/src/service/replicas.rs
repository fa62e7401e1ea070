//! Passes on what this process has heard on `control/parameters` to the other processes of the component.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Map, Value};

use super::protocol::{MAX_REQUEST, Request};
use super::{Inner, Service};
use crate::broker::{Error, Link, SERVICE_EXCHANGE};
use crate::message::Outgoing;

/// What to permit.
const REMEDY: &str = "permit its user to write '^valawai\\.service$'";

/// What is known of passing on.
#[derive(Debug, Default)]
pub(super) struct PassingOn {
    /// Whether something was published to the exchange in this session.
    has_begun: AtomicBool,
    is_denied: AtomicBool,
}

impl Service {
    /// Says that changes can be passed on, as far as is known.
    pub(super) fn can_pass_on(&self) {
        self.inner.passing_on.has_begun.store(false, Ordering::Relaxed);
        if !self.inner.passing_on.is_denied.load(Ordering::Relaxed) {
            self.inner.options.operations.replicas.clear();
        }
    }

    /// If the broker does not permit it, nothing is passed on any more; answering operators starts again.
    pub(super) fn note_denial(&self, error: Error) -> Error {
        let PassingOn { has_begun, is_denied } = &self.inner.passing_on;
        match error {
            Error::Denied { reason, .. } if has_begun.load(Ordering::Relaxed) => {
                is_denied.store(true, Ordering::Relaxed);
                self.inner.options.operations.replicas.fail(&format!("{reason}; {REMEDY}"));
                Error::lost(reason)
            }
            error => error,
        }
    }

    /// Publishes the changes of settings that this process has heard.
    pub(super) fn pass_on(&self, link: &mut dyn Link) -> Result<(), Error> {
        let Inner { options, instance, .. } = &*self.inner;
        for settings in options.operations.replicas.take() {
            let request = Request::Configure { settings, from: Some(instance.clone()) };
            let body = serde_json::to_vec(&request).map_err(Error::lost)?;
            if body.len() > MAX_REQUEST {
                log::warn!("parameters of more than {MAX_REQUEST} bytes are not passed on to the other processes");
                continue;
            }
            let key = format!("{}.{}", request.verb(), options.info.name);
            let exchange = Some(SERVICE_EXCHANGE.into());
            link.publish(&Outgoing { exchange, persistent: false, mandatory: false, ..Outgoing::new(key, body) })?;
            self.inner.passing_on.has_begun.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Carries out what another process of the component passes on.
    pub(super) fn follow(&self, body: &[u8]) {
        let Inner { options, instance, .. } = &*self.inner;
        let Some(configure) = options.configure.as_ref().filter(|_| body.len() <= MAX_REQUEST) else { return };
        if let Ok(Request::Configure { settings, from: Some(from) }) = serde_json::from_slice(body)
            && from != *instance
        {
            log::info!("{from:.20} passes on changes of {:.500}", names(&settings));
            if let Err(reason) = configure.order(&settings) {
                log::error!("a change that {from:.20} passes on is refused: {reason}");
            }
        }
    }
}

/// The names of settings. Their values may be secrets.
pub(super) fn names(settings: &Map<String, Value>) -> String {
    settings.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
}
