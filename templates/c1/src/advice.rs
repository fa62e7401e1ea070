//! What is done with a message.

use serde::{Deserialize, Serialize};
use valawai::{Context, Failure};

#[derive(Deserialize)]
pub(crate) struct Temperature {
    celsius: f64,
}

#[derive(Serialize)]
pub(crate) struct Advice {
    advice: &'static str,
}

/// Replies to one message, which is acknowledged when the broker has confirmed the reply.
pub(crate) fn advise(Temperature { celsius }: Temperature, context: &Context) -> Result<Advice, Failure> {
    let advice = if celsius > 25.0 { "Open the window" } else { "Enjoy the day" };
    context.log().info(advice, context.message());
    Ok(Advice { advice })
}
