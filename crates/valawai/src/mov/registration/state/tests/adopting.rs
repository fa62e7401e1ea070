//! Which live registration is kept.

use super::*;

#[test]
fn a_live_registration_is_adopted() {
    for last_known in [None, Some(id('a')), Some(id('b'))] {
        let (mut state, now) = querying(last_known);
        state.query_answered(vec![notice('a')], now);
        assert_eq!(current(&state), Some(id('a')));
        assert_eq!(state.next_steps(now + 100 * SECOND), []);
    }
}

#[test]
fn of_several_live_registrations_the_last_known_is_adopted_and_the_others_are_ended() {
    let (mut state, now) = querying(Some(id('b')));
    state.query_answered(vec![notice('a'), notice('b'), notice('c')], now);
    assert_eq!(current(&state), Some(id('b')));
    assert_eq!(state.next_steps(now), [Step::Unregister(id('a')), Step::Unregister(id('c'))]);
}

#[test]
fn of_several_unknown_live_registrations_the_oldest_is_adopted_and_the_others_are_ended() {
    let (mut state, now) = querying(None);
    state.query_answered(vec![notice('a'), notice('b')], now);
    assert_eq!(current(&state), Some(id('a')));
    assert_eq!(state.next_steps(now), [Step::Unregister(id('b'))]);
}

#[test]
fn a_registration_of_another_version_is_ended_after_the_component_registered() {
    let (mut state, now) = querying(Some(id('a')));
    state.query_answered(vec![notice_of_version('a', "0.9.0")], now);
    assert_eq!(state.next_steps(now), [Step::Register], "without a registration, messages are not forwarded");
    state.notice_received(notice('b'), now);
    assert_eq!(current(&state), Some(id('b')));
    assert_eq!(state.next_steps(now), [Step::Unregister(id('a'))]);
}

#[test]
fn a_registration_with_another_contract_is_not_adopted() {
    for (contract, expected) in [(contract(), vec![]), ("other".into(), vec![Step::Register])] {
        let now = Instant::now();
        let mut state = new_state(None);
        state.take_over(Some(recorded('a', &contract)), false, now);
        state.observe_mov(Some(1), now);
        assert_eq!(state.next_steps(now + STARTUP_DELAY), [Step::Query]);
        state.query_answered(vec![notice('a')], now);
        assert_eq!(state.next_steps(now + STARTUP_DELAY), expected);
    }
}

#[test]
fn a_registration_known_from_an_early_notice_is_preferred() {
    let now = Instant::now();
    let mut state = new_state(None);
    state.notice_received(notice('b'), now);
    assert_eq!(current(&state), None, "the notice may be of an earlier run");
    state.observe_mov(Some(1), now);
    assert_eq!(state.next_steps(now + STARTUP_DELAY), [Step::Query]);
    state.query_answered(vec![notice('a'), notice('b')], now);
    assert_eq!(current(&state), Some(id('b')));
    assert_eq!(state.next_steps(now + STARTUP_DELAY), [Step::Unregister(id('a'))]);
}

#[test]
fn a_standby_that_takes_over_keeps_reporting_its_registration_and_queries_immediately() {
    let now = Instant::now();
    let mut state = new_state(None);
    state.take_over(Some(recorded('a', &contract())), true, now);
    state.observe_mov(Some(1), now);
    assert_eq!(state.next_steps(now), [Step::Query]);
    assert_eq!(current(&state), Some(id('a')));
    state.query_answered(vec![notice('a')], now);
    assert_eq!(current(&state), Some(id('a')));
    assert_eq!(state.next_steps(now), []);
}

#[test]
fn a_standby_that_takes_over_while_the_mov_starts_notices_that_it_forgot() {
    let now = Instant::now();
    let mut state = new_state(None);
    state.take_over(Some(recorded('a', &contract())), true, now);
    state.observe_mov(Some(1), now);
    assert_eq!(state.next_steps(now), [Step::Query]);
    state.query_answered(vec![notice('a')], now);
    let steps = steps_within(&mut state, now, 3);
    assert_eq!(steps, [(3, Step::Query)], "it trusts a MOV that has just started for ever");
    state.query_answered(vec![], now);
    assert_eq!(state.next_steps(now + STARTUP_DELAY), [Step::Register]);
}

#[test]
fn a_registration_that_came_while_a_query_was_answered_is_found_by_the_next_query() {
    let (mut state, now) = querying(None);
    state.notice_received(notice('a'), now);
    state.query_answered(vec![], now);
    assert_eq!(state.next_steps(now), [Step::Register]);
    state.notice_received(notice('b'), now);
    assert_eq!(steps_within(&mut state, now, 1), [(1, Step::Query)], "two registrations stay live");
    state.query_answered(vec![notice('a'), notice('b')], now);
    assert_eq!(state.next_steps(now + SECOND), [Step::Unregister(id('a'))]);
}

#[test]
fn a_second_registration_that_came_while_a_query_was_answered_is_found_by_the_next_query() {
    let (mut state, now) = registered();
    state.notice_received(notice('b'), now);
    assert_eq!(state.next_steps(now + RECHECK_DELAY), [Step::Query]);
    state.notice_received(notice('c'), now + RECHECK_DELAY);
    state.query_answered(vec![notice('a'), notice('b')], now);
    let steps = steps_within(&mut state, now + RECHECK_DELAY, 1);
    assert_eq!(steps, [(0, Step::Unregister(id('b'))), (1, Step::Query)], "a third registration stays live");
}

#[test]
fn a_registrar_that_returns_keeps_its_registration() {
    let (mut state, now) = registered();
    state.take_over(Some(recorded('a', &contract())), false, now);
    assert_eq!(current(&state), Some(id('a')));
}

#[test]
fn a_process_that_takes_over_an_unobserved_registration_reports_it_only_when_the_mov_has_answered() {
    let (mut state, now) = registered();
    state.take_over(Some(recorded('b', &contract())), false, now);
    assert_eq!(current(&state), None);
    state.observe_mov(Some(1), now + SECOND);
    assert_eq!(state.next_steps(now + SECOND + STARTUP_DELAY), [Step::Query]);
    state.query_answered(vec![notice('b')], now);
    assert_eq!(current(&state), Some(id('b')));
}
