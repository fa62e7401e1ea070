//! A C2 component: it values what other components send to each other, and disables a connection that does harm.

use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use valawai::{Context, Failure, Id, Output, SentMessage};

const VALUES: Output = Output::new("data/value");

/// Below this alignment, a connection is disabled.
const LEAST_ALIGNMENT: f64 = -0.5;

#[derive(Deserialize)]
struct Reading {
    celsius: f64,
}

#[derive(Serialize)]
struct Valuation {
    value_name: &'static str,
    alignment: f64,
    connection_id: Id,
}

fn main() -> ExitCode {
    valawai::main(&component())
}

fn component() -> valawai::Component {
    valawai::component!("asyncapi.yaml").sends(VALUES).on_sent("control/sent_reading", value)
}

fn value(sent: SentMessage<Reading>, context: &Context) -> Result<(), Failure> {
    let SentMessage { connection_id, message_payload: Reading { celsius }, .. } = sent;
    let alignment = alignment(celsius);
    if alignment < LEAST_ALIGNMENT {
        context.mov().disable(&connection_id);
        context.log_on_confirm().warn("Disabled a connection, because it is too hot", context.message());
    }
    context.send(VALUES, &Valuation { value_name: "well-being", alignment, connection_id })
}

/// 1 at 21 degrees, and less the further the temperature is from it.
fn alignment(celsius: f64) -> f64 {
    (1.0 - (celsius - 21.0).abs() / 4.0).clamp(-1.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_component_matches_its_asyncapi_yaml() {
        component().check().map(drop).unwrap();
    }

    #[test]
    fn a_connection_that_tells_of_too_much_heat_is_disabled() {
        let running = valawai::testing::run(&component());
        let connection = "65a0b1c2d3e4f5061728394a";
        for celsius in [21, 30] {
            let sent =
                json!({ "connection_id": connection, "message_payload": { "celsius": celsius }, "timestamp": 1 });
            running.publish("control/sent_reading", &sent);
        }
        assert_eq!(running.receive("data/value")["alignment"], 1.0);
        assert_eq!(running.receive("data/value")["alignment"], -1.0);
        running.wait_until_acknowledged("control/sent_reading");
        let disable = json!({ "action": "DISABLE", "connection_id": connection });
        assert_eq!(running.requested(), [("valawai/topology/change", disable)]);
    }
}
