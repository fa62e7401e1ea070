//! A C0 component: a source that measures a temperature and publishes it.

use std::process::ExitCode;
use std::time::Duration;

use serde::Serialize;
use valawai::{Failure, Publisher, Shutdown};

#[derive(Serialize)]
struct Reading {
    celsius: f64,
    report: String,
}

fn main() -> ExitCode {
    valawai::main(&component())
}

fn component() -> valawai::Component {
    valawai::component!("asyncapi.yaml").source("data/reading", measure)
}

/// Measures until the component stops. Each reading is confirmed before the next one.
fn measure(publisher: &Publisher, shutdown: &Shutdown) -> Result<(), Failure> {
    // Stands for a sensor: a room that becomes warmer until somebody opens a window.
    for celsius in (32..56).map(|half_degrees| f64::from(half_degrees) / 2.0).cycle() {
        publisher.publish(&Reading { celsius, report: report(celsius) })?;
        if shutdown.wait_for(Duration::from_millis(200)) {
            break;
        }
    }
    Ok(())
}

fn report(celsius: f64) -> String {
    let comfort = if celsius < 25.0 { "pleasant" } else { "hot, please open a window" };
    format!("It is {celsius} degrees, which is {comfort}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_component_matches_its_asyncapi_yaml() {
        component().check().map(drop).unwrap();
    }

    #[test]
    fn each_reading_is_reported_in_words() {
        let running = valawai::testing::run(&component());
        assert_eq!(running.receive("data/reading")["report"], "It is 16 degrees, which is pleasant.");
        assert_eq!(running.receive("data/reading")["celsius"], 16.5);
    }
}
