//! A C1 component: a filter with a state. It passes on what has changed, and never takes a change for published that was not.

use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use valawai::{Context, Failure};

#[derive(Deserialize)]
struct Position {
    position: i64,
}

#[derive(Serialize)]
struct Change {
    new_position: i64,
}

fn main() -> ExitCode {
    valawai::main(&component())
}

fn component() -> valawai::Component {
    valawai::component!("asyncapi.yaml").on("data/position").with_state(None).reply_optional("data/change", change)
}

fn change(Position { position }: Position, last: &mut Option<i64>, _: &Context) -> Result<Option<Change>, Failure> {
    let before = last.replace(position);
    Ok((before != Some(position)).then_some(Change { new_position: position }))
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
    fn only_changes_are_passed_on() {
        let running = valawai::testing::run(&component());
        for position in [1, 1, 2, 2, 1] {
            running.publish("data/position", &json!({ "position": position }));
        }
        let changes = [0; 3].map(|_| running.receive("data/change")["new_position"].clone());
        assert_eq!(changes, [1, 2, 1]);
    }

    #[test]
    fn a_change_is_passed_on_although_it_was_rejected_at_first() {
        let running = valawai::testing::run(&component());
        running.reject("data/change", true);
        running.publish("data/position", &json!({ "position": 1 }));
        running.publish("data/position", &json!({ "position": 1 }));
        running.reject("data/change", false);
        assert_eq!(running.receive("data/change")["new_position"], 1);
    }
}
