//! When to register, case by case.

use super::*;

const TIMEOUT: Duration = Duration::from_secs(10);
const SECOND: Duration = Duration::from_secs(1);

fn id(digit: char) -> ComponentId {
    digit.to_string().repeat(24).parse().unwrap()
}

/// A registrar that is registered as `id('a')`, and the time.
fn registered() -> (Registrar, Instant) {
    let now = Instant::now();
    let mut registrar = Registrar::new(TIMEOUT, []);
    registrar.saw_mov(Some(1), now);
    registrar.mov_is_settled(now);
    assert_eq!(registrar.due(now), [Step::Register]);
    assert_eq!(registrar.noticed(&id('a')), Adoption::New);
    (registrar, now)
}

#[test]
fn nothing_is_sent_before_the_mov_is_there() {
    let now = Instant::now();
    let mut registrar = Registrar::new(TIMEOUT, [id('0')]);
    assert_eq!(registrar.due(now), []);
    registrar.saw_mov(None, now);
    registrar.saw_mov(Some(0), now + SECOND);
    assert_eq!(registrar.due(now + SECOND), []);
}

#[test]
fn a_mov_is_given_time_to_settle() {
    let now = Instant::now();
    let mut registrar = Registrar::new(TIMEOUT, []);
    registrar.saw_mov(Some(1), now);
    assert_eq!(registrar.due(now), []);
    registrar.saw_mov(None, now + SECOND);
    registrar.saw_mov(Some(1), now + 2 * SECOND);
    assert_eq!(registrar.due(now + SETTLE), [], "it went away meanwhile");
    assert_eq!(registrar.due(now + 2 * SECOND + SETTLE), [Step::Register]);
}

#[test]
fn an_unanswered_registration_is_repeated_less_and_less_often() {
    let now = Instant::now();
    let mut registrar = Registrar::new(TIMEOUT, []);
    registrar.saw_mov(Some(1), now);
    registrar.mov_is_settled(now);
    assert_eq!(registrar.due(now), [Step::Register]);
    assert_eq!(registrar.due(now + 9 * SECOND), []);
    assert_eq!(registrar.due(now + TIMEOUT), [Step::Register]);
    assert_eq!(registrar.due(now + 2 * TIMEOUT), []);
    assert_eq!(registrar.due(now + 3 * TIMEOUT), [Step::Register]);
}

#[test]
fn the_ids_of_earlier_runs_are_unregistered_and_one_that_came_before_we_asked_is_such() {
    let now = Instant::now();
    let mut registrar = Registrar::new(TIMEOUT, [id('0')]);
    assert_eq!(registrar.noticed(&id('1')), Adoption::Leftover);
    registrar.saw_mov(Some(1), now);
    assert_eq!(registrar.due(now), [Step::Unregister(id('0')), Step::Unregister(id('1'))]);
    assert_eq!(registrar.due(now), []);
    assert_eq!(registrar.due(now + SETTLE), [Step::Register]);
}

#[test]
fn of_two_registrations_the_later_stays() {
    let (mut registrar, now) = registered();
    assert_eq!(registrar.noticed(&id('a')), Adoption::Known);
    assert_eq!(registrar.noticed(&id('b')), Adoption::New);
    assert_eq!(registrar.due(now), [Step::Unregister(id('a'))]);
    assert_eq!(registrar.id(), Some(&id('b')));
}

#[test]
fn a_notice_is_awaited_for_each_registration_that_was_sent() {
    let (mut registrar, now) = registered();
    assert!(!registrar.awaits_notice());
    registrar.is_forgotten(now);
    assert_eq!(registrar.due(now + SETTLE).last(), Some(&Step::Register));
    assert_eq!(registrar.due(now + SETTLE + TIMEOUT), [Step::Register]);
    registrar.noticed(&id('b'));
    assert!(registrar.awaits_notice(), "the second may still come");
    registrar.noticed(&id('c'));
    assert!(!registrar.awaits_notice());
}

#[test]
fn a_mov_that_restarted_is_told_again_who_we_are() {
    for out_of_sight in [true, false] {
        let (mut registrar, mut now) = registered();
        if out_of_sight {
            now += BLINK + SECOND;
        } else {
            registrar.saw_mov(Some(0), now);
        }
        assert_eq!(registrar.id(), Some(&id('a')), "it may only be out of sight");
        registrar.saw_mov(Some(1), now);
        assert_eq!(registrar.id(), None);
        assert_eq!(registrar.due(now), [Step::Unregister(id('a'))]);
        assert_eq!(registrar.due(now + SETTLE), [Step::Register]);
    }
}

#[test]
fn a_mov_that_stays_in_sight_is_not_asked_again() {
    let (mut registrar, now) = registered();
    for second in 1..100 {
        registrar.saw_mov(Some(1), now + second * SECOND);
        assert_eq!(registrar.due(now + second * SECOND), []);
    }
}

#[test]
fn a_mov_that_forgot_us_is_told_again() {
    let (mut registrar, now) = registered();
    registrar.is_forgotten(now);
    assert_eq!(registrar.due(now + SETTLE), [Step::Unregister(id('a')), Step::Register]);
}

#[test]
fn what_was_under_way_in_a_lost_session_is_sent_again() {
    let (mut registrar, now) = registered();
    registrar.noticed(&id('b'));
    assert_eq!(registrar.due(now), [Step::Unregister(id('a'))]);
    registrar.new_session();
    assert_eq!(registrar.due(now), [Step::Unregister(id('a'))]);
    registrar.unregistered(&id('a'));
    registrar.new_session();
    assert_eq!(registrar.due(now), []);
}

#[test]
fn who_takes_over_ends_what_the_other_held_unless_it_was_his_own() {
    let (mut registrar, now) = registered();
    registrar.take_over(Some(id('a')));
    assert_eq!(registrar.id(), Some(&id('a')), "it was a moment's absence");
    registrar.take_over(Some(id('b')));
    assert_eq!(registrar.id(), None);
    registrar.saw_mov(Some(1), now + SECOND);
    assert_eq!(registrar.due(now + SECOND), [Step::Unregister(id('a')), Step::Unregister(id('b'))]);
    assert_eq!(registrar.due(now + SECOND + SETTLE), [Step::Register]);
}

#[test]
fn leaving_ends_the_live_registration_and_the_leftovers() {
    let (mut registrar, now) = registered();
    registrar.noticed(&id('b'));
    assert_eq!(registrar.leave(), [id('a'), id('b')]);
    assert_eq!(registrar.due(now), []);
}
