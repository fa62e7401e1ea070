//! What every broker must do: the same tests for the one inside the process and for RabbitMQ.

mod consumers;
mod messages;
mod rabbitmq_only;
mod sessions;
mod settling;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use valawai::internals::broker::memory::MemoryBroker;
use valawai::internals::broker::{Confirm, ConsumeOn, Delivery, Event, Job, Link, Session, amqp};
use valawai::internals::message::Outgoing;
use valawai::internals::secret::Secret;

use testkit::Vhost;

const LIMIT: Duration = Duration::from_secs(20);
/// As the workers consume.
const OWN: ConsumeOn = ConsumeOn::Own { held_bytes: 32 << 20 };
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
    ($($file:ident: $($name:ident),*;)*) => {
        mod memory {
            $($(#[test] fn $name() { super::$file::$name(&valawai::internals::broker::memory::MemoryBroker::default()) })*)*
        }
        mod rabbitmq {
            $($(#[test] fn $name() { super::$file::$name(&testkit::Node::shared().vhost()) })*)*
        }
    };
}

every_broker!(
    messages:
        what_is_published_is_confirmed_and_heard_in_order,
        properties_travel_with_a_message,
        a_mandatory_message_without_a_queue_comes_back_before_its_confirm;
    settling:
        what_was_given_back_is_heard_again,
        what_was_not_acknowledged_is_heard_again_when_the_link_has_ended,
        an_acknowledgement_covers_the_deliveries_before_it;
    consumers:
        no_more_than_the_prefetch_is_in_hand,
        another_prefetch_loses_nothing_and_keeps_the_order,
        a_queue_with_many_messages_does_not_starve_another,
        without_intake_nothing_is_heard,
        a_cancelled_link_hears_no_more_and_can_still_settle,
        an_exclusive_consumer_is_a_lock,
        the_consumers_of_a_queue_are_counted;
    sessions:
        a_stop_ends_a_wait,
        a_session_closes_when_its_threads_have_ended;
);

/// Does `job` with a link of a session of its own, and closes the session.
fn with_link<T: Send + 'static>(broker: &dyn Broker, job: impl FnOnce(&mut dyn Link) -> T + Send + 'static) -> T {
    let (done, result) = crossbeam_channel::bounded(1);
    let mut session = broker.connect();
    let job: Job = Box::new(move |link| done.send(job(link.expect("a link"))).expect("the test waits"));
    session.spawn("test", OWN, job).expect("a thread");
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
