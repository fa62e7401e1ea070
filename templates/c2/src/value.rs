//! How messages agree with a value.

use serde::{Deserialize, Serialize};
use valawai::{Context, Failure, Output, SentMessage};

pub(crate) const VALUES: Output = Output::new("data/value");

#[derive(Deserialize)]
pub(crate) struct Temperature {
    celsius: f64,
}

#[derive(Serialize)]
struct Value {
    value_name: &'static str,
    /// From -1, harmful, to 1, beneficial.
    alignment: f64,
}

/// Values one message. `context.mov().disable(&sent.connection_id)` would stop the connection that it came by.
pub(crate) fn value(sent: SentMessage<Temperature>, context: &Context) -> Result<(), Failure> {
    let alignment = (1.0 - (sent.message_payload.celsius - 20.0).abs() / 4.0).clamp(-1.0, 1.0);
    context.log().info(format!("The alignment with well-being is {alignment}"), context.message());
    context.send(VALUES, &Value { value_name: "well-being", alignment })
}
