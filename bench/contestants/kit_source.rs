//! A source of the kit that pipelines: publishes messages as fast as it can, and prints how long that took.

use std::process::ExitCode;
use std::time::Instant;

use echo_bench::config::{SOURCE_BODY_SIZE, SOURCE_COUNT, SOURCE_FINISHED};
use serde::Serialize;
use valawai::{Component, Failure, Publisher, Shutdown};

const ASYNCAPI: &str = "
channels:
  valawai/c1/echo_example_with_rust_and_amiquip/control/registered:
    subscribe: { message: { payload: { properties: {
      id: &text { type: string }, name: *text, description: *text, version: *text, api_version: *text, type: *text,
      since: *text, channels: *text } } } }
  valawai/c1/echo_example_with_rust_and_amiquip/data/publish_message:
    publish: { message: { payload: { properties: { content: *text } } } }
";

#[derive(Serialize)]
struct Content<'a> {
    content: &'a str,
}

fn main() -> ExitCode {
    valawai::main(&Component::new("1.0.0", ASYNCAPI).source("data/publish_message", publish))
}

/// Measures from the first confirm, when the component is connected, to the last one.
fn publish(publisher: &Publisher, _: &Shutdown) -> Result<(), Failure> {
    let content = "a".repeat(SOURCE_BODY_SIZE - r#"{"content":""}"#.len());
    let message = Content { content: &content };
    publisher.publish(&message)?;
    let start = Instant::now();
    for _ in 0..SOURCE_COUNT {
        publisher.enqueue(&message)?;
    }
    publisher.flush()?;
    println!("{SOURCE_FINISHED}{}", start.elapsed().as_secs_f64());
    Ok(())
}
