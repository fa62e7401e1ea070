//! What only a broker behind a socket can do.

use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use valawai::internals::broker::{Access, Error, OwnQueue, amqp};
use valawai::internals::message::Outgoing;
use valawai::internals::secret::Secret;
use valawai::internals::tls;

use super::{
    Broker, DEDICATED, LIMIT, MISSING_QUEUE, QUEUE, assert_no_event, next_delivery, spawn, wait_for_last_confirm,
    with_link,
};
use testkit::{Client, Message, Node, Vhost, wait_until};

const MIB: usize = 1 << 20;

/// Fills the queue with 40 MiB, which is more than a link buffers.
fn fill_queue(vhost: &Vhost) {
    let client = Client::connect(vhost);
    client.declare(QUEUE);
    client.publish_many(QUEUE, 40, |_| Message::bare(vec![b'x'; MIB]));
}

#[test]
fn deleting_a_queue_ends_its_consumer() {
    let node = Node::shared();
    let vhost = node.vhost();
    let (consuming, is_consuming) = crossbeam_channel::bounded(1);
    let (done, result) = crossbeam_channel::bounded(1);
    let mut session = Broker::connect(&vhost);
    spawn(&mut *session, move |link| {
        link.declare(QUEUE).unwrap();
        link.consume(QUEUE, Access::Shared, 1).unwrap();
        consuming.send(()).unwrap();
        let error = loop {
            match link.poll(true) {
                Ok(_) => link.wait(true, None, Duration::from_millis(100)),
                Err(error) => break error,
            }
        };
        done.send(error).unwrap();
    });
    is_consuming.recv_timeout(LIMIT).unwrap();
    node.delete_queue(&vhost, QUEUE);
    let error = result.recv_timeout(LIMIT).expect("the link did not detect that its queue was deleted");
    assert!(matches!(error, Error::QueueGone { .. }), "{error:?}");
    session.close(Instant::now() + LIMIT);
}

#[test]
fn a_message_is_sent_although_its_thread_goes_on_with_something_else() {
    let vhost = Node::shared().vhost();
    let client = Client::connect(&vhost);
    client.declare(QUEUE);
    with_link(&vhost, move |link| {
        link.publish(&Outgoing::new(QUEUE, b"{}".to_vec())).unwrap();
        // The link is neither polled nor does it wait, as while a slow handler runs.
        wait_until("the message", LIMIT, || client.depth(QUEUE) == 1);
    });
}

#[test]
fn a_body_is_split_into_frames_that_the_broker_accepts() {
    let node = Node::start();
    // The smallest that RabbitMQ 4.1 and later permit.
    node.rabbitmqctl(&["eval", "application:set_env(rabbit, frame_max, 8192)."]);
    let vhost = node.vhost();
    with_link(&vhost, |link| {
        link.declare(QUEUE).unwrap();
        link.consume(QUEUE, Access::Shared, 1).unwrap();
        let body: Vec<u8> = (0..100_000_u32).map(|number| number.to_le_bytes()[0]).collect();
        let sequence = link.publish(&Outgoing::new(QUEUE, body.clone())).unwrap();
        wait_for_last_confirm(link, sequence);
        assert_eq!(next_delivery(link).message.body, body);
    });
}

#[test]
fn a_query_does_not_wait_behind_deliveries_that_are_not_polled() {
    let vhost = Node::shared().vhost();
    fill_queue(&vhost);
    with_link(&vhost, |link| {
        link.consume(QUEUE, Access::Shared, 200).unwrap();
        next_delivery(link);
        // Stands for a slow handler: meanwhile the broker sends what fits.
        thread::sleep(Duration::from_secs(2));
        let started = Instant::now();
        assert_eq!(link.consumers(QUEUE).unwrap(), Some(1));
        link.declare_own("valawai/c1/test/own", &OwnQueue::default()).unwrap();
        assert!(started.elapsed() < Duration::from_secs(5), "the replies took {:?}", started.elapsed());
    });
}

#[test]
fn a_smaller_prefetch_requeues_the_surplus_in_order() {
    let vhost = Node::shared().vhost();
    fill_queue(&vhost);
    with_link(&vhost, |link| {
        link.consume(QUEUE, Access::Shared, 200).unwrap();
        let first = next_delivery(link);
        let requeued = link.set_prefetch(0, 2).unwrap();
        assert!(requeued.len() > 30, "only {} of 40 were requeued", requeued.len());
        assert!(requeued.is_sorted() && requeued.iter().all(|tag| *tag > first.tag + 2));
        link.acknowledge_up_to(first.tag).unwrap();
        for _ in 1..40 {
            let delivery = next_delivery(link);
            assert_eq!(delivery.message.body.len(), MIB, "a requeued message lost its body");
            link.acknowledge_up_to(delivery.tag).unwrap();
        }
        assert_no_event(link, true, "each message was delivered once");
    });
}

#[test]
fn returned_messages_do_not_delay_the_confirms() {
    let vhost = Node::shared().vhost();
    with_link(&vhost, |link| {
        for _ in 0..20 {
            let sequence = link.publish(&Outgoing::new(MISSING_QUEUE, vec![b'x'; 2 * MIB])).unwrap();
            let started = Instant::now();
            wait_for_last_confirm(link, sequence);
            assert!(started.elapsed() < Duration::from_secs(5), "confirm {sequence} took {:?}", started.elapsed());
        }
    });
}

#[test]
fn a_session_closes_by_its_deadline_if_the_broker_is_frozen() {
    let node = Node::start();
    let (stop, stopped) = crossbeam_channel::bounded::<Infallible>(0);
    let mut session = Broker::connect(&node.vhost());
    session
        .spawn(
            "waiting",
            DEDICATED,
            Box::new(move |_| {
                let _ = stopped.recv();
            }),
        )
        .unwrap();
    node.freeze();
    drop(stop);
    let started = Instant::now();
    session.close(Instant::now() + Duration::from_secs(2));
    assert!(started.elapsed() < Duration::from_millis(2700), "closing took {:?}", started.elapsed());
    node.thaw();
}

#[test]
fn a_session_without_threads_closes_by_its_deadline_if_the_broker_is_frozen() {
    let node = Node::start();
    let session = Broker::connect(&node.vhost());
    node.freeze();
    let started = Instant::now();
    session.close(Instant::now() + Duration::from_millis(500));
    assert!(started.elapsed() < Duration::from_millis(1200), "closing took {:?}", started.elapsed());
    node.thaw();
}

#[test]
fn connecting_to_an_http_server_fails_with_the_reason_and_without_the_password() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        // A session opens two connections at once.
        let mut sockets = [(); 2].map(|()| listener.accept().unwrap().0);
        for socket in &mut sockets {
            socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        }
        // Stays open until the client has closed the connection.
        for mut socket in sockets {
            let _ = socket.read_to_end(&mut Vec::new());
        }
    });
    let options = amqp::Options {
        hosts: vec![amqp::Host { name: "127.0.0.1".into(), port }],
        username: "mov".into(),
        password: Secret::new("hunter2"),
        vhost: "/".into(),
        heartbeat: 10,
        is_encrypted: false,
        tls: tls::Options::new(&tls::BROKER),
        external: false,
        client: "contract test".into(),
    };
    let error = amqp::connect(&options, 0).map(drop).expect_err("the session was opened").to_string();
    assert!(error.contains("not AMQP") && !error.contains("hunter2"), "{error}");
    server.join().unwrap();
}
