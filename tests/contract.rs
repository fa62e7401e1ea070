//! What every broker must do: the same tests for the one inside the process and for RabbitMQ.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use valawai::broker::memory::MemoryBroker;
use valawai::broker::{Access, Confirm, Delivery, Error, Event, Job, Link, Session, amqp};
use valawai::message::{Outgoing, Properties};
use valawai::secret::Secret;

use crate::support::{Node, Vhost};

const LIMIT: Duration = Duration::from_secs(20);
const QUEUE: &str = "valawai/c1/test/data/queue";

/// A way to sessions with one broker.
trait Broker {
    fn connect(&self) -> Box<dyn Session>;
}

impl Broker for MemoryBroker {
    fn connect(&self) -> Box<dyn Session> {
        Box::new(self.connect().expect("a session with the broker in memory"))
    }
}

impl Broker for Vhost {
    fn connect(&self) -> Box<dyn Session> {
        static SESSIONS: AtomicU64 = AtomicU64::new(1);
        let options = amqp::Options {
            hosts: vec![amqp::Host { name: self.host.clone(), port: self.port }],
            username: self.username.clone(),
            password: Secret::new(&self.password),
            vhost: self.name.clone(),
            heartbeat: 10,
            client: "contract test".into(),
        };
        let number = SESSIONS.fetch_add(1, Ordering::Relaxed);
        Box::new(amqp::connect(&options, number).expect("a session with RabbitMQ"))
    }
}

macro_rules! every_broker {
    ($($name:ident),* $(,)?) => {
        mod memory {
            $(#[test] fn $name() { super::$name(&valawai::broker::memory::MemoryBroker::default()) })*
        }
        mod rabbitmq {
            $(#[test] fn $name() { super::$name(&crate::support::Node::shared().vhost()) })*
        }
    };
}

every_broker!(
    what_is_published_is_confirmed_and_heard_in_order,
    properties_travel_with_a_message,
    a_mandatory_message_without_a_queue_comes_back_before_its_confirm,
    what_was_given_back_is_heard_again,
    what_was_not_acknowledged_is_heard_again_when_the_link_has_ended,
    an_acknowledgement_covers_the_deliveries_before_it,
    no_more_than_the_prefetch_is_in_hand,
    without_intake_nothing_is_heard,
    another_prefetch_loses_nothing_and_keeps_the_order,
    a_cancelled_link_hears_no_more_and_can_still_settle,
    an_exclusive_consumer_is_a_lock,
    the_consumers_of_a_queue_are_counted,
    a_tag_of_an_earlier_session_is_refused,
    a_stop_ends_a_wait,
    a_session_closes_when_its_threads_have_ended,
);

/// Does `job` with a link of a session of its own, and closes the session.
fn with_link<T: Send + 'static>(broker: &dyn Broker, job: impl FnOnce(&mut dyn Link) -> T + Send + 'static) -> T {
    let (done, result) = crossbeam_channel::bounded(1);
    let mut session = broker.connect();
    let job: Job = Box::new(move |link| done.send(job(link.expect("a link"))).expect("the test waits"));
    session.spawn("test", job).expect("a thread");
    let result = result.recv_timeout(LIMIT).expect("the job did not end well in time");
    assert!(session.close(Instant::now() + LIMIT).is_none(), "the session had been lost");
    result
}

fn publish(link: &mut dyn Link, bodies: std::ops::Range<usize>) {
    link.declare(QUEUE).expect("the queue");
    let mut last = 0;
    for number in bodies {
        last = link.publish(&Outgoing::new(QUEUE, number.to_string().into_bytes())).expect("published");
    }
    wait_for_confirms(link, last);
}

/// Waits until everything up to `last` is accepted, however the broker groups its confirms.
fn wait_for_confirms(link: &mut dyn Link, last: u64) {
    let mut confirmed = std::collections::BTreeSet::new();
    while confirmed.len() < usize::try_from(last).expect("few") {
        match next(link, false) {
            Some(Event::Confirm(Confirm { sequence, multiple, accepted })) => {
                assert!(accepted, "the broker refused message {sequence}");
                confirmed.extend(if multiple { 1..=sequence } else { sequence..=sequence });
            }
            other => panic!("waited for confirms up to {last}, and saw {other:?}"),
        }
    }
}

/// The next event, or `None` after a silence that is long enough for a busy machine.
fn next(link: &mut dyn Link, intake: bool) -> Option<Event> {
    next_within(link, intake, LIMIT)
}

fn next_within(link: &mut dyn Link, intake: bool, limit: Duration) -> Option<Event> {
    let deadline = Instant::now() + limit;
    loop {
        match link.poll(intake).expect("a session that lives") {
            Some(event) => return Some(event),
            None if Instant::now() >= deadline => return None,
            None => link.wait(intake, None, Duration::from_millis(100)),
        }
    }
}

fn hear(link: &mut dyn Link) -> Delivery {
    match next(link, true) {
        Some(Event::Delivery(delivery)) => delivery,
        other => panic!("waited for a delivery, and saw {other:?}"),
    }
}

fn number_in(delivery: &Delivery) -> usize {
    String::from_utf8_lossy(&delivery.message.body).parse().expect("a number")
}

/// Nothing comes. A silence cannot be waited for, so it is only looked at for as long as others took to speak.
fn assert_silent(link: &mut dyn Link, intake: bool, why: &str) {
    let event = next_within(link, intake, Duration::from_millis(300));
    assert!(event.is_none(), "{why}, but saw {event:?}");
}

fn what_is_published_is_confirmed_and_heard_in_order(broker: &dyn Broker) {
    with_link(broker, |link| {
        publish(link, 0..100);
        link.consume(QUEUE, Access::Shared, 10).unwrap();
        for expected in 0..100 {
            let delivery = hear(link);
            assert_eq!(number_in(&delivery), expected);
            link.acknowledge_up_to(delivery.tag).unwrap();
        }
        assert_silent(link, true, "all hundred were heard");
    });
}

fn properties_travel_with_a_message(broker: &dyn Broker) {
    with_link(broker, |link| {
        link.declare(QUEUE).unwrap();
        let properties = Properties {
            message_id: Some("m-1".into()),
            correlation_id: Some("q-1".into()),
            conversation_id: Some("c-1".into()),
            ..Properties::default()
        };
        let message = Outgoing { properties: properties.clone(), ..Outgoing::new(QUEUE, b"{}".to_vec()) };
        let sequence = link.publish(&message).unwrap();
        wait_for_confirms(link, sequence);
        link.consume(QUEUE, Access::Shared, 10).unwrap();
        let delivery = hear(link);
        assert_eq!(delivery.message.properties, properties);
        link.acknowledge_up_to(delivery.tag).unwrap();
    });
}

fn a_mandatory_message_without_a_queue_comes_back_before_its_confirm(broker: &dyn Broker) {
    with_link(broker, |link| {
        let mut message = Outgoing::new("valawai/c1/test/data/nobody", b"{}".to_vec());
        message.properties.message_id = Some("m-1".into());
        assert_eq!(link.publish(&message).unwrap(), 1);
        match next(link, false) {
            Some(Event::Returned(returned)) => {
                assert_eq!(returned.to, "valawai/c1/test/data/nobody");
                assert_eq!(returned.message_id.as_deref(), Some("m-1"));
            }
            other => panic!("waited for the message to come back, and saw {other:?}"),
        }
        wait_for_confirms(link, 1);

        link.publish(&Outgoing { mandatory: false, ..message }).unwrap();
        assert!(matches!(next(link, false), Some(Event::Confirm(_))), "what is not mandatory came back");
    });
}

fn what_was_given_back_is_heard_again(broker: &dyn Broker) {
    with_link(broker, |link| {
        publish(link, 0..2);
        link.consume(QUEUE, Access::Shared, 10).unwrap();
        let (first, second) = (hear(link), hear(link));
        link.give_back(first.tag).unwrap();
        let again = hear(link);
        assert_eq!(number_in(&again), 0);
        link.acknowledge_up_to(second.tag).unwrap();
        link.acknowledge_up_to(again.tag).unwrap();
    });
}

fn what_was_not_acknowledged_is_heard_again_when_the_link_has_ended(broker: &dyn Broker) {
    with_link(broker, |link| {
        publish(link, 0..3);
        link.consume(QUEUE, Access::Shared, 10).unwrap();
        let first = hear(link);
        hear(link);
        link.acknowledge_up_to(first.tag).unwrap();
    });
    with_link(broker, |link| {
        link.consume(QUEUE, Access::Shared, 10).unwrap();
        let (second, third) = (hear(link), hear(link));
        assert_eq!((number_in(&second), number_in(&third)), (1, 2));
        link.acknowledge_up_to(third.tag).unwrap();
    });
}

fn an_acknowledgement_covers_the_deliveries_before_it(broker: &dyn Broker) {
    with_link(broker, |link| {
        publish(link, 0..5);
        link.consume(QUEUE, Access::Shared, 10).unwrap();
        let deliveries: Vec<Delivery> = (0..5).map(|_| hear(link)).collect();
        link.give_back(deliveries[1].tag).unwrap();
        link.acknowledge_up_to(deliveries[3].tag).unwrap();
        assert!(matches!(link.acknowledge_up_to(deliveries[0].tag), Err(Error::Stale)), "it was settled already");
    });
    with_link(broker, |link| {
        link.consume(QUEUE, Access::Shared, 10).unwrap();
        let (first, second) = (hear(link), hear(link));
        let left = [number_in(&first), number_in(&second)];
        assert!(left == [1, 4], "1 was given back and 4 was not acknowledged, but {left:?} are left");
        link.acknowledge_up_to(second.tag).unwrap();
    });
}

fn no_more_than_the_prefetch_is_in_hand(broker: &dyn Broker) {
    with_link(broker, |link| {
        publish(link, 0..5);
        link.consume(QUEUE, Access::Shared, 2).unwrap();
        let first = hear(link);
        hear(link);
        assert_silent(link, true, "two are in hand");
        link.acknowledge_up_to(first.tag).unwrap();
        assert_eq!(number_in(&hear(link)), 2);
    });
}

fn another_prefetch_loses_nothing_and_keeps_the_order(broker: &dyn Broker) {
    with_link(broker, |link| {
        publish(link, 0..200);
        link.consume(QUEUE, Access::Shared, 5).unwrap();
        for expected in 0..200 {
            let delivery = hear(link);
            assert_eq!(number_in(&delivery), expected);
            if expected % 20 == 7 {
                link.retune(0, [50, 2, 9][expected / 20 % 3]).unwrap();
            }
            link.acknowledge_up_to(delivery.tag).unwrap();
        }
        assert_silent(link, true, "all of them were heard");
    });
}

fn without_intake_nothing_is_heard(broker: &dyn Broker) {
    with_link(broker, |link| {
        publish(link, 0..1);
        link.consume(QUEUE, Access::Shared, 2).unwrap();
        assert_silent(link, false, "deliveries were not asked for");
        assert_eq!(number_in(&hear(link)), 0);
    });
}

fn a_cancelled_link_hears_no_more_and_can_still_settle(broker: &dyn Broker) {
    with_link(broker, |link| {
        publish(link, 0..3);
        link.consume(QUEUE, Access::Shared, 10).unwrap();
        let first = hear(link);
        link.cancel().unwrap();
        assert_silent(link, true, "it was cancelled");
        link.acknowledge_up_to(first.tag).unwrap();
    });
    with_link(broker, |link| {
        link.consume(QUEUE, Access::Shared, 10).unwrap();
        let (second, third) = (hear(link), hear(link));
        assert_eq!((number_in(&second), number_in(&third)), (1, 2), "what was not polled went back");
        link.acknowledge_up_to(third.tag).unwrap();
    });
}

fn an_exclusive_consumer_is_a_lock(broker: &dyn Broker) {
    let (release, released) = crossbeam_channel::bounded::<()>(0);
    let (held, is_held) = crossbeam_channel::bounded(1);
    let mut holder = broker.connect();
    holder
        .spawn(
            "holder",
            Box::new(move |link| {
                let link = link.unwrap();
                link.declare(QUEUE).unwrap();
                held.send(link.consume(QUEUE, Access::Exclusive, 1)).unwrap();
                let _ = released.recv();
            }),
        )
        .unwrap();
    is_held.recv_timeout(LIMIT).unwrap().expect("the first gets the lock");

    let refused = with_link(broker, |link| link.consume(QUEUE, Access::Exclusive, 1));
    assert!(matches!(refused, Err(Error::Taken { .. })), "the second got {refused:?}");
    let refused = with_link(broker, |link| link.consume(QUEUE, Access::Shared, 1));
    assert!(matches!(refused, Err(Error::Taken { .. })), "one that would share got {refused:?}");

    drop(release);
    assert!(holder.close(Instant::now() + LIMIT).is_none());
    with_link(broker, |link| link.consume(QUEUE, Access::Exclusive, 1)).expect("the lock is free again");
}

fn the_consumers_of_a_queue_are_counted(broker: &dyn Broker) {
    with_link(broker, |link| {
        assert_eq!(link.consumers(QUEUE).unwrap(), None, "there is no such queue");
        link.declare(QUEUE).unwrap();
        assert_eq!(link.consumers(QUEUE).unwrap(), Some(0));
        link.consume(QUEUE, Access::Shared, 1).unwrap();
        assert_eq!(link.consumers(QUEUE).unwrap(), Some(1));
    });
}

fn a_tag_of_an_earlier_session_is_refused(broker: &dyn Broker) {
    let stale = with_link(broker, |link| {
        publish(link, 0..1);
        link.consume(QUEUE, Access::Shared, 1).unwrap();
        hear(link).tag
    });
    with_link(broker, move |link| {
        link.consume(QUEUE, Access::Shared, 1).unwrap();
        let again = hear(link);
        assert_eq!(again.tag.number, stale.number, "both are the first of their link");
        assert!(matches!(link.acknowledge_up_to(stale), Err(Error::Stale)));
        assert!(matches!(link.give_back(stale), Err(Error::Stale)));
        link.acknowledge_up_to(again.tag).unwrap();
    });
}

fn a_stop_ends_a_wait(broker: &dyn Broker) {
    with_link(broker, |link| {
        let (caller, stop) = crossbeam_channel::bounded(0);
        drop(caller);
        let began = Instant::now();
        link.wait(true, Some(&stop), LIMIT);
        assert!(began.elapsed() < LIMIT / 2, "the wait went on for {:?}", began.elapsed());
    });
}

fn a_session_closes_when_its_threads_have_ended(broker: &dyn Broker) {
    let (caller, stop) = crossbeam_channel::bounded::<std::convert::Infallible>(0);
    let mut session = broker.connect();
    let (ended, has_ended) = crossbeam_channel::bounded(1);
    session
        .spawn(
            "waits",
            Box::new(move |_| {
                let _ = stop.recv();
                ended.send(()).unwrap();
            }),
        )
        .unwrap();
    drop(caller);
    assert!(session.close(Instant::now() + LIMIT).is_none());
    assert!(has_ended.try_recv().is_ok(), "the session closed before its thread had ended");
}

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
