//! Waiting, and closing sessions.

use std::convert::Infallible;
use std::time::Instant;

use valawai::internals::shutdown;

use super::{Broker, LIMIT, spawn, with_link};

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
