//! Which registrations are ended, and that each is ended once.

use super::*;

#[test]
fn an_unconfirmed_end_of_a_registration_is_sent_again_in_the_next_session() {
    let (mut state, now) = querying(None);
    state.query_answered(vec![notice('a'), notice('b')]);
    assert_eq!(state.next_steps(now), [Step::Unregister(id('b'))]);
    state.session_opened(now);
    assert_eq!(state.next_steps(now), [Step::Unregister(id('b'))]);
    state.unregister_confirmed(&id('b'));
    state.session_opened(now);
    assert_eq!(state.next_steps(now), []);
}

#[test]
fn a_nacked_end_of_a_registration_is_sent_again() {
    let (mut state, now) = querying(None);
    state.query_answered(vec![notice('a'), notice('b')]);
    assert_eq!(state.next_steps(now), [Step::Unregister(id('b'))]);
    state.unregister_nacked(&id('b'));
    assert_eq!(state.next_steps(now), [Step::Unregister(id('b'))]);
}

#[test]
fn no_registration_is_ended_twice() {
    let (mut state, now) = querying(None);
    state.query_answered(vec![notice('a'), notice('b')]);
    assert_eq!(state.next_steps(now), [Step::Unregister(id('b'))]);
    state.unregister_confirmed(&id('b'));
    state.notice_received(notice('c'), now);
    assert_eq!(state.next_steps(now + RECHECK_DELAY), [Step::Query]);
    state.query_answered(vec![notice('a'), notice('b')]);
    assert_eq!(state.next_steps(now + RECHECK_DELAY), [], "the MOV has not processed the message yet");
    assert_eq!(state.unregister_all(), [id('a')]);
}

#[test]
fn a_stop_ends_the_current_registration() {
    let (mut state, now) = registered();
    assert_eq!(state.unregister_all(), [id('a')]);
    assert_eq!(state.next_steps(now), []);
}

#[test]
fn a_stop_ends_a_registration_that_may_be_live() {
    let (mut state, _) = querying(Some(id('0')));
    assert_eq!(state.unregister_all(), [id('0')]);
}

#[test]
fn a_stop_ends_the_registration_of_an_expected_notice_and_of_no_other() {
    let (mut state, _) = registering();
    state.notice_received_while_stopping(notice('a'));
    state.notice_received_while_stopping(notice('b'));
    assert_eq!(state.unregister_all(), [id('a')]);
}
