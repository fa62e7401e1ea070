//! Shows the component at work on a throw-away broker. `runDemo.sh` runs it.

use std::time::Duration;

use serde_json::json;
use testkit::{Client, Message, Mov, Node, ProcessBuilder};

const INPUT: &str = "valawai/c1/echo_example_with_rust_and_amiquip/data/received_message";
const OUTPUT: &str = "valawai/c1/echo_example_with_rust_and_amiquip/data/publish_message";
const LIMIT: Duration = Duration::from_secs(60);

fn main() {
    print_step("Starting a RabbitMQ node that ends with this demo");
    let node = Node::start();
    let vhost = node.vhost();
    let client = Client::connect(&vhost);

    print_step("Starting a simulator of the Master Of VALAWAI (MOV)");
    let mov = Mov::start(&vhost);

    print_step("Starting the component");
    let component = ProcessBuilder::component(&vhost).env("MOV_URL", mov.url()).start();
    let health_file = component.wait_healthy();
    print_step("The component is registered; its health file starts with");
    println!("{}", health_file.lines().take(8).collect::<Vec<_>>().join("\n"));

    print_step("Publishing a message to it, and receiving its reply");
    client.declare(OUTPUT);
    let message = json!({ "content": "Hello, VALAWAI!" });
    client.publish(INPUT, &Message::json(&message).message_id("demo-1"));
    println!("published: {message}");
    let reply = client.receive(OUTPUT, 1, LIMIT).remove(0);
    println!("received:  {}", reply.text());
    assert_eq!(reply.json(), message, "the reply is not the message");

    print_step("Stopping it with SIGTERM");
    let exit = component.stop(LIMIT);
    mov.wait_until("the component to be unregistered", LIMIT, |snapshot| snapshot.live.is_empty());
    println!("exit code {:?} after {:?}; healthy: {}", exit.code(), exit.after, component.is_healthy());

    print_step("The log of the component");
    print!("{}", component.output());
    print_step("The log of the MOV");
    print!("{}", mov.process().output());
    print_step("Done: the component registered, became healthy, echoed a message and unregistered");
}

fn print_step(text: &str) {
    println!("\n=== {text}");
}
