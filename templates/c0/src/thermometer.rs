//! Where the messages come from.

use std::time::Duration;

use serde::Serialize;
use valawai::{Failure, Publisher, Shutdown};

#[derive(Serialize)]
struct Temperature {
    celsius: f64,
}

/// Runs until the component stops. Replace the loop with that of a sensor, a socket or a file.
pub(crate) fn measure(publisher: &Publisher, shutdown: &Shutdown) -> Result<(), Failure> {
    for half_degrees in (32..60).cycle() {
        publisher.publish(&Temperature { celsius: f64::from(half_degrees) / 2.0 })?;
        if shutdown.wait_for(Duration::from_secs(1)) {
            break;
        }
    }
    Ok(())
}
