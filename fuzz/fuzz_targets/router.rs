//! Messages: each is decided, and an answer is exactly the echo of a valid one.
#![no_main]

use std::collections::HashMap;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use log::LevelFilter;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use valawai::message::{Message, Properties};
use valawai::mov::{self, identity::Identity};
use valawai::name::Kind;
use valawai::payload::{self, Text};
use valawai::router::{Outcome, Options, Router};
use valawai::{Component, Context, Failure, Heard, Said};

const CONTRACT: &str = "
channels:
  valawai/c1/echo/control/registered: { subscribe: {} }
  valawai/c1/echo/data/heard: { subscribe: {} }
  valawai/c1/echo/data/said: { publish: {} }
";

#[derive(Deserialize, Serialize)]
struct Echo<'e> {
    #[serde(borrow, deserialize_with = "payload::non_empty")]
    content: Text<'e>,
}

fn say_back(heard: &Heard<'_>, context: &Context<'_>) -> Result<Said, Failure> {
    let echo: Echo<'_> = heard.read()?;
    context.log().info("heard", heard);
    context.log_on_confirm().info("said", &echo);
    Said::json(&echo)
}

static ROUTER: LazyLock<Router> = LazyLock::new(|| {
    let component = Component::new("1.0.0", CONTRACT).on("data/heard").answer("data/said", say_back);
    let resolved = component.check().expect("a contract that fits");
    let (log, _) = mov::log::open(LevelFilter::Trace, Identity::default());
    Router::new(&resolved, Kind::Data, log, Options { dead_letters: true, ..Options::default() })
});

fuzz_target!(|body: &[u8]| {
    let message = Message { properties: Properties::default(), body: body.to_vec() };
    match ROUTER.decide(0, message) {
        Outcome::Settle { said, .. } => {
            let [said] = &said[..] else { panic!("one message gave {} answers", said.len()) };
            // Field by field, because a number that no type holds is still JSON.
            let heard: HashMap<String, &RawValue> = serde_json::from_slice(body).expect("what was answered is JSON");
            let content: String = serde_json::from_str(heard["content"].get()).expect("the content is a text");
            let echo: Value = serde_json::from_slice(&said.body).expect("the answer is JSON");
            assert!(!content.is_empty(), "nothing was answered");
            assert_eq!(echo, json!({"content": content}));
        }
        Outcome::DeadLetter(dead_letter) => assert_eq!(dead_letter.body, body, "the body was changed"),
        other => panic!("nothing here is tried again, and yet: {other:?}"),
    }
});
