//! Shows components of all three levels together on a throw-away broker. `runDemo.sh --scene` runs it.

use std::time::Duration;

use testkit::mov::Connection;
use testkit::{Client, Mov, Node, Process, ProcessBuilder, Received, Vhost};

const READING: &str = "valawai/c0/thermometer/data/reading";
const REPORT: &str = "valawai/c1/word_count/data/report";
const COUNT: &str = "valawai/c1/word_count/data/count";
const VALUE: &str = "valawai/c2/treatment_values/data/value";
const LIMIT: Duration = Duration::from_secs(60);

fn main() {
    print_step("Starting a RabbitMQ node and a simulator of the Master Of VALAWAI (MOV), which end with this demo");
    let node = Node::start();
    let vhost = node.vhost();
    let client = Client::connect(&vhost);
    client.declare(COUNT);
    client.declare(VALUE);
    let mov = Mov::start(&vhost);

    print_step("Starting c1_word_count, which counts the words of reports");
    let word_count = start(&vhost, "c1_word_count");
    print_step(
        "Starting c0_thermometer, which reports the temperature of a room; the MOV connects it to the word count",
    );
    let thermometer = start(&vhost, "c0_thermometer");
    mov.wait_until("the connection", LIMIT, |_| connection(&mov).filter(|it| it.enabled));
    print_messages("counted", &client.receive(COUNT, 3, LIMIT));

    print_step("Starting c2_treatment_values, which observes what they tell each other");
    let values = start(&vhost, "c2_treatment_values");
    print_messages("valued", &client.receive(VALUE, 1, LIMIT));
    mov.wait_until("C2 to disable the connection", LIMIT, |_| connection(&mov).filter(|it| !it.enabled));
    print_messages("valued", &client.drain(VALUE));
    print_step("It became too hot, and c2_treatment_values had the MOV disable the connection");

    for process in [thermometer, word_count, values] {
        let exit = process.stop(LIMIT);
        println!("exit code {:?}", exit.code());
    }
    print_step("Done: a C0, a C1 and a C2 component registered, were connected, and passed messages");
}

fn start(vhost: &Vhost, example: &str) -> Process {
    let process = ProcessBuilder::example(example, vhost).start();
    process.wait_healthy();
    process
}

/// The connection from the thermometer to the word count.
fn connection(mov: &Mov) -> Option<Connection> {
    let is_it = |it: &Connection| it.source.channel_name == READING && it.target.channel_name == REPORT;
    mov.connections().into_iter().find(is_it)
}

fn print_messages(what: &str, messages: &[Received]) {
    for message in messages {
        println!("{what}: {}", message.text());
    }
}

fn print_step(text: &str) {
    println!("\n=== {text}");
}
