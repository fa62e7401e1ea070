//! Messages: each has an outcome, and the reply is the echo of a valid message.
#![no_main]

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use log::LevelFilter;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use valawai::internals::asyncapi::sample;
use valawai::internals::consumer::outcome::Outcome;
use valawai::internals::consumer::router::Router;
use valawai::internals::consumer::tuning::{Options, Tuning};
use valawai::internals::mov::{self, identity::Identity};
use valawai::internals::name::Kind;
use valawai::{Component, Context, Failure, Message, Properties, Text};

#[derive(Deserialize, Serialize)]
struct Echo {
    #[serde(deserialize_with = "valawai::de::non_empty")]
    content: Text,
}

fn echo(message: Echo, context: &Context) -> Result<Echo, Failure> {
    context.log().info("received", context.message());
    context.log_on_confirm().info("sent", &message);
    Ok(message)
}

/// It is kept, so that it is no leak.
static CONTRACT: LazyLock<&str> =
    LazyLock::new(|| sample("c1/echo", &["subscribe data/received_message", "publish data/publish_message"]));

static ROUTER: LazyLock<Router> = LazyLock::new(|| {
    let component = Component::new("1.0.0", &CONTRACT).on("data/received_message").reply("data/publish_message", echo);
    let resolved = component.check().expect("the component matches the contract");
    let options = Options { dead_letters: true, ..Options::default() };
    let (log, _) = mov::log::open(LevelFilter::Trace, Identity::default());
    Router::new(resolved.routes_of(Kind::Data), resolved.scope(log), Arc::new(Tuning::new(options)))
});

fuzz_target!(|body: &[u8]| {
    let message = Message { properties: Properties::default(), body: body.to_vec() };
    match ROUTER.decide(0, message) {
        Outcome::Publish { messages, .. } => {
            let [reply] = &messages[..] else { panic!("one message has {} replies", messages.len()) };
            // Parsed field by field: other fields may contain numbers that no type holds.
            let fields: HashMap<String, &RawValue> = serde_json::from_slice(body).expect("a valid message is JSON");
            let content: String = serde_json::from_str(fields["content"].get()).expect("the content is a string");
            let reply: Value = serde_json::from_slice(&reply.body).expect("the reply is JSON");
            assert!(!content.is_empty(), "a message without content has a reply");
            assert_eq!(reply, json!({"content": content}));
        }
        Outcome::DeadLetter(letter) => assert_eq!(letter.body, body, "the body of the dead letter was changed"),
        other => panic!("no message is retried or requeued here: {other:?}"),
    }
});
