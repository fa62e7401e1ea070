//! What the operators' commands use of RabbitMQ.

use std::time::{Duration, Instant};

use testkit::{Client, Message, Node, Vhost, wait_until};
use valawai::internals::broker::amqp::operator::{
    MessageProperties, Operator, OperatorEvent, OperatorLink, Outcome, Publication, QueueState, Requests,
};
use valawai::internals::broker::{Error, OwnQueue, amqp};
use valawai::internals::secret::Secret;
use valawai::internals::shutdown;
use valawai::internals::tls;

const LIMIT: Duration = Duration::from_secs(20);
const QUEUE: &str = "valawai/c1/test/data/queue";
const MISSING: &str = "valawai/c1/test/data/missing";

fn connect(vhost: &Vhost) -> Operator {
    Operator::connect(&options(vhost, &[(&vhost.host, vhost.port)]), LIMIT).expect("a connection to RabbitMQ")
}

fn options(vhost: &Vhost, hosts: &[(&str, u16)]) -> amqp::Options {
    amqp::Options {
        hosts: hosts.iter().map(|(name, port)| amqp::Host { name: (*name).to_owned(), port: *port }).collect(),
        username: vhost.username.clone(),
        password: Secret::new(&vhost.password),
        vhost: vhost.name.clone(),
        heartbeat: 10,
        is_encrypted: false,
        tls: tls::Options::new(&tls::BROKER),
        external: false,
        client: "operator test".into(),
    }
}

fn publication<'m>(exchange: &'m str, key: &'m str, properties: &'m MessageProperties) -> Publication<'m> {
    Publication { exchange, key, properties, body: b"{}" }
}

#[test]
fn a_frozen_host_does_not_use_up_the_time_of_the_others() {
    let vhost = Node::shared().vhost();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let start = Instant::now();
    let hosts = [("127.0.0.1", port), (&*vhost.host, vhost.port)];
    let operator = Operator::connect(&options(&vhost, &hosts), LIMIT).expect("a connection to the second host");
    assert!(start.elapsed() < Duration::from_secs(5), "it took {:?}", start.elapsed());
    assert_eq!(operator.inspect(MISSING).unwrap(), None);
}

#[test]
fn a_message_is_routed_unroutable_or_nacked() {
    let vhost = Node::shared().vhost();
    let client = Client::connect(&vhost);
    let arguments = [
        ("x-max-length", testkit::AmqpValue::LongInt(1)),
        ("x-overflow", testkit::AmqpValue::LongString("reject-publish".into())),
    ];
    client.declare_with(QUEUE, arguments.map(|(name, value)| (name.to_owned(), value)).into());
    let operator = connect(&vhost);
    let channels = operator.open().unwrap();
    let mut link = OperatorLink::new(&channels).unwrap();
    let (_handle, shutdown) = shutdown::channel();
    let properties = MessageProperties::persistent("application/json").with_message_id("m-1");
    let mut publish = |key: &str| link.publish_and_wait(publication("", key, &properties), &shutdown, LIMIT).unwrap();
    assert_eq!(publish(MISSING), Some(Outcome::Unroutable));
    assert_eq!(publish(QUEUE), Some(Outcome::Routed));
    let refused = || publish(QUEUE) == Some(Outcome::Nacked);
    wait_until("the full queue to reject a message", LIMIT, refused);
    assert_eq!(client.get(QUEUE).expect("the message").message_id(), Some("m-1"));
}

#[test]
fn all_messages_in_flight_to_a_missing_queue_are_unroutable_and_no_others() {
    let vhost = Node::shared().vhost();
    Client::connect(&vhost).declare(QUEUE);
    let operator = connect(&vhost);
    let channels = operator.open().unwrap();
    let mut link = OperatorLink::new(&channels).unwrap();
    let (_handle, shutdown) = shutdown::channel();
    let properties = MessageProperties::persistent("application/json");
    for number in 0..1000 {
        let key = if number % 2 == 0 { QUEUE } else { MISSING };
        assert_eq!(link.publish(publication("", key, &properties)).unwrap(), number + 1);
    }
    let mut outcomes = Vec::new();
    let start = Instant::now();
    while outcomes.len() < 1000 {
        assert!(start.elapsed() < LIMIT, "{} of 1000 messages are settled", outcomes.len());
        while let Some(OperatorEvent::Settled(settled)) = link.poll(false).unwrap() {
            outcomes.push((settled.sequence, settled.outcome));
        }
        link.wait(false, &shutdown, Duration::from_millis(100)).unwrap();
    }
    outcomes.sort_unstable_by_key(|(sequence, _)| *sequence);
    for (sequence, outcome) in outcomes {
        let expected = if sequence % 2 == 1 { Outcome::Routed } else { Outcome::Unroutable };
        assert_eq!(outcome, expected, "the message {sequence}");
    }
}

#[test]
fn a_request_gets_its_replies_and_a_missing_queue_is_told() {
    let vhost = Node::shared().vhost();
    let client = Client::connect(&vhost);
    client.declare(QUEUE);
    let operator = connect(&vhost);
    let channel = operator.open_for_requests().unwrap();
    let mut requests = Requests::new(&channel).unwrap();
    let (_handle, shutdown) = shutdown::channel();
    let properties = MessageProperties::persistent("application/json").with_correlation_id("q-1");
    let missing = requests.publish(publication("", MISSING, &properties), &shutdown, LIMIT).unwrap();
    assert_eq!(missing, Some(Outcome::Unroutable));
    let sent = requests.publish(publication("", QUEUE, &properties), &shutdown, LIMIT).unwrap();
    assert_eq!(sent, Some(Outcome::Routed));
    let request = client.get(QUEUE).expect("the request");
    let reply_to = request.properties.reply_to().clone().expect("where to reply");
    assert!(requests.receive(&shutdown, Duration::from_millis(50)).unwrap().is_none(), "a reply that nobody sent");
    for number in 0..3 {
        // RabbitMQ 3.10 delivers a mandatory reply, and returns it as well.
        client.try_publish(&reply_to, &Message::bare(number.to_string()).correlation_id("q-1"));
    }
    for number in 0..3 {
        let reply = requests.receive(&shutdown, LIMIT).unwrap().expect("a reply");
        assert_eq!((reply.properties.correlation_id(), reply.body), (Some("q-1"), number.to_string().into_bytes()));
    }
}

#[test]
fn messages_of_an_exchange_reach_a_temporary_queue_that_ends_with_its_connection() {
    let vhost = Node::shared().vhost();
    let operator = connect(&vhost);
    let queue = operator.declare_temporary().unwrap();
    operator.bind(&queue, "amq.topic", "ping.#").unwrap();
    let channels = operator.open().unwrap();
    let mut link = OperatorLink::new(&channels).unwrap();
    let (_handle, shutdown) = shutdown::channel();
    let properties = MessageProperties::persistent("application/json");
    let mut publish =
        |key| link.publish_and_wait(publication("amq.topic", key, &properties), &shutdown, LIMIT).unwrap();
    assert_eq!(publish("other"), Some(Outcome::Unroutable));
    assert_eq!(publish("ping.c1_echo"), Some(Outcome::Routed));
    drop(link);
    drop(channels);
    drop(operator);
    let other = connect(&vhost);
    wait_until("the queue to be deleted", LIMIT, || other.inspect(&queue).is_ok_and(|state| state.is_none()));
}

#[test]
fn a_queue_with_messages_is_deleted_only_on_purpose_and_a_conflict_is_told() {
    let vhost = Node::shared().vhost();
    let client = Client::connect(&vhost);
    let operator = connect(&vhost);
    operator.declare(QUEUE, &OwnQueue::default()).unwrap();
    client.publish(QUEUE, &Message::bare("1"));
    assert_eq!(operator.inspect(QUEUE).unwrap(), Some(QueueState { messages: 1, consumers: 0 }));
    let refused = operator.delete(QUEUE, false).unwrap_err();
    assert!(matches!(&refused, Error::Denied { reason, .. } if reason.contains("not empty")), "{refused}");
    let other = OwnQueue { newest_only: true, ..OwnQueue::default() };
    let conflict = operator.declare(QUEUE, &other).unwrap_err();
    assert!(matches!(&conflict, Error::Denied { reason, .. } if reason.contains("inequivalent")), "{conflict}");
    assert_eq!(operator.delete(QUEUE, true).unwrap(), 1);
    assert_eq!(operator.inspect(QUEUE).unwrap(), None);
}
