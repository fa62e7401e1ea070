//! Queues, as the component asks for them.

use valawai::internals::broker::{Declared, Error, MAX_BROWSED, OwnQueue, Queues};
use valawai::internals::message::Message;
use valawai::internals::routes::{Binding, Exchange};

use super::SimulatedLink;
use crate::broker::{OwnedOptions, Request, Response};

impl Queues for SimulatedLink {
    fn declare(&mut self, queue: &str) -> Result<(), Error> {
        self.call(self.consuming(), Request::Declare { queue: queue.into(), own: None }).map(drop)
    }

    fn declare_own(&mut self, queue: &str, options: &OwnQueue<'_>) -> Result<(), Error> {
        let own = OwnedOptions {
            delay: options.delay.map(|(after, to)| (after, to.to_owned())),
            expires_after_ms: options.expires_after_ms,
            newest_only: options.newest_only,
        };
        self.call(self.querying(), Request::Declare { queue: queue.into(), own: Some(own) }).map(drop)
    }

    fn declare_service(&mut self, _queue: &str, _keys: &[String]) -> Result<(), Error> {
        Err(Error::Denied { action: "declare the service".into(), reason: "it is not simulated".into() })
    }

    fn declare_exchange(&mut self, _exchange: &Exchange) -> Result<Declared, Error> {
        Err(Error::Denied { action: "declare an exchange".into(), reason: "it is not simulated".into() })
    }

    fn declare_route(&mut self, queue: &str, _binding: Option<&Binding>) -> Result<Declared, Error> {
        self.declare(queue).map(|()| Declared::AsConfigured)
    }

    fn browse(&mut self, queue: &str, take: &mut dyn FnMut(&Message) -> bool) -> Result<(), Error> {
        let connection = self.querying();
        for _ in 0..MAX_BROWSED {
            match self.call(connection, Request::Get { queue: queue.into() })? {
                Response::Got(Some(message)) => {
                    if take(&message) {
                        self.call(connection, Request::Remove)?;
                    }
                }
                _ => break,
            }
        }
        self.call(connection, Request::EndBrowse).map(drop)
    }

    fn consumers(&mut self, queue: &str) -> Result<Option<u32>, Error> {
        match self.call(self.querying(), Request::Inspect { queue: queue.into() })? {
            Response::Inspected { consumers, .. } => Ok(consumers),
            _ => Ok(None),
        }
    }

    fn is_missing(&mut self, queue: &str) -> Result<bool, Error> {
        match self.call(self.querying(), Request::Inspect { queue: queue.into() })? {
            Response::Inspected { is_missing, .. } => Ok(is_missing),
            _ => Ok(false),
        }
    }
}
