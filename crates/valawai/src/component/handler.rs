//! Handlers of every form, as one.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Context;
use crate::failure::Failure;
use crate::message::{Message, Reply};

/// Handles the message of a context, and returns the reply to publish, if any.
pub(crate) type Handler = Arc<dyn Fn(&Context) -> Result<Option<Reply>, Failure> + Send + Sync>;

/// Calls `handler`. A panic is a [`Failure::Refuse`].
pub(crate) fn call(handler: &Handler, context: &Context) -> Result<Option<Reply>, Failure> {
    // A panic can leave only the context in an inconsistent state, and the context is dropped.
    panic::catch_unwind(AssertUnwindSafe(|| handler(context)))
        .unwrap_or_else(|panic| Err(Failure::of_panic("the handler", panic.as_ref())))
}

pub(super) fn replying<I: DeserializeOwned, O: Serialize>(
    handler: impl Fn(I, &Context) -> Result<O, Failure> + Send + Sync + 'static,
) -> Handler {
    Arc::new(move |context| {
        let output = handler(context.message().read()?, context)?;
        Reply::json(&output).map(Some)
    })
}

pub(super) fn replying_optionally<I: DeserializeOwned, O: Serialize>(
    handler: impl Fn(I, &Context) -> Result<Option<O>, Failure> + Send + Sync + 'static,
) -> Handler {
    Arc::new(move |context| {
        let output = handler(context.message().read()?, context)?;
        output.map(|output| Reply::json(&output)).transpose()
    })
}

pub(super) fn replying_raw(
    handler: impl Fn(&Message, &Context) -> Result<Reply, Failure> + Send + Sync + 'static,
) -> Handler {
    Arc::new(move |context| handler(context.message(), context).map(Some))
}

pub(super) fn consuming<I: DeserializeOwned>(
    handler: impl Fn(I, &Context) -> Result<(), Failure> + Send + Sync + 'static,
) -> Handler {
    Arc::new(move |context| handler(context.message().read()?, context).map(|()| None))
}

pub(super) fn publishing<O: Serialize>(
    handler: impl Fn(&Context) -> Result<Option<O>, Failure> + Send + Sync + 'static,
) -> Handler {
    Arc::new(move |context| {
        let output = handler(context)?;
        output.map(|output| Reply::json(&output)).transpose()
    })
}
