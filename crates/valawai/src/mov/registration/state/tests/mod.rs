//! When to query, when to register, and which registrations to keep.

mod adopting;
mod availability;
mod querying;
mod registering;
mod unregistering;

use super::mov_availability::{NOT_WORKING_DELAY, STARTUP_DELAY};
use super::*;

const TIMEOUT: Duration = Duration::from_secs(10);
const SECOND: Duration = Duration::from_secs(1);

fn new_state(last_known: Option<Id>) -> RegistrationState {
    RegistrationState::new(ComponentInfo::example(), TIMEOUT, last_known)
}

fn contract() -> String {
    ComponentInfo::example().contract_fingerprint()
}

fn id(digit: char) -> Id {
    digit.to_string().repeat(24).parse().unwrap()
}

fn notice_of_version(digit: char, version: &str) -> Notice {
    let body = format!(r#"{{"id":"{}","name":"c1_echo","type":"C1","version":"{version}"}}"#, id(digit));
    Notice::parse(body.as_bytes(), &ComponentInfo::example()).unwrap()
}

fn notice(digit: char) -> Notice {
    notice_of_version(digit, "1.0.0")
}

fn recorded(digit: char, contract: &str) -> RecordedRegistration {
    RecordedRegistration { notice: notice(digit), contract: contract.to_owned(), notifications_enabled: true }
}

fn current(state: &RegistrationState) -> Option<Id> {
    state.current().map(|notice| notice.id.clone())
}

impl RegistrationState {
    /// The broker answers at once.
    fn observe_mov(&mut self, consumers: Option<u32>, now: Instant) {
        self.observe_mov_since(consumers, now, now);
    }
}

/// A state with a MOV that has started; an earlier run left `last_known`.
fn with_started_mov(last_known: Option<Id>) -> (RegistrationState, Instant) {
    let now = Instant::now();
    let mut state = new_state(last_known);
    state.observe_mov(Some(1), now);
    state.mov_started(now);
    (state, now)
}

/// A state that has sent its first query.
fn querying(last_known: Option<Id>) -> (RegistrationState, Instant) {
    let (mut state, now) = with_started_mov(last_known);
    assert_eq!(state.next_steps(now), [Step::Query]);
    (state, now)
}

/// A state that has sent a registration.
fn registering() -> (RegistrationState, Instant) {
    let (mut state, now) = querying(None);
    state.query_answered(vec![], now);
    assert_eq!(state.next_steps(now), [Step::Register]);
    (state, now)
}

/// A state that is registered as `id('a')`.
fn registered() -> (RegistrationState, Instant) {
    let (mut state, now) = registering();
    state.notice_received(notice('a'), now);
    assert_eq!(current(&state), Some(id('a')));
    assert_eq!(state.next_steps(now), []);
    (state, now)
}

/// The steps of the next `seconds` while the MOV stays up, each with its second.
fn steps_within(state: &mut RegistrationState, now: Instant, seconds: u32) -> Vec<(u32, Step)> {
    let mut steps = Vec::new();
    for second in 0..=seconds {
        state.observe_mov(Some(1), now + second * SECOND);
        steps.extend(state.next_steps(now + second * SECOND).into_iter().map(|step| (second, step)));
    }
    steps
}
