//! When the component registers, and what its notice means.

use super::*;

#[test]
fn a_component_without_a_live_registration_registers() {
    let (mut state, now) = querying(Some(id('0')));
    state.query_answered(vec![], now);
    assert_eq!(state.next_steps(now), [Step::Register]);
    assert_eq!(current(&state), None);
    state.notice_received(notice('a'), now);
    assert_eq!(current(&state), Some(id('a')));
}

#[test]
fn a_registration_after_an_answered_query_needs_no_further_query() {
    let (mut state, now) = registered();
    assert_eq!(state.next_steps(now + 100 * SECOND), []);
}

#[test]
fn a_registration_after_an_unanswered_query_is_followed_by_a_query() {
    let (mut state, now) = querying(None);
    let now = now + TIMEOUT;
    assert_eq!(state.next_steps(now), [Step::Register]);
    state.notice_received(notice('b'), now);
    assert_eq!(state.next_steps(now), []);
    assert_eq!(state.next_steps(now + RECHECK_DELAY), [Step::Query]);
    state.query_answered(vec![notice('a'), notice('b')], now);
    assert_eq!(current(&state), Some(id('b')));
    assert_eq!(state.next_steps(now + RECHECK_DELAY), [Step::Unregister(id('a'))]);
}

#[test]
fn a_registration_whose_notice_does_not_arrive_is_found_by_a_query() {
    let (mut state, now) = registering();
    assert!(state.expects_notice());
    assert_eq!(state.next_steps(now + TIMEOUT), [Step::Query]);
    state.query_answered(vec![notice('a')], now);
    assert_eq!(current(&state), Some(id('a')));
    assert!(!state.expects_notice());
    assert_eq!(state.next_steps(now + 2 * TIMEOUT), []);
}

#[test]
fn a_registration_that_was_sent_twice_is_looked_for_twice() {
    let (mut state, now) = registering();
    assert_eq!(state.next_steps(now + TIMEOUT), [Step::Query]);
    state.query_answered(vec![], now);
    assert_eq!(state.next_steps(now + TIMEOUT), [Step::Register]);
    state.notice_received(notice('a'), now + TIMEOUT);
    assert!(state.expects_notice(), "a stop must wait for the other notice, to end its registration");
    let steps = state.next_steps(now + TIMEOUT + RECHECK_DELAY);
    assert_eq!(steps, [Step::Query], "the first registration may be live as well");
}

#[test]
fn a_registration_that_the_mov_has_not_processed_when_it_answers_is_looked_for_once_more() {
    let (mut state, now) = registering();
    assert_eq!(state.next_steps(now + TIMEOUT), [Step::Query]);
    state.query_answered(vec![], now + TIMEOUT);
    assert_eq!(state.next_steps(now + TIMEOUT), [Step::Register]);
    state.notice_received(notice('a'), now + TIMEOUT);
    let now = now + TIMEOUT + RECHECK_DELAY;
    assert_eq!(state.next_steps(now), [Step::Query]);
    state.query_answered(vec![notice('a')], now);
    assert!(state.may_have_second(), "a stop must query as well");
    assert_eq!(state.next_steps(now), []);
    let now = now + TIMEOUT;
    assert_eq!(state.next_steps(now), [Step::Query], "the other registration stays live");
    state.query_answered(vec![notice('a'), notice('b')], now);
    assert_eq!(state.next_steps(now), [Step::Unregister(id('b'))]);
    assert_eq!(state.next_steps(now + 100 * SECOND), []);
}

#[test]
fn registrations_that_are_all_listed_are_not_looked_for() {
    let (mut state, now) = registering();
    assert_eq!(state.next_steps(now + TIMEOUT), [Step::Query]);
    state.query_answered(vec![], now + TIMEOUT);
    assert_eq!(state.next_steps(now + TIMEOUT), [Step::Register]);
    assert_eq!(state.next_steps(now + 2 * TIMEOUT), [Step::Query]);
    let now = now + 2 * TIMEOUT;
    state.query_answered(vec![notice('a'), notice('b')], now);
    assert_eq!(state.next_steps(now), [Step::Unregister(id('b'))]);
    assert_eq!(state.next_steps(now + 100 * SECOND), []);
}
