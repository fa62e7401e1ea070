//! What only a broker behind a socket can do.

use std::time::{Duration, Instant};

use valawai::broker::{Access, Error, amqp};
use valawai::secret::Secret;

use super::{Broker, LIMIT, QUEUE};
use crate::support::Node;

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
            Box::new(move |_| {
                let _ = stop.recv();
            }),
        )
        .unwrap();
    node.freeze();
    drop(caller);
    let began = Instant::now();
    session.close(Instant::now() + Duration::from_secs(2));
    assert!(began.elapsed() < Duration::from_secs(6), "closing took {:?}", began.elapsed());
    node.thaw();
}

#[test]
fn what_is_not_a_broker_is_told_apart() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        std::io::Write::write_all(&mut socket, b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        // Held open until the client has read and left.
        let _ = std::io::Read::read_to_end(&mut socket, &mut Vec::new());
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
