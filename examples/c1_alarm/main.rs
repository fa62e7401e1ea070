//! A C1 component: it passes on readings that are too hot. What is too hot is a setting, which can change at any time.

use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use valawai::{Context, Failure};

/// `HIGHEST` in the environment, `highest` in the configuration file, in Consul, in etcd and on `control/parameters`.
#[derive(Deserialize)]
struct Limits {
    #[serde(default = "thirty")]
    highest: f64,
    /// The rooms that count; all if there are none.
    #[serde(default)]
    rooms: Vec<String>,
}

fn thirty() -> f64 {
    30.0
}

#[derive(Deserialize, Serialize)]
struct Reading {
    celsius: f64,
    #[serde(default)]
    room: String,
}

fn main() -> ExitCode {
    valawai::main(&component())
}

fn component() -> valawai::Component {
    valawai::component!("asyncapi.yaml")
        .settings::<Limits>()
        .on_change(&["highest"], |old: &Limits, new: &Limits| {
            println!("the limit was {}, and is {}", old.highest, new.highest);
        })
        .on("data/reading")
        .reply_optional("data/alarm", alarm)
}

fn alarm(reading: Reading, context: &Context) -> Result<Option<Reading>, Failure> {
    let limits = context.settings::<Limits>();
    let counts = limits.rooms.is_empty() || limits.rooms.contains(&reading.room);
    Ok((counts && reading.celsius > limits.highest).then_some(reading))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use valawai::TestContext;

    #[test]
    fn the_component_matches_its_asyncapi_yaml() {
        component().check().map(drop).unwrap();
    }

    #[test]
    fn a_room_that_does_not_count_gives_no_alarm() {
        let context = TestContext::default().with_settings(Limits { highest: 20.0, rooms: vec!["kitchen".into()] });
        let alarms =
            ["kitchen", "attic"].map(|room| alarm(Reading { celsius: 21.0, room: room.into() }, &context).unwrap());
        assert!(alarms[0].is_some() && alarms[1].is_none());
    }

    #[test]
    fn the_limit_changes_while_the_component_runs() {
        let running = valawai::testing::run_with(&component(), &[("HIGHEST", "25")]);
        running.publish("data/reading", &json!({ "celsius": 24 }));
        running.publish("data/reading", &json!({ "celsius": 26 }));
        assert_eq!(running.receive("data/alarm")["celsius"], 26.0);
        running.change_settings(&[("HIGHEST", "23")]);
        running.publish("data/reading", &json!({ "celsius": 24 }));
        assert_eq!(running.receive("data/alarm")["celsius"], 24.0);
    }
}
