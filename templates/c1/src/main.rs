//! A C1 component: it gives advice on temperatures.

mod advice;

fn main() -> std::process::ExitCode {
    valawai::main(&component())
}

fn component() -> valawai::Component {
    valawai::component!("../asyncapi.yaml").on("data/temperature").reply("data/advice", advice::advise)
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
    fn it_replies_to_temperatures() {
        let running = valawai::testing::run(&component());
        running.publish("data/temperature", &json!({ "celsius": 30 }));
        assert_eq!(running.receive("data/advice"), json!({ "advice": "Open the window" }));
    }
}
