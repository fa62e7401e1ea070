//! What a component's author writes: plain functions, testable without a broker.

use crate::context::Context;
use crate::exchange::{Heard, Said};
use crate::failure::Failure;

/// Hears a message, and returns what to say to it. It is published, and once the broker confirmed that, the message
/// heard is acknowledged.
pub trait Answer: Send + Sync + 'static {
    /// # Errors
    /// A [`Failure`], which decides what becomes of the message.
    fn answer(&self, heard: &Heard<'_>, context: &Context<'_>) -> Result<Said, Failure>;
}

impl<F> Answer for F
where
    F: Fn(&Heard<'_>, &Context<'_>) -> Result<Said, Failure> + Send + Sync + 'static,
{
    fn answer(&self, heard: &Heard<'_>, context: &Context<'_>) -> Result<Said, Failure> {
        self(heard, context)
    }
}

/// Hears a message, and has nothing to say to it.
pub trait Hear: Send + Sync + 'static {
    /// # Errors
    /// A [`Failure`], which decides what becomes of the message.
    fn hear(&self, heard: &Heard<'_>, context: &Context<'_>) -> Result<(), Failure>;
}

impl<F> Hear for F
where
    F: Fn(&Heard<'_>, &Context<'_>) -> Result<(), Failure> + Send + Sync + 'static,
{
    fn hear(&self, heard: &Heard<'_>, context: &Context<'_>) -> Result<(), Failure> {
        self(heard, context)
    }
}

/// Says something of itself, or `None` when there is nothing to say this time.
pub trait Say: Send + Sync + 'static {
    /// # Errors
    /// A [`Failure`]: it is logged, and the next time comes as usual.
    fn say(&self, context: &Context<'_>) -> Result<Option<Said>, Failure>;
}

impl<F> Say for F
where
    F: Fn(&Context<'_>) -> Result<Option<Said>, Failure> + Send + Sync + 'static,
{
    fn say(&self, context: &Context<'_>) -> Result<Option<Said>, Failure> {
        self(context)
    }
}
