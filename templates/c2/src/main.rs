//! A C2 component: it values the temperatures that one component sends to another.

mod value;

fn main() -> std::process::ExitCode {
    valawai::main(&component())
}

fn component() -> valawai::Component {
    valawai::component!("../asyncapi.yaml").sends(value::VALUES).on_sent("control/sent_temperature", value::value)
}

#[cfg(test)]
mod tests {
    use super::component;
    use serde_json::json;

    #[test]
    fn the_component_matches_its_asyncapi_yaml() {
        component().check().map(drop).unwrap();
    }

    #[test]
    fn it_values_what_was_sent() {
        let running = valawai::testing::run(&component());
        let sent = json!({ "connection_id": "65a0b1c2d3e4f5061728394a", "message_payload": { "celsius": 26 } });
        running.publish("control/sent_temperature", &sent);
        assert_eq!(running.receive("data/value"), json!({ "value_name": "well-being", "alignment": -0.5 }));
    }
}
