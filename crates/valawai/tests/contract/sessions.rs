//! Waiting, and closing sessions.

use std::convert::Infallible;
use std::time::Instant;

use valawai::internals::broker::{Access, Error};
use valawai::internals::shutdown;

use super::{Broker, LIMIT, QUEUE, next_delivery, number_in, publish, spawn, with_link};

pub(super) fn a_shutdown_ends_a_wait(broker: &dyn Broker) {
    with_link(broker, |link| {
        let (handle, shutdown) = shutdown::channel();
        drop(handle);
        let started = Instant::now();
        link.wait(true, Some(&shutdown), LIMIT);
        assert!(started.elapsed() < LIMIT / 2, "the wait took {:?}", started.elapsed());
    });
}

pub(super) fn a_session_closes_after_its_threads_have_ended(broker: &dyn Broker) {
    let (stop, stopped) = crossbeam_channel::bounded::<Infallible>(0);
    let (ended, has_ended) = crossbeam_channel::bounded(1);
    let mut session = broker.connect();
    spawn(&mut *session, move |_| {
        let _ = stopped.recv();
        ended.send(()).unwrap();
    });
    drop(stop);
    assert!(session.close(Instant::now() + LIMIT).is_none());
    assert!(has_ended.try_recv().is_ok(), "the session closed before its thread had ended");
}

pub(super) fn a_session_that_is_closed_frees_what_its_threads_consume(broker: &dyn Broker) {
    let (stop, stopped) = crossbeam_channel::bounded::<Infallible>(0);
    let (consuming, is_consuming) = crossbeam_channel::bounded(1);
    let mut session = broker.connect();
    spawn(&mut *session, move |link| {
        publish(link, 0..2);
        link.consume(QUEUE, Access::Exclusive, 10).unwrap();
        consuming.send(next_delivery(link)).unwrap();
        // As in a handler that does not return.
        let _ = stopped.recv();
        assert!(link.poll(false).is_err(), "the link is open although its session is closed");
    });
    is_consuming.recv_timeout(LIMIT).expect("a delivery");
    session.close(Instant::now());
    with_link(broker, |link| {
        let deadline = Instant::now() + LIMIT;
        while let Err(Error::LockHeld { .. }) = link.consume(QUEUE, Access::Exclusive, 10) {
            assert!(Instant::now() < deadline, "the queue is locked although the session is closed");
        }
        let deliveries = [next_delivery(link), next_delivery(link)];
        assert_eq!(deliveries.each_ref().map(number_in), [0, 1]);
        assert!(deliveries[0].message.redelivered());
    });
    drop(stop);
}
