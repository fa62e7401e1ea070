//! Waiting, and closing sessions.

use std::convert::Infallible;

use valawai::internals::broker::{Access, Error};
use valawai::internals::clock;
use valawai::internals::shutdown;

use super::{Broker, LIMIT, QUEUE, next_delivery, number_in, publish, receive, spawn, wait_for_release, with_link};

pub(crate) fn a_shutdown_ends_a_wait(broker: &dyn Broker) {
    with_link(broker, |link| {
        let (handle, shutdown) = shutdown::channel();
        drop(handle);
        let started = clock::now();
        link.wait(true, Some(&shutdown), LIMIT);
        assert!(clock::since(started) < LIMIT / 2, "the wait took {:?}", clock::since(started));
    });
}

pub(crate) fn a_session_closes_after_its_threads_have_ended(broker: &dyn Broker) {
    let (stop, stopped) = crossbeam_channel::bounded::<Infallible>(0);
    let (ended, has_ended) = crossbeam_channel::bounded(1);
    let mut session = broker.connect();
    spawn(&mut *session, move |_| {
        wait_for_release(&stopped);
        ended.send(()).unwrap();
    });
    drop(stop);
    assert!(session.close(clock::now() + LIMIT).is_none());
    assert!(has_ended.try_recv().is_ok(), "the session closed before its thread had ended");
}

pub(crate) fn a_session_that_is_closed_frees_what_its_threads_consume(broker: &dyn Broker) {
    let (stop, stopped) = crossbeam_channel::bounded::<Infallible>(0);
    let (consuming, is_consuming) = crossbeam_channel::bounded(1);
    let mut session = broker.connect();
    spawn(&mut *session, move |link| {
        publish(link, 0..2);
        link.consume(QUEUE, Access::Exclusive, 10).unwrap();
        consuming.send(next_delivery(link)).unwrap();
        // As in a handler that does not return.
        wait_for_release(&stopped);
        assert!(link.poll(false).is_err(), "the link is open although its session is closed");
    });
    receive(&is_consuming, "there is no delivery");
    session.close(clock::now());
    with_link(broker, |link| {
        let deadline = clock::now() + LIMIT;
        while let Err(Error::LockHeld { .. }) = link.consume(QUEUE, Access::Exclusive, 10) {
            assert!(clock::now() < deadline, "the queue is locked although the session is closed");
        }
        let deliveries = [next_delivery(link), next_delivery(link)];
        assert_eq!(deliveries.each_ref().map(number_in), [0, 1]);
        assert!(deliveries[0].message.redelivered());
    });
    drop(stop);
}
