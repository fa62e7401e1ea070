//! The promises that are about states: the health file, the registration, and where everything is when it is settled.

use crate::replicas::HealthFile;
use crate::world::{Micros, SECOND, World};

/// How long a component may look healthy after its client noticed that a connection is lost: the thread that uses it may wait for
/// the answer to a call on another connection, which takes ten seconds at most.
const LOST_LIMIT: Micros = 13 * SECOND;

/// How long it may look healthy while the broker accepts no messages: ten seconds, and a call that takes as long.
const BLOCKED_LIMIT: Micros = 23 * SECOND;

/// How long it may look healthy with a registration that the MOV has ended, while the MOV answers: a MOV that has answered nothing for
/// long is queried seldom.
const ENDED_LIMIT: Micros = 60 * SECOND;

/// How long a call takes at most while nothing is broken.
const SLOW_CALL: Micros = SECOND;

/// How long a process has to consume until every other one can know it.
const CONSUMING_FOR: Micros = 5 * SECOND;

/// What is remembered of the registration.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    /// The registration when everything was settled.
    settled: Option<String>,
    /// Whether the MOV has forgotten it since, or what the component knows of it was lost.
    is_forgotten: bool,
}

impl World {
    /// The health file exists only while the component is registered, connected, and able to publish.
    pub(crate) fn check_health(&mut self) {
        for process in 0..self.processes.len() {
            if self.processes[process].is_dead {
                continue;
            }
            let lost_since = self.lost_since(process);
            let Some(file) = self.health_file(process) else { continue };
            // A process that has just started cannot know for how long.
            let blocked_since = self.broker.is_blocked.then_some(self.broker.blocked_since.max(file.written));
            let untrue = [
                (self.ended_since(file), ENDED_LIMIT, "the MOV does not know its registration"),
                (blocked_since, BLOCKED_LIMIT, "the broker accepts nothing"),
                (lost_since, LOST_LIMIT, "it has lost a connection"),
            ];
            let too_long =
                |(since, limit, _): &(Option<Micros>, Micros, _)| since.is_some_and(|it| self.now > it + limit);
            if let Some((_, limit, what)) = untrue.into_iter().find(too_long) {
                let seconds = limit / SECOND;
                self.violated("health", format!("process {process} looks healthy after {seconds} s, and {what}"));
            }
        }
    }

    /// Since when the MOV has not known the registration in a health file.
    fn ended_since(&self, HealthFile { id, .. }: &HealthFile) -> Option<Micros> {
        // While the MOV answers nothing, nobody can know.
        if self.mov.live.contains_key(id) || self.mov.is_mute {
            return None;
        }
        Some(self.mov.ended.get(id).copied().unwrap_or(0).max(self.mov.mute_until))
    }

    /// Since when a process looks healthy without one of its connections. One that stops reports itself as unhealthy when it has
    /// finished its messages.
    fn lost_since(&mut self, process: usize) -> Option<Micros> {
        let it = &self.processes[process];
        let looks_healthy = self.health_file(process).is_some();
        let is_lost = it.session.iter().any(|connection| !self.broker.connections[*connection].is_open);
        let is_untrue = looks_healthy && is_lost && it.stopping_since.is_none();
        let since = is_untrue.then(|| it.untrue_since.unwrap_or(self.now));
        self.processes[process].untrue_since = since;
        since
    }

    /// What is not settled yet, if anything is not.
    pub(crate) fn unsettled(&self) -> Option<String> {
        if !self.broker.is_up || !self.mov.is_up {
            return Some("the broker or the MOV is down".to_owned());
        }
        for (number, input) in self.ledger.inputs.iter().enumerate() {
            let is_done = input.outputs > 0 || input.dropped > 0 || input.dead_letters > 0;
            let is_waiting = input.copies > input.dead_letters;
            if is_waiting || !(is_done || (input.is_refused && self.plan.discards)) {
                return Some(format!("input {number} is not settled: {input:?}"));
            }
        }
        // The broker counts what a lost connection consumes until it notices the loss.
        if self.broker.connections.iter().any(|it| it.is_cut && (it.is_known || it.is_open)) {
            return Some("a connection is lost, and not everybody has noticed it".to_owned());
        }
        // A call that a broker has not answered while it was frozen may reach its limit now.
        let is_slow = |since: Micros| self.now > since + SLOW_CALL;
        if self.links.iter().any(|it| it.waiting_since.is_some_and(is_slow) && !self.processes[it.process].is_dead) {
            return Some("a process waits for an answer of the broker".to_owned());
        }
        if self.pending_inputs > 0 {
            return Some("inputs are to come".to_owned());
        }
        let refused: u32 = self.ledger.inputs.iter().map(|input| input.dead_letters).sum();
        if self.plan.is_calm && self.mov.errors < u64::from(refused) {
            return Some(format!(
                "there are {refused} dead letters, and {} of them are in the MOV's log",
                self.mov.errors
            ));
        }
        if self.is_registering() {
            return Some("the component is being registered".to_owned());
        }
        if self.mov.live.len() != 1 {
            return Some(format!("the MOV has {} live registrations", self.mov.live.len()));
        }
        let id = self.mov.live.keys().next()?;
        for process in self.running_processes() {
            if self.processes[process].stopping_since.is_some() {
                return Some(format!("process {process} is stopping"));
            }
            if self.processes[process].session.iter().any(|it| !self.broker.connections[*it].is_open) {
                return Some(format!("process {process} has lost a connection"));
            }
            if self.health_file(process).is_none_or(|file| file.id != *id) {
                return Some(format!("process {process} is not healthy"));
            }
        }
        (0..self.plan.hosts).find(|host| self.process_on(*host).is_none()).map(|host| format!("host {host} is down"))
    }

    /// A registration that the MOV knows is kept.
    pub(crate) fn check_kept(&mut self) {
        let id = self.mov.live.keys().next().cloned();
        if let Some(before) = self.remembered.settled.take()
            && !self.remembered.is_forgotten
            && !self.stops_in_round
            && id.as_ref() != Some(&before)
        {
            let story =
                format!("{before} was replaced by {id:?}, although the MOV knew it and no process was told to stop");
            self.violated("the registration is kept", story);
        }
        self.remembered.settled = id;
        self.remembered.is_forgotten = false;
        if self.plan.is_calm {
            for number in 0..self.ledger.inputs.len() {
                let outputs = self.ledger.inputs[number].outputs;
                if outputs > 1 {
                    self.violated("no duplicates without a fault", format!("input {number} has {outputs} replies"));
                }
            }
        }
    }

    /// The MOV has forgotten the registration, or what the component knows of it was lost.
    pub(crate) fn registration_forgotten(&mut self) {
        self.remembered.is_forgotten = true;
    }

    /// Notes which processes consume the input, as far as the broker knows.
    pub(crate) fn note_consuming(&mut self) {
        let now = self.now;
        let input = self.broker.queues.get(self.names.input).filter(|_| self.broker.is_up);
        let consumers = input.map_or(&[][..], |queue| &queue.consumers);
        for (number, process) in self.processes.iter_mut().enumerate() {
            let is_consuming = consumers.iter().any(|(link, _)| self.links[*link].process == number);
            process.consuming_since = is_consuming.then_some(process.consuming_since.unwrap_or(now));
        }
    }

    /// A process ends a registration. If it does so because it stops, it must be the last one.
    pub(crate) fn check_unregister(&mut self, process: usize) {
        if self.processes[process].stopping_since.is_none() || self.mov.live.len() != 1 {
            return;
        }
        self.note_consuming();
        let stays = |other: &usize| {
            let it = &self.processes[*other];
            let is_consuming = it.consuming_since.is_some_and(|since| self.now > since + CONSUMING_FOR);
            *other != process && it.stopping_since.is_none() && is_consuming
        };
        let other = self.running_processes().find(stays);
        if let Some(other) = other {
            let story = format!("process {process} stops and ends the registration, and process {other} consumes");
            self.violated("the registration is kept", story);
        }
    }
}
