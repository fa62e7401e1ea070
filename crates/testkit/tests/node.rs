//! The nodes and the client.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;

use testkit::amqp::cancel_consumer;
use testkit::{Client, Message, Node, wait_until};

const SOON: Duration = Duration::from_secs(30);

#[test]
fn persistent_messages_survive_the_broker() {
    let began = Instant::now();
    let node = Node::start();
    println!("the node started in {:?}", began.elapsed());
    let vhost = node.vhost();
    let client = Client::connect(&vhost);
    client.declare("kept");
    client.publish("kept", &Message::json(&json!({"number": 1})).message_id("one").header("trace", "abc"));
    node.kill();
    assert!(Client::try_connect(&vhost).is_err(), "a killed broker accepted a connection");
    let began = Instant::now();
    node.start_again();
    println!("the node started again in {:?}", began.elapsed());
    let received = Client::connect(&vhost).get("kept").expect("the message published before");
    assert_eq!(received.json(), json!({"number": 1}));
    assert_eq!(received.message_id(), Some("one"));
    assert_eq!(received.text_header("trace"), Some("abc"));
    assert_eq!(received.content_type(), Some("application/json"));
    assert!(received.is_persistent());

    node.stop_gracefully();
    node.start_again();
    assert_eq!(Client::connect(&vhost).depth("kept"), 0, "an acknowledged message was delivered again");
}

#[test]
fn a_frozen_broker_does_not_answer_until_it_is_thawed() {
    let node = Node::start();
    let vhost = node.vhost();
    let mut socket = TcpStream::connect(("127.0.0.1", node.port())).expect("connect");
    socket.set_read_timeout(Some(Duration::from_millis(500))).expect("set a read timeout");
    node.freeze();
    socket.write_all(b"AMQP\x00\x00\x09\x01").expect("write to the socket buffer");
    let mut frame = [0; 1];
    assert!(socket.read_exact(&mut frame).is_err(), "a frozen broker answered");
    node.thaw();
    socket.read_exact(&mut frame).expect("an answer of the thawed broker");
    Client::connect(&vhost);
}

#[test]
fn a_memory_alarm_blocks_publishers() {
    let node = Node::start();
    let vhost = node.vhost();
    let publisher = Client::connect(&vhost);
    publisher.declare("q");
    node.set_memory_alarm(true);
    std::thread::scope(|scope| {
        let publishing = scope.spawn(|| publisher.publish("q", &Message::bare("late")));
        wait_until("the publisher to be blocked", SOON, || {
            node.connections().iter().any(|connection| connection.state.contains("block"))
        });
        assert_eq!(node.queue(&vhost, "q").expect("the queue").messages_ready, 0);
        node.set_memory_alarm(false);
        publishing.join().expect("the publisher to continue after the alarm");
    });
    assert_eq!(publisher.depth("q"), 1);
}

#[test]
fn virtual_hosts_isolate_queues_and_connections() {
    let node = Node::shared();
    let (vhost, other) = (node.vhost(), node.vhost());
    let client = Client::connect(&vhost);
    client.declare("q");
    assert!(Client::connect(&other).queue_info("q").is_none(), "a queue of another virtual host is visible");
    assert_eq!(node.connections_of(&vhost).len(), 1);
    node.close_connections_of(&vhost);
    wait_until("the connection to be closed", SOON, || node.connections_of(&vhost).is_empty());
}

#[test]
fn a_queue_reports_ready_and_unacknowledged_messages() {
    let node = Node::shared();
    let vhost = node.vhost();
    let client = Client::connect(&vhost);
    client.declare("q");
    client.publish_many("q", 10, |number| Message::bare(number.to_string()));
    let channel = client.channel();
    channel.qos(0, 3, false).expect("set the prefetch");
    let consumer = channel.basic_consume("q", amiquip::ConsumerOptions::default()).expect("consume");
    wait_until("three unacknowledged messages", SOON, || {
        let queue = node.queue(&vhost, "q").expect("the queue");
        (queue.messages_ready, queue.messages_unacknowledged, queue.consumers) == (7, 3, 1)
    });
    assert_eq!(client.consumers("q"), 1);
    cancel_consumer(&consumer);
    drop(consumer);
    drop(channel);
    node.purge_queue(&vhost, "q");
    node.delete_queue(&vhost, "q");
    assert!(client.queue_info("q").is_none());
    assert!(!client.try_publish("q", &Message::bare("lost")), "a deleted queue accepted a message");
}

#[test]
fn a_hundred_thousand_messages_are_received_in_order() {
    let client = Client::connect(&Node::shared().vhost());
    client.declare("q");
    let began = Instant::now();
    client.publish_many("q", 100_000, |number| Message::bare(number.to_string()).persistent());
    println!("published 100,000 persistent messages in {:?}", began.elapsed());
    assert_eq!(client.depth("q"), 100_000);
    let first = client.receive_up_to("q", 1, SOON);
    assert_eq!(first[0].text(), "0");
    let began = Instant::now();
    let rest = client.receive("q", 99_999, SOON);
    println!("received them in {:?}", began.elapsed());
    assert!(rest.iter().enumerate().all(|(index, message)| message.text() == (index + 1).to_string()));
    client.publish_many("q", 5, |number| Message::bare(number.to_string()));
    assert_eq!(client.drain("q").len(), 5);
}

#[test]
fn policies_and_permissions_take_effect() {
    let node = Node::shared();
    let vhost = node.vhost();
    let client = Client::connect(&vhost);
    node.set_policy(&vhost, "short", "^q$", &json!({"max-length": 2}));
    client.declare("q");
    client.publish_many("q", 5, |number| Message::bare(number.to_string()));
    assert_eq!(client.depth("q"), 2);
    node.set_permissions(&vhost, false);
    assert!(Client::try_connect(&vhost).is_ok(), "connecting failed without permissions on queues");
    assert!(client.queue_info("q").is_none_or(|depth| depth.messages == 2));
    node.set_permissions(&vhost, true);
}
