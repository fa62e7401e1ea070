//! The outbox, as a source and sessions use it.

use super::*;

fn message(bytes: usize) -> Outgoing {
    Outgoing::new("queue", vec![b' '; bytes])
}

fn outbox_with(messages: usize) -> Outbox {
    let outbox = Outbox::default();
    (0..messages).for_each(|_| outbox.add(message(1)).unwrap());
    outbox
}

fn take_all(outbox: &Outbox, session: u64) -> Vec<u64> {
    std::iter::from_fn(|| outbox.next(session)).map(|(number, _)| number).collect()
}

#[test]
fn each_message_is_taken_once_in_a_session_and_again_in_the_next() {
    let outbox = outbox_with(4);
    let first = outbox.begin_session();
    assert_eq!(take_all(&outbox, first), [1, 2, 3, 4]);
    outbox.confirmed(1);
    outbox.confirmed(3);
    let second = outbox.begin_session();
    assert_eq!(take_all(&outbox, second), [2, 4]);
    assert_eq!(take_all(&outbox, first), [0; 0], "the first session is over");
}

#[test]
fn a_rejected_message_is_taken_again() {
    let outbox = outbox_with(3);
    let session = outbox.begin_session();
    take_all(&outbox, session);
    outbox.rejected(session, 2);
    outbox.confirmed(1);
    assert_eq!(take_all(&outbox, session), [2]);
    assert_eq!(outbox.count(), 2);
}

#[test]
fn a_source_waits_while_too_much_is_unconfirmed() {
    for (count, bytes) in [(MAX_MESSAGES, 1), (2, MAX_BYTES / 2), (1, MAX_BYTES + 1)] {
        let outbox = Outbox::default();
        (0..count).for_each(|_| outbox.add(message(bytes)).unwrap());
        let (sender, added) = crossbeam_channel::bounded(1);
        std::thread::scope(|scope| {
            scope.spawn(|| sender.send(outbox.add(message(1))).unwrap());
            let early = added.recv_timeout(std::time::Duration::from_millis(50));
            outbox.confirmed(1);
            assert!(early.is_err(), "{count} messages of {bytes} bytes leave space");
            assert_eq!(added.recv(), Ok(Ok(())));
        });
    }
}

#[test]
fn a_failure_is_reported_by_the_next_flush_only() {
    let outbox = outbox_with(1);
    outbox.failed(1, Failure::refuse("too large"));
    assert_eq!(outbox.flush(), Err(Failure::refuse("too large")));
    assert_eq!(outbox.flush(), Ok(()));
}

#[test]
fn a_source_is_not_kept_waiting_when_the_component_stops() {
    let outbox = outbox_with(1);
    outbox.close();
    assert!(outbox.flush().is_err() && outbox.add(message(1)).is_err());
}
