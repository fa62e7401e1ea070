//! A MOV that is down, starts, restarts or does not work.

use super::*;

#[test]
fn no_step_is_due_before_the_mov_is_up() {
    let now = Instant::now();
    let mut state = new_state(Some(id('0')));
    assert_eq!(state.next_steps(now), []);
    state.observe_mov(None, now);
    assert_eq!(state.next_steps(now), []);
    state.observe_mov(Some(0), now + SECOND);
    assert_eq!(state.next_steps(now + SECOND), []);
}

#[test]
fn a_mov_that_came_up_gets_time_to_start() {
    let now = Instant::now();
    let mut state = new_state(None);
    state.observe_mov(Some(1), now);
    assert_eq!(state.next_steps(now), []);
    assert_eq!(state.next_steps(now + STARTUP_DELAY), [Step::Query]);
}

#[test]
fn a_mov_that_was_down_while_it_started_gets_the_time_again() {
    let now = Instant::now();
    let mut state = new_state(None);
    state.observe_mov(Some(1), now);
    state.observe_mov(None, now + SECOND);
    state.observe_mov(Some(1), now + 2 * SECOND);
    assert_eq!(state.next_steps(now + STARTUP_DELAY), []);
    assert_eq!(state.next_steps(now + 2 * SECOND + STARTUP_DELAY), [Step::Query]);
}

#[test]
fn a_registration_is_reported_while_the_mov_is_down() {
    let (mut state, now) = registered();
    state.observe_mov(Some(0), now);
    assert_eq!(current(&state), Some(id('a')));
}

#[test]
fn after_a_possible_restart_of_the_mov_a_registration_is_reported_only_when_the_mov_has_answered() {
    for is_observed_down in [true, false] {
        let (mut state, mut now) = registered();
        if is_observed_down {
            state.observe_mov(Some(0), now);
        } else {
            now += 4 * SECOND;
        }
        state.observe_mov(Some(1), now);
        assert_eq!(current(&state), None);
        assert_eq!(state.next_steps(now + STARTUP_DELAY), [Step::Query]);
        state.query_answered(vec![notice('a')], now);
        assert_eq!(current(&state), Some(id('a')));
        assert_eq!(state.next_steps(now + STARTUP_DELAY), []);
    }
}

#[test]
fn a_component_registers_again_with_a_mov_that_forgot_it() {
    let (mut state, now) = registered();
    state.registration_forgotten(now);
    assert_eq!(current(&state), None);
    assert_eq!(state.next_steps(now + STARTUP_DELAY), [Step::Query]);
    state.query_answered(vec![], now);
    assert_eq!(state.next_steps(now + STARTUP_DELAY), [Step::Register]);
}

#[test]
fn a_mov_that_does_not_work_delays_the_registration() {
    let (mut state, now) = registering();
    state.mov_not_working(now);
    assert!(!state.expects_notice(), "no registration was sent");
    assert_eq!(state.next_steps(now + NOT_WORKING_DELAY), [Step::Query]);
    state.query_answered(vec![], now);
    assert_eq!(state.next_steps(now + NOT_WORKING_DELAY), [Step::Register]);
}

#[test]
fn a_mov_that_is_ready_is_queried_at_once_however_often_that_is_observed() {
    let now = Instant::now();
    let mut state = new_state(None);
    state.observe_mov(Some(1), now);
    state.mov_started(now + SECOND);
    state.mov_started(now + 2 * SECOND);
    assert_eq!(state.next_steps(now + SECOND), [Step::Query]);
}
