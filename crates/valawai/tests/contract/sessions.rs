//! How a session waits and ends.

use std::time::Instant;

use valawai::internals::shutdown;

use super::{Broker, LIMIT, OWN, with_link};

pub(super) fn a_stop_ends_a_wait(broker: &dyn Broker) {
    with_link(broker, |link| {
        let (handle, shutdown) = shutdown::channel();
        drop(handle);
        let began = Instant::now();
        link.wait(true, Some(&shutdown), LIMIT);
        assert!(began.elapsed() < LIMIT / 2, "the wait went on for {:?}", began.elapsed());
    });
}

pub(super) fn a_session_closes_when_its_threads_have_ended(broker: &dyn Broker) {
    let (caller, stop) = crossbeam_channel::bounded::<std::convert::Infallible>(0);
    let mut session = broker.connect();
    let (ended, has_ended) = crossbeam_channel::bounded(1);
    session
        .spawn(
            "waits",
            OWN,
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
