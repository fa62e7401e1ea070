//! The tests of the contract, for a broker of any kind. They wait as the component does, so that time may be simulated.

pub(crate) mod consumers;
pub(crate) mod messages;
pub(crate) mod sessions;
pub(crate) mod settling;

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::ops::Range;
use std::time::Duration;

use crossbeam_channel::Receiver;
use valawai::internals::broker::{Access, Confirm, ConsumeOn, Delivery, Event, Link, Session};
use valawai::internals::message::Outgoing;
use valawai::internals::{clock, threads};

pub(crate) const LIMIT: Duration = Duration::from_secs(20);
/// How the consumers of data channels consume.
pub(crate) const DEDICATED: ConsumeOn = ConsumeOn::Dedicated { buffer_limit: 32 << 20 };
pub(crate) const QUEUE: &str = "valawai/c1/test/data/queue";
pub(crate) const MISSING_QUEUE: &str = "valawai/c1/test/data/missing";

/// Passes the names of all tests, by file, to the macro `$run`.
macro_rules! each_test {
    ($run:ident) => {
        $run! {
            messages:
                published_messages_are_confirmed_and_delivered_in_order,
                a_message_is_delivered_with_its_properties,
                an_unroutable_mandatory_message_is_returned_before_its_confirm,
                an_unroutable_message_that_is_not_mandatory_is_only_confirmed;
            settling:
                a_requeued_message_is_delivered_again,
                an_unacknowledged_message_is_delivered_again_after_its_link_has_ended,
                an_acknowledgement_covers_all_earlier_deliveries;
            consumers:
                the_prefetch_limits_the_deliveries_in_flight,
                changing_the_prefetch_loses_nothing_and_keeps_the_order,
                a_queue_with_many_messages_does_not_starve_another,
                deliveries_are_polled_only_on_request,
                a_cancelled_link_receives_nothing_and_can_still_settle,
                cancelling_requeues_what_was_not_polled,
                an_exclusive_consumer_is_a_lock,
                the_consumers_of_a_queue_are_counted;
            sessions:
                a_shutdown_ends_a_wait,
                a_session_closes_after_its_threads_have_ended,
                a_session_that_is_closed_frees_what_its_threads_consume;
        }
    };
}

pub(crate) use each_test;

/// Opens sessions.
pub(crate) trait Broker {
    fn connect(&self) -> Box<dyn Session>;
}

/// Receives within the limit.
pub(crate) fn receive<T>(receiver: &Receiver<T>, problem: &str) -> T {
    threads::receive_until(receiver, clock::now() + LIMIT).expect(problem)
}

/// Waits until the sender of `released` is dropped.
pub(crate) fn wait_for_release(released: &Receiver<Infallible>) {
    let _ = threads::receive_until(released, clock::now() + 10 * LIMIT);
}

/// Runs `job` with a link of a new session, and closes the session.
pub(crate) fn with_link<T: Send + 'static>(
    broker: &dyn Broker,
    job: impl FnOnce(&mut dyn Link) -> T + Send + 'static,
) -> T {
    let (done, result) = crossbeam_channel::bounded(1);
    let mut session = broker.connect();
    spawn(&mut *session, move |link| done.send(job(link)).expect("the test waits"));
    let result = receive(&result, "the job panicked, or did not end in time");
    assert!(session.close(clock::now() + LIMIT).is_none(), "the session was lost");
    result
}

/// Starts a thread of `session` that runs `job` with a link.
pub(crate) fn spawn(session: &mut dyn Session, job: impl FnOnce(&mut dyn Link) + Send + 'static) {
    session.spawn("test", DEDICATED, Box::new(move |link| job(link.expect("a link")))).expect("a thread");
}

/// Asserts that exactly these messages of [`publish`] are delivered first in a new session, and acknowledges them.
pub(crate) fn assert_first_messages(broker: &dyn Broker, numbers: [usize; 2], because: &'static str) {
    with_link(broker, move |link| {
        link.consume(QUEUE, Access::Shared, 10).unwrap();
        let deliveries = numbers.map(|_| next_delivery(link));
        assert_eq!(deliveries.each_ref().map(number_in), numbers, "{because}");
        link.acknowledge_up_to(deliveries[1].tag).unwrap();
    });
}

/// Publishes one message for each number in `bodies`, and waits for the confirms.
pub(crate) fn publish(link: &mut dyn Link, bodies: Range<usize>) {
    link.declare(QUEUE).expect("declare the queue");
    let mut last = 0;
    for number in bodies {
        last = link.publish(&Outgoing::new(QUEUE, number.to_string().into_bytes())).expect("publish");
    }
    wait_for_confirms(link, last);
}

/// Waits until all messages up to `last` are accepted, however the broker groups its confirms.
pub(crate) fn wait_for_confirms(link: &mut dyn Link, last: u64) {
    let mut confirmed = BTreeSet::new();
    while confirmed.len() < usize::try_from(last).expect("a small number") {
        match next_event(link, false) {
            Some(Event::Confirm(Confirm { sequence, multiple, accepted })) => {
                assert!(accepted, "the broker nacked message {sequence}");
                confirmed.extend(if multiple { 1..=sequence } else { sequence..=sequence });
            }
            other => panic!("expected confirms up to {last}, got {other:?}"),
        }
    }
}

/// Waits for the confirm of the last published message, and ignores all events before it.
pub(crate) fn wait_for_last_confirm(link: &mut dyn Link, sequence: u64) {
    loop {
        match next_event(link, false).expect("a confirm") {
            Event::Confirm(confirm) if confirm.sequence == sequence => return,
            _ => {}
        }
    }
}

/// Waits for the next event, or returns `None` after the limit.
pub(crate) fn next_event(link: &mut dyn Link, deliveries: bool) -> Option<Event> {
    next_event_within(link, deliveries, LIMIT)
}

pub(crate) fn next_event_within(link: &mut dyn Link, deliveries: bool, limit: Duration) -> Option<Event> {
    let deadline = clock::now() + limit;
    loop {
        match link.poll(deliveries).expect("the session was lost") {
            Some(event) => return Some(event),
            None if clock::now() >= deadline => return None,
            None => link.wait(deliveries, None, Duration::from_millis(100)),
        }
    }
}

pub(crate) fn next_delivery(link: &mut dyn Link) -> Delivery {
    match next_event(link, true) {
        Some(Event::Delivery(delivery)) => delivery,
        other => panic!("expected a delivery, got {other:?}"),
    }
}

/// The number in a message of [`publish`].
pub(crate) fn number_in(delivery: &Delivery) -> usize {
    String::from_utf8_lossy(&delivery.message.body).parse().expect("a number")
}

/// Asserts that no event occurs, for longer than an event usually takes.
pub(crate) fn assert_no_event(link: &mut dyn Link, deliveries: bool, reason: &str) {
    let event = next_event_within(link, deliveries, Duration::from_millis(300));
    assert!(event.is_none(), "{reason}, but got {event:?}");
}
