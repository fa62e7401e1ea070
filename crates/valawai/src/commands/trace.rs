//! `monitor --trace`: shows what is published on a virtual host, from RabbitMQ's firehose.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::exit::{Exit, Stop};
use super::invocation::Invocation;
use super::messages;
use super::tap::End;
use crate::broker::amqp::operator::{OperatorEvent, OperatorLink, Received};

/// The exchange to which RabbitMQ publishes copies, while the firehose is on.
const FIREHOSE: &str = "amq.rabbitmq.trace";

/// The keys of the copies of what is published. Those of deliveries begin with `deliver`.
const PUBLISHED: &str = "publish.#";

/// How many copies are received at a time. The broker keeps the others, in memory.
const PREFETCH: u16 = 500;

/// After this time without a copy, the command says how to turn the firehose on.
const HINT: Duration = Duration::from_secs(5);

const TICK: Duration = Duration::from_millis(500);

/// Shows what is published to queues and messages that `is_wanted`, until `end`.
pub(super) fn show(
    invocation: &Invocation,
    is_wanted: impl Fn(&str, &Received) -> bool,
    mut end: End,
) -> Result<Exit, Stop> {
    let began = Instant::now();
    let operator = invocation.connect()?;
    let queue = operator.declare_temporary()?;
    operator.bind(&queue, FIREHOSE, PUBLISHED)?;
    let channels = operator.open_shared()?;
    let mut link = OperatorLink::new(&channels)?;
    link.consume(&queue, PREFETCH)?;
    invocation.console.note("observing what is published on the virtual host");
    let (mut received, mut is_hinted) = (0, false);
    while !end.is_reached() && !invocation.is_interrupted() {
        match link.poll(true)? {
            Some(OperatorEvent::Received(message)) => {
                received += 1;
                link.acknowledge(message.tag)?;
                let key = routing_key(&message);
                if is_wanted(&key, &message) {
                    messages::print(&invocation.console, end.count_shown(), &key, &message)?;
                }
            }
            Some(OperatorEvent::Settled(_)) => {}
            None if received == 0 && !is_hinted && began.elapsed() > HINT => {
                is_hinted = true;
                invocation
                    .console
                    .note("nothing was published so far; is the firehose on? rabbitmqctl trace_on -p VHOST");
            }
            None => link.wait(true, &invocation.shutdown, TICK)?,
        }
    }
    Ok(Exit::Done)
}

/// The key with which the message was published: on the default exchange, the queue.
fn routing_key(message: &Received) -> String {
    let keys = message.properties.header("routing_keys");
    let first = keys.as_ref().and_then(Value::as_array).and_then(|keys| keys.first()).and_then(Value::as_str);
    first.unwrap_or(&message.key).to_owned()
}
