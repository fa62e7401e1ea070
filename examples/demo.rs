//! Shows the component at work on a throw-away broker: what `runDemo.sh` runs.

use std::time::Duration;

use serde_json::json;
use testkit::{Client, Launch, Message, Mov, Node};

const HEARD: &str = "valawai/c1/echo_example_with_rust_and_amiquip/data/received_message";
const SAID: &str = "valawai/c1/echo_example_with_rust_and_amiquip/data/publish_message";
const SOON: Duration = Duration::from_secs(60);

fn main() {
    tell("Starting a RabbitMQ that ends with this demo");
    let node = Node::start();
    let vhost = node.vhost();
    let client = Client::connect(&vhost);

    tell("Starting a simulator of the Master Of VALAWAI");
    let mov = Mov::start(&vhost);

    tell("Starting the component");
    let echo = Launch::component(&vhost).env("MOV_URL", mov.url()).start();
    let health = echo.wait_healthy();
    tell("It is registered, and its health file says so");
    println!("{}", health.lines().take(8).collect::<Vec<_>>().join("\n"));

    tell("Saying something to it, and listening to what it says back");
    client.declare(SAID);
    let question = json!({ "content": "Hello, VALAWAI!" });
    client.publish(HEARD, &Message::json(&question).message_id("demo-1"));
    println!("heard: {question}");
    let echoed = client.expect(SAID, 1, SOON).remove(0);
    println!("said:  {}", echoed.text());
    assert_eq!(echoed.json(), question, "something else came back");

    tell("Stopping it with SIGTERM");
    let exit = echo.stop(SOON);
    mov.wait_until("it to be unregistered", SOON, |snapshot| snapshot.live.is_empty());
    println!("exit code {:?} after {:?}; healthy: {}", exit.code(), exit.after, echo.is_healthy());

    tell("What the component logged");
    print!("{}", echo.output());
    tell("What the MOV saw");
    print!("{}", mov.process().output());
    tell("Done: it registered, became healthy, echoed a message and unregistered");
}

fn tell(what: &str) {
    println!("\n=== {what}");
}
