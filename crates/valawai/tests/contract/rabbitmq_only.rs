//! What only a broker behind a socket can do.

use std::time::{Duration, Instant};

use valawai::internals::broker::{Access, Error, Event, OwnQueue, amqp};
use valawai::internals::message::Outgoing;
use valawai::internals::secret::Secret;

use super::{Broker, LIMIT, OWN, QUEUE, assert_silent, hear, next, with_link};
use testkit::{Client, Message, Node, Vhost};

#[test]
fn a_deleted_queue_ends_the_hearing_of_it() {
    let node = Node::shared();
    let vhost = node.vhost();
    let broker: &dyn Broker = &vhost;
    let (heard, is_heard) = crossbeam_channel::bounded(1);
    let (done, result) = crossbeam_channel::bounded(1);
    let mut session = broker.connect();
    session
        .spawn(
            "hears",
            OWN,
            Box::new(move |link| {
                let link = link.unwrap();
                link.declare(QUEUE).unwrap();
                link.consume(QUEUE, Access::Shared, 1).unwrap();
                heard.send(()).unwrap();
                let error = loop {
                    match link.poll(true) {
                        Ok(_) => link.wait(true, None, Duration::from_millis(100)),
                        Err(error) => break error,
                    }
                };
                done.send(error).unwrap();
            }),
        )
        .unwrap();
    is_heard.recv_timeout(LIMIT).unwrap();
    node.delete_queue(&vhost, QUEUE);
    let error = result.recv_timeout(LIMIT).expect("the link did not notice that its queue is gone");
    assert!(matches!(error, Error::QueueGone { .. }), "it saw {error:?}");
    session.close(Instant::now() + LIMIT);
}

#[test]
fn a_session_with_a_frozen_broker_closes_in_time() {
    let node = Node::start();
    let vhost = node.vhost();
    let broker: &dyn Broker = &vhost;
    let (caller, stop) = crossbeam_channel::bounded::<std::convert::Infallible>(0);
    let mut session = broker.connect();
    session
        .spawn(
            "waits",
            OWN,
            Box::new(move |_| {
                let _ = stop.recv();
            }),
        )
        .unwrap();
    node.freeze();
    drop(caller);
    let began = Instant::now();
    session.close(Instant::now() + Duration::from_secs(2));
    assert!(began.elapsed() < Duration::from_millis(2700), "closing took {:?}", began.elapsed());
    node.thaw();
}

/// Bodies that are far more than a link may hold: 40 MiB.
fn lay_ready(vhost: &Vhost) {
    let client = Client::connect(vhost);
    client.declare(QUEUE);
    client.publish_many(QUEUE, 40, |_| Message::bare(vec![b'x'; 1 << 20]));
}

#[test]
fn a_question_does_not_wait_behind_messages_that_nobody_takes() {
    let vhost = Node::shared().vhost();
    lay_ready(&vhost);
    with_link(&vhost, |link| {
        link.consume(QUEUE, Access::Shared, 200).unwrap();
        hear(link);
        // Not a guess: for so long a handler keeps the others waiting, and the broker sends what fits.
        std::thread::sleep(Duration::from_secs(2));
        let began = Instant::now();
        assert_eq!(link.consumers(QUEUE).unwrap(), Some(1));
        link.declare_own("valawai/c1/test/own", &OwnQueue::default()).unwrap();
        assert!(began.elapsed() < Duration::from_secs(5), "the answers took {:?}", began.elapsed());
    });
}

#[test]
fn what_is_too_much_for_a_smaller_prefetch_goes_back_in_order_and_unheard() {
    let vhost = Node::shared().vhost();
    lay_ready(&vhost);
    with_link(&vhost, |link| {
        link.consume(QUEUE, Access::Shared, 200).unwrap();
        let first = hear(link);
        let requeued = link.set_prefetch(0, 2).unwrap();
        assert!(requeued.len() > 30, "only {} of 40 went back", requeued.len());
        assert!(requeued.is_sorted() && requeued.iter().all(|number| *number > first.tag + 2));
        link.acknowledge_up_to(first.tag).unwrap();
        for _ in 1..40 {
            let delivery = hear(link);
            assert_eq!(delivery.message.body.len(), 1 << 20, "a body was lost on the way back");
            link.acknowledge_up_to(delivery.tag).unwrap();
        }
        assert_silent(link, true, "all were heard, each of them once");
    });
}

#[test]
fn messages_that_come_back_do_not_hold_up_the_confirms() {
    let vhost = Node::shared().vhost();
    with_link(&vhost, |link| {
        for _ in 0..20 {
            let sequence = link.publish(&Outgoing::new("valawai/c1/test/data/nobody", vec![b'x'; 2 << 20])).unwrap();
            let began = Instant::now();
            while !matches!(next(link, false), Some(Event::Confirm(confirm)) if confirm.sequence == sequence) {}
            assert!(began.elapsed() < Duration::from_secs(5), "confirm {sequence} took {:?}", began.elapsed());
        }
    });
}

#[test]
fn a_session_whose_threads_have_ended_closes_in_time_also_when_the_broker_is_frozen() {
    let node = Node::start();
    let vhost = node.vhost();
    let session = Broker::connect(&vhost);
    node.freeze();
    let began = Instant::now();
    session.close(Instant::now() + Duration::from_millis(500));
    assert!(began.elapsed() < Duration::from_millis(1200), "closing took {:?}", began.elapsed());
    node.thaw();
}

#[test]
fn what_is_not_a_broker_is_told_apart() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        // A session has two connections from the start.
        let mut sockets = [(); 2].map(|()| listener.accept().unwrap().0);
        for socket in &mut sockets {
            std::io::Write::write_all(socket, b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        }
        // Held open until the client has read and left.
        for mut socket in sockets {
            let _ = std::io::Read::read_to_end(&mut socket, &mut Vec::new());
        }
    });
    let options = amqp::Options {
        hosts: vec![amqp::Host { name: "127.0.0.1".into(), port }],
        username: "mov".into(),
        password: Secret::new("hunter2"),
        vhost: "/".into(),
        heartbeat: 10,
        client: "contract test".into(),
    };
    let error = amqp::connect(&options, 0).map(drop).expect_err("an HTTP server was taken for a broker").to_string();
    assert!(error.contains("not AMQP") && !error.contains("hunter2"), "{error}");
    server.join().unwrap();
}
