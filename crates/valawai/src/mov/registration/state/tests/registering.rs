//! When the component registers, and what its notice means.

use super::*;

#[test]
fn a_component_without_a_live_registration_registers() {
    let (mut state, now) = querying(Some(id('0')));
    state.query_answered(vec![]);
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
    state.query_answered(vec![notice('a'), notice('b')]);
    assert_eq!(current(&state), Some(id('b')));
    assert_eq!(state.next_steps(now + RECHECK_DELAY), [Step::Unregister(id('a'))]);
}

#[test]
fn a_registration_whose_notice_does_not_arrive_is_found_by_a_query() {
    let (mut state, now) = registering();
    assert!(state.expects_notice());
    assert_eq!(state.next_steps(now + TIMEOUT), [Step::Query]);
    state.query_answered(vec![notice('a')]);
    assert_eq!(current(&state), Some(id('a')));
    assert!(!state.expects_notice());
    assert_eq!(state.next_steps(now + 2 * TIMEOUT), []);
}

#[test]
fn a_registration_that_was_sent_twice_is_looked_for_twice() {
    let (mut state, now) = registering();
    assert_eq!(state.next_steps(now + TIMEOUT), [Step::Query]);
    state.query_answered(vec![]);
    assert_eq!(state.next_steps(now + TIMEOUT), [Step::Register]);
    state.notice_received(notice('a'), now + TIMEOUT);
    assert!(state.expects_notice(), "a stop must wait for the other notice, to end its registration");
    let steps = state.next_steps(now + TIMEOUT + RECHECK_DELAY);
    assert_eq!(steps, [Step::Query], "the first registration may be live as well");
}
