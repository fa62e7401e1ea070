//! When to ask, when to register, and what to keep, case by case.

use super::*;

const TIMEOUT: Duration = Duration::from_secs(10);
const SECOND: Duration = Duration::from_secs(1);

fn info() -> ComponentInfo {
    ComponentInfo::example()
}

fn id(digit: char) -> ComponentId {
    digit.to_string().repeat(24).parse().unwrap()
}

fn notice_of_version(digit: char, version: &str) -> Notice {
    let body = format!(r#"{{"id":"{}","name":"c1_echo","type":"C1","version":"{version}"}}"#, id(digit));
    Notice::parse(body.as_bytes(), &info()).unwrap()
}

fn notice(digit: char) -> Notice {
    notice_of_version(digit, "1.0.0")
}

fn held(digit: char, contract: &str) -> Identity {
    Identity { notice: notice(digit), contract: contract.to_owned() }
}

fn current(state: &RegistrationState) -> Option<ComponentId> {
    state.current().map(|notice| notice.id.clone())
}

/// A state of which an earlier run left `known`, at a MOV that has started.
fn at_a_settled_mov(known: Option<ComponentId>) -> (RegistrationState, Instant) {
    let now = Instant::now();
    let mut state = RegistrationState::new(info(), TIMEOUT, known);
    state.saw_mov(Some(1), now);
    state.mov_is_settled(now);
    (state, now)
}

/// A state that has asked already.
fn asking(known: Option<ComponentId>) -> (RegistrationState, Instant) {
    let (mut state, now) = at_a_settled_mov(known);
    assert_eq!(state.due(now), [Step::Ask]);
    (state, now)
}

/// A state that is registered as `id('a')`.
fn registered() -> (RegistrationState, Instant) {
    let (mut state, now) = asking(None);
    state.answered(vec![]);
    assert_eq!(state.due(now), [Step::Register]);
    state.noticed(notice('a'), now);
    assert_eq!((current(&state), state.due(now)), (Some(id('a')), vec![]));
    (state, now)
}

/// The steps of the next `seconds` while the MOV stays in sight, with the second at which each is told.
fn steps_within(state: &mut RegistrationState, now: Instant, seconds: u32) -> Vec<(u32, Step)> {
    let mut steps = Vec::new();
    for second in 0..=seconds {
        state.saw_mov(Some(1), now + second * SECOND);
        steps.extend(state.due(now + second * SECOND).into_iter().map(|step| (second, step)));
    }
    steps
}

#[test]
fn nothing_is_sent_before_the_mov_is_up() {
    let now = Instant::now();
    let mut state = RegistrationState::new(info(), TIMEOUT, Some(id('0')));
    assert_eq!(state.due(now), []);
    state.saw_mov(None, now);
    state.saw_mov(Some(0), now + SECOND);
    assert_eq!(state.due(now + SECOND), []);
}

#[test]
fn a_mov_is_given_time_to_settle_before_it_is_asked() {
    let now = Instant::now();
    let mut state = RegistrationState::new(info(), TIMEOUT, None);
    state.saw_mov(Some(1), now);
    assert_eq!(state.due(now), []);
    state.saw_mov(None, now + SECOND);
    state.saw_mov(Some(1), now + 2 * SECOND);
    assert_eq!(state.due(now + SETTLE), [], "it went away meanwhile");
    assert_eq!(state.due(now + 2 * SECOND + SETTLE), [Step::Ask]);
}

#[test]
fn it_registers_when_no_registration_stands() {
    let (mut state, now) = asking(Some(id('0')));
    state.answered(vec![]);
    assert_eq!(state.due(now), [Step::Register]);
    assert_eq!(current(&state), None);
    state.noticed(notice('a'), now);
    assert_eq!(current(&state), Some(id('a')));
    assert_eq!(state.due(now + 100 * SECOND), [], "it was asked before, so there is nothing to ask");
}

#[test]
fn a_registration_that_stands_is_kept() {
    for known in [None, Some(id('a')), Some(id('b'))] {
        let (mut state, now) = asking(known);
        state.answered(vec![notice('a')]);
        assert_eq!(current(&state), Some(id('a')));
        assert_eq!(state.due(now + 100 * SECOND), []);
    }
}

#[test]
fn of_several_that_stand_the_known_one_is_kept_and_the_others_are_ended() {
    let (mut state, now) = asking(Some(id('b')));
    state.answered(vec![notice('a'), notice('b'), notice('c')]);
    assert_eq!(current(&state), Some(id('b')));
    assert_eq!(state.due(now), [Step::Unregister(id('a')), Step::Unregister(id('c'))]);
    let (mut state, now) = asking(None);
    state.answered(vec![notice('a'), notice('b')]);
    assert_eq!((current(&state), state.due(now)), (Some(id('a')), vec![Step::Unregister(id('b'))]), "the oldest");
}

#[test]
fn one_of_another_version_is_ended_once_the_new_one_stands() {
    let (mut state, now) = asking(Some(id('a')));
    state.answered(vec![notice_of_version('a', "0.9.0")]);
    assert_eq!(state.due(now), [Step::Register], "ending it first would leave nobody to forward to");
    state.noticed(notice('b'), now);
    assert_eq!((current(&state), state.due(now)), (Some(id('b')), vec![Step::Unregister(id('a'))]));
}

#[test]
fn one_of_another_contract_is_not_kept() {
    for (contract, expected) in [(info().contract(), vec![]), ("other".into(), vec![Step::Register])] {
        let now = Instant::now();
        let mut state = RegistrationState::new(info(), TIMEOUT, None);
        state.take_over(Some(held('a', &contract)), false, now);
        state.saw_mov(Some(1), now);
        assert_eq!(state.due(now + SETTLE), [Step::Ask]);
        state.answered(vec![notice('a')]);
        assert_eq!(state.due(now + SETTLE), expected);
    }
}

#[test]
fn a_mov_that_does_not_answer_is_registered_at_once_and_then_asked_less_and_less_often() {
    let (mut state, now) = at_a_settled_mov(None);
    let steps = steps_within(&mut state, now, 600);
    let registrations: Vec<u32> = steps.iter().filter(|(_, step)| *step == Step::Register).map(|(at, _)| *at).collect();
    assert_eq!(registrations, [10, 350], "{steps:?}");
    let questions = steps.iter().filter(|(_, step)| *step == Step::Ask).count();
    assert!(questions < 12, "{questions} questions in ten minutes");
}

#[test]
fn where_a_registration_may_stand_silence_is_no_reason_to_make_another() {
    let (mut state, now) = at_a_settled_mov(Some(id('a')));
    let steps = steps_within(&mut state, now, 300);
    assert!(steps.iter().all(|(_, step)| *step == Step::Ask), "{steps:?}");
}

#[test]
fn a_registration_that_was_not_answered_is_found_by_asking() {
    let (mut state, now) = asking(None);
    state.answered(vec![]);
    assert_eq!(state.due(now), [Step::Register]);
    assert!(state.awaits_notice());
    assert_eq!(state.due(now + TIMEOUT), [Step::Ask]);
    state.answered(vec![notice('a')]);
    assert_eq!((current(&state), state.awaits_notice()), (Some(id('a')), false));
    assert_eq!(state.due(now + 2 * TIMEOUT), []);
}

#[test]
fn a_registration_without_an_answer_is_followed_by_a_question_for_others() {
    let (mut state, now) = asking(None);
    assert_eq!(state.due(now + TIMEOUT), [Step::Register]);
    state.noticed(notice('b'), now + TIMEOUT);
    assert_eq!(state.due(now + TIMEOUT), []);
    assert_eq!(state.due(now + TIMEOUT + RECHECK), [Step::Ask]);
    state.answered(vec![notice('a'), notice('b')]);
    assert_eq!(state.due(now + TIMEOUT + RECHECK), [Step::Unregister(id('a'))]);
    assert_eq!(current(&state), Some(id('b')));
}

#[test]
fn a_notice_that_nobody_awaits_is_not_believed_but_asked_about() {
    let (mut state, now) = registered();
    state.noticed(notice('b'), now);
    assert_eq!((current(&state), state.due(now)), (Some(id('a')), vec![]));
    for _ in 0..100 {
        state.noticed(notice('c'), now);
    }
    assert_eq!(state.due(now + RECHECK), [Step::Ask], "one question, however many notices");
    state.answered(vec![notice('a')]);
    assert_eq!((current(&state), state.due(now + RECHECK)), (Some(id('a')), vec![]), "it was a lie");
}

#[test]
fn a_notice_of_an_earlier_run_is_kept_if_it_stands() {
    let now = Instant::now();
    let mut state = RegistrationState::new(info(), TIMEOUT, None);
    state.noticed(notice('b'), now);
    assert_eq!(current(&state), None);
    state.saw_mov(Some(1), now);
    assert_eq!(state.due(now + SETTLE), [Step::Ask]);
    state.answered(vec![notice('a'), notice('b')]);
    assert_eq!((current(&state), state.due(now + SETTLE)), (Some(id('b')), vec![Step::Unregister(id('a'))]));
}

#[test]
fn a_mov_that_may_have_restarted_is_asked_and_nothing_is_shown_until_it_answers() {
    for out_of_sight in [true, false] {
        let (mut state, mut now) = registered();
        if out_of_sight {
            now += 4 * SECOND;
        } else {
            state.saw_mov(Some(0), now);
        }
        assert_eq!(current(&state), Some(id('a')), "it may only be out of sight");
        state.saw_mov(Some(1), now);
        assert_eq!(current(&state), None);
        assert_eq!(state.due(now + SETTLE), [Step::Ask]);
        state.answered(vec![notice('a')]);
        assert_eq!((current(&state), state.due(now + SETTLE)), (Some(id('a')), vec![]));
    }
}

#[test]
fn a_mov_that_stays_in_sight_is_not_asked_again() {
    let (mut state, now) = registered();
    assert_eq!(steps_within(&mut state, now, 1000), []);
}

#[test]
fn a_mov_that_forgot_us_is_asked_and_told_again() {
    let (mut state, now) = registered();
    state.is_forgotten(now);
    assert_eq!(current(&state), None);
    assert_eq!(state.due(now + SETTLE), [Step::Ask]);
    state.answered(vec![]);
    assert_eq!(state.due(now + SETTLE), [Step::Register]);
}

#[test]
fn at_a_mov_that_does_not_work_registering_waits() {
    let (mut state, now) = asking(None);
    state.answered(vec![]);
    assert_eq!(state.due(now), [Step::Register]);
    state.mov_is_ill(now);
    assert!(!state.awaits_notice(), "nothing was sent");
    assert_eq!(state.due(now + ILL_PAUSE), [Step::Ask]);
    state.answered(vec![]);
    assert_eq!(state.due(now + ILL_PAUSE), [Step::Register]);
}

#[test]
fn what_was_sent_in_a_lost_session_is_asked_about_or_sent_again() {
    let (mut state, now) = asking(Some(id('b')));
    state.new_session(now);
    assert_eq!(state.due(now), [Step::Ask], "the answer is lost");
    state.answered(vec![notice('a'), notice('b')]);
    assert_eq!(state.due(now), [Step::Unregister(id('a'))]);
    state.new_session(now);
    assert_eq!(state.due(now), [Step::Unregister(id('a'))]);
    state.unregistered(&id('a'));
    state.new_session(now);
    assert_eq!(state.due(now), []);

    let (mut state, now) = asking(None);
    state.answered(vec![]);
    assert_eq!(state.due(now), [Step::Register]);
    state.new_session(now);
    assert_eq!(state.due(now + RECHECK), [Step::Ask], "the registration may have come through");
}

#[test]
fn no_registration_is_ended_twice() {
    let (mut state, now) = asking(None);
    state.answered(vec![notice('a'), notice('b')]);
    assert_eq!(state.due(now), [Step::Unregister(id('b'))]);
    state.unregistered(&id('b'));
    state.noticed(notice('c'), now);
    assert_eq!(state.due(now + RECHECK), [Step::Ask]);
    state.answered(vec![notice('a'), notice('b')]);
    assert_eq!(state.due(now + RECHECK), [], "its end is on the way");
    assert_eq!(state.leave(), [id('a')]);
}

#[test]
fn a_standby_that_takes_over_goes_on_with_what_it_has_shown_and_asks() {
    let now = Instant::now();
    let mut state = RegistrationState::new(info(), TIMEOUT, None);
    state.take_over(Some(held('a', &info().contract())), true, now);
    assert_eq!(current(&state), Some(id('a')));
    state.saw_mov(Some(1), now);
    assert_eq!(state.due(now), [Step::Ask]);
    assert_eq!(current(&state), Some(id('a')));
    state.answered(vec![notice('a')]);
    assert_eq!((current(&state), state.due(now)), (Some(id('a')), vec![]));
}

#[test]
fn who_takes_over_without_having_seen_it_shows_nothing_until_the_mov_has_answered() {
    let (mut state, now) = registered();
    state.take_over(Some(held('a', &info().contract())), false, now);
    assert_eq!(current(&state), Some(id('a')), "it was a moment's absence");
    state.take_over(Some(held('b', &info().contract())), false, now);
    assert_eq!(current(&state), None);
    state.saw_mov(Some(1), now + SECOND);
    assert_eq!(state.due(now + SECOND + SETTLE), [Step::Ask]);
    state.answered(vec![notice('b')]);
    assert_eq!(current(&state), Some(id('b')));
}

#[test]
fn leaving_ends_what_stands_and_what_may_stand() {
    let (mut state, now) = registered();
    assert_eq!(state.leave(), [id('a')]);
    assert_eq!(state.due(now), []);
    let (mut state, _) = asking(Some(id('0')));
    assert_eq!(state.leave(), [id('0')], "a killed process left it, and the MOV has not answered yet");
    let (mut state, now) = asking(None);
    state.answered(vec![]);
    assert_eq!(state.due(now), [Step::Register]);
    state.noticed_while_leaving(notice('a'));
    state.noticed_while_leaving(notice('b'));
    assert_eq!(state.leave(), [id('a')], "only one was awaited");
}
