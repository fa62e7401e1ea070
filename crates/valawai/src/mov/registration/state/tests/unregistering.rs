//! Which registrations are ended, and that each is ended once.

use super::*;

#[test]
fn an_unconfirmed_end_of_a_registration_is_sent_again_in_the_next_session() {
    let (mut state, now) = querying(None);
    state.query_answered(vec![notice('a'), notice('b')], now);
    assert_eq!(state.next_steps(now), [Step::Unregister(id('b'))]);
    state.session_opened(now);
    assert_eq!(state.next_steps(now), [Step::Unregister(id('b'))]);
    state.unregister_confirmed(&id('b'));
    state.session_opened(now);
    assert_eq!(state.next_steps(now), []);
}

#[test]
fn an_unconfirmed_end_of_a_registration_that_the_mov_still_lists_is_sent_again_and_the_registration_is_not_kept() {
    for other in [Some('a'), None] {
        let (mut state, now) = querying(None);
        state.query_answered(vec![notice('a'), notice('b')], now);
        assert_eq!(state.next_steps(now), [Step::Unregister(id('b'))]);
        state.session_opened(now);
        state.observe_mov(Some(0), now);
        state.observe_mov(Some(1), now);
        let now = now + STARTUP_DELAY;
        assert_eq!(state.next_steps(now), [Step::Query]);
        state.query_answered(other.into_iter().chain(['b']).map(notice).collect(), now);
        if other.is_none() {
            assert_eq!(state.next_steps(now), [Step::Register], "the end of the registration may take effect yet");
            state.notice_received(notice('c'), now);
        }
        assert_eq!(state.next_steps(now), [Step::Unregister(id('b'))], "two registrations stay live");
    }
}

#[test]
fn an_unconfirmed_end_of_a_registration_that_the_mov_no_longer_lists_is_not_sent_again() {
    let (mut state, now) = querying(None);
    state.query_answered(vec![notice('a'), notice('b')], now);
    assert_eq!(state.next_steps(now), [Step::Unregister(id('b'))]);
    state.session_opened(now);
    state.query_answered(vec![notice('a')], now);
    assert_eq!(state.next_steps(now), []);
}

#[test]
fn a_nacked_end_of_a_registration_is_sent_again() {
    let (mut state, now) = querying(None);
    state.query_answered(vec![notice('a'), notice('b')], now);
    assert_eq!(state.next_steps(now), [Step::Unregister(id('b'))]);
    state.unregister_nacked(&id('b'));
    assert_eq!(state.next_steps(now), [Step::Unregister(id('b'))]);
}

#[test]
fn no_registration_is_ended_twice() {
    let (mut state, now) = querying(None);
    state.query_answered(vec![notice('a'), notice('b')], now);
    assert_eq!(state.next_steps(now), [Step::Unregister(id('b'))]);
    state.unregister_confirmed(&id('b'));
    state.notice_received(notice('c'), now);
    assert_eq!(state.next_steps(now + RECHECK_DELAY), [Step::Query]);
    state.query_answered(vec![notice('a'), notice('b')], now);
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

#[test]
fn a_process_that_stops_before_it_has_asked_for_a_second_registration_asks() {
    let (mut state, now) = registered();
    assert!(!state.may_have_second());
    state.notice_received(notice('b'), now);
    assert!(state.may_have_second(), "the second registration stays live");
    state.query_sent(now);
    state.query_answered(vec![notice('a'), notice('b')], now);
    assert_eq!(state.unregister_all(), [id('a'), id('b')]);
}

#[test]
fn a_registration_that_the_last_registrar_knew_is_ended() {
    let (mut last, now) = registered();
    last.observe_mov(Some(0), now);
    last.observe_mov(Some(1), now);
    assert_eq!(current(&last), None, "the MOV may have forgotten it");
    let mut state = new_state(None);
    state.may_be_live(last.last_known().cloned());
    state.take_over(None, false, now);
    assert_eq!(state.unregister_all(), [id('a')]);
}

#[test]
fn what_the_last_registrar_knew_is_newer_than_what_this_process_knew() {
    let (mut state, now) = registered();
    let mut last = new_state(None);
    last.take_over(Some(recorded('b', &contract())), false, now);
    state.may_be_live(last.last_known().cloned());
    state.take_over(None, false, now);
    assert_eq!(state.last_known().map(|last_known| &last_known.id), Some(&id('b')));
    assert_eq!(state.unregister_all(), [id('a'), id('b')], "each of them may be live");
}

#[test]
fn a_registration_that_the_last_process_has_ended_is_not_kept() {
    let (mut state, now) = querying(None);
    state.are_ending(vec![id('a')]);
    assert_eq!(state.ending(), [id('a')], "the next process must not keep it either");
    state.query_answered(vec![notice('a')], now);
    assert_eq!(state.next_steps(now), [Step::Register], "the MOV has not processed the end of the registration yet");
    state.notice_received(notice('b'), now);
    assert_eq!(state.next_steps(now), [Step::Unregister(id('a'))], "the message that ended it may be lost");
    state.unregister_all();
    assert_eq!(state.ending(), [id('a'), id('b')]);
    state.query_answered(vec![notice('b')], now);
    assert_eq!(state.ending(), [id('b')], "what the MOV no longer lists has ended");
}
