//! A C0 component: it publishes temperatures.

mod thermometer;

fn main() -> std::process::ExitCode {
    valawai::main(&component())
}

fn component() -> valawai::Component {
    valawai::component!("../asyncapi.yaml").source("data/temperature", thermometer::measure)
}

#[cfg(test)]
mod tests {
    use super::component;

    #[test]
    fn the_component_matches_its_asyncapi_yaml() {
        component().check().map(drop).unwrap();
    }

    #[test]
    fn it_publishes_temperatures() {
        let running = valawai::testing::run(&component());
        assert_eq!(running.receive("data/temperature")["celsius"], 16.0);
    }
}
