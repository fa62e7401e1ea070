//! When the MOV is queried.

use super::*;

#[test]
fn a_mov_that_answers_no_query_gets_few_registrations_and_queries() {
    let (mut state, now) = with_started_mov(None);
    let steps = steps_within(&mut state, now, 600);
    let registrations: Vec<u32> = steps.iter().filter(|(_, step)| *step == Step::Register).map(|(at, _)| *at).collect();
    assert_eq!(registrations, [10, 350], "{steps:?}");
    let queries = steps.iter().filter(|(_, step)| *step == Step::Query).count();
    assert!(queries < 12, "{queries} queries in ten minutes");
}

#[test]
fn a_registration_that_may_be_live_is_queried_again_instead_of_replaced() {
    let (mut state, now) = with_started_mov(Some(id('a')));
    let steps = steps_within(&mut state, now, 300);
    assert!(steps.iter().all(|(_, step)| *step == Step::Query), "{steps:?}");
}

#[test]
fn a_mov_that_stays_up_is_not_queried_again() {
    let (mut state, now) = registered();
    assert_eq!(steps_within(&mut state, now, 1000), []);
}

#[test]
fn unexpected_notices_cause_one_query_and_are_not_adopted() {
    let (mut state, now) = registered();
    for _ in 0..100 {
        state.notice_received(notice('b'), now);
    }
    assert_eq!(current(&state), Some(id('a')));
    assert_eq!(state.next_steps(now), []);
    assert_eq!(state.next_steps(now + RECHECK_DELAY), [Step::Query]);
    state.query_answered(vec![notice('a')], now);
    assert_eq!(current(&state), Some(id('a')));
    assert_eq!(state.next_steps(now + RECHECK_DELAY), []);
}

#[test]
fn a_query_whose_answer_was_lost_with_the_session_is_sent_again() {
    let (mut state, now) = querying(None);
    state.session_opened(now);
    assert_eq!(state.next_steps(now), [Step::Query]);
}

#[test]
fn a_registration_that_may_be_lost_with_the_session_is_queried() {
    let (mut state, now) = registering();
    state.session_opened(now);
    assert_eq!(state.next_steps(now + RECHECK_DELAY), [Step::Query]);
}
