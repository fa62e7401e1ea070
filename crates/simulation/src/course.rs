//! The course of a schedule: rounds of faults, after each of which everything must settle, and an orderly end.

use valawai::internals::message::{Message, Properties};

use crate::agenda::Event;
use crate::broker::Stored;
use crate::component::Order;
use crate::faults::Fault;
use crate::ledger::Input;
use crate::mov::MovEvent;
use crate::world::{MILLISECOND, Micros, SECOND, World};

/// How often the state of the world is looked at.
const LOOK: Micros = 250 * MILLISECOND;

/// How long it may take after the faults until everything is settled.
const SETTLED_WITHIN: Micros = 300 * SECOND;

/// How long the MOV may take to carry out what the last process has sent it.
const UNREGISTERED_WITHIN: Micros = 15 * SECOND;

/// Where a schedule is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Phase {
    /// Faults happen.
    #[default]
    Faulty,
    /// They are over, and everything is to settle.
    Settling { since: Micros },
    /// All processes stop.
    Stopping,
    /// They have stopped.
    Stopped { since: Micros },
}

impl World {
    /// Begins the schedule.
    pub(crate) fn begin(&mut self) {
        let output = self.names.output;
        self.queue(output);
        let mov_starts =
            if !self.plan.is_calm && self.random.u8(..4) == 0 { self.random.u64(0..10 * SECOND) } else { 0 };
        self.after(mov_starts, Event::Mov(MovEvent::Start));
        for host in 0..self.plan.hosts {
            self.start_soon(host, 2 * SECOND);
        }
        self.begin_round();
        self.after(LOOK, Event::Look);
    }

    fn begin_round(&mut self) {
        self.phase = Phase::Faulty;
        self.stops_in_round = false;
        for _ in 0..self.plan.faults_per_round {
            let kind = self.plan.faults[self.random.usize(..self.plan.faults.len())];
            let after = self.plan.time_in_round(&mut self.random);
            self.after(after, Event::Fault(Fault::Begins(kind)));
        }
        self.pending_inputs = self.plan.inputs_per_round;
        for _ in 0..self.plan.inputs_per_round {
            let after = self.plan.time_in_round(&mut self.random);
            self.after(after, Event::Input);
        }
        let round_time = self.plan.round_time;
        self.after(round_time, Event::Heal);
    }

    /// Whether all processes are to stop.
    pub(crate) fn is_ending(&self) -> bool {
        matches!(self.phase, Phase::Stopping | Phase::Stopped { .. })
    }

    pub(crate) fn is_healed(&self) -> bool {
        self.phase != Phase::Faulty
    }

    /// The faults end.
    pub(crate) fn heal(&mut self) {
        self.tell(|| "the faults end".to_owned());
        self.end_all_faults();
        self.phase = Phase::Settling { since: self.now };
        for host in 0..self.plan.hosts {
            self.start_soon(host, SECOND);
        }
    }

    /// Somebody publishes a message to the component. It is confirmed.
    pub(crate) fn publish_input(&mut self) {
        let input = self.names.input;
        if !self.broker.is_up || !self.broker.queues.contains_key(input) {
            // The sender tries again.
            return self.after(300 * MILLISECOND, Event::Input);
        }
        self.pending_inputs -= 1;
        let number = self.ledger.inputs.len();
        let mut order = Order { number, ..Order::default() };
        if self.random.u32(..100) < self.plan.failing {
            match self.random.u8(..4) {
                0 => order.is_refused = true,
                1 => order.panics = true,
                _ => order.failures = self.random.u32(1..=4),
            }
        }
        if self.plan.slowest > 0 && self.random.bool() {
            order.takes = self.random.u64(0..=self.plan.slowest);
        }
        let is_invalid = self.plan.failing > 0 && self.random.u8(..20) == 0;
        let is_refused = is_invalid || order.is_refused || order.panics || order.failures > 0;
        let body = if is_invalid { b"not JSON".to_vec() } else { serde_json::to_vec(&order).expect("it is JSON") };
        let properties = Properties { message_id: Some(format!("m{number}")), ..Properties::default() };
        self.ledger.inputs.push(Input { is_refused, ..Input::default() });
        self.tell(|| format!("input {number}: {}", String::from_utf8_lossy(&body)));
        let stored = Stored {
            message: Message { body, properties },
            is_persistent: true,
            input: Some(number),
            added: self.now,
            expires_at: None,
            is_confirmed: true,
        };
        self.add_to_queue(&input.into(), stored);
    }

    /// Looks at the state of the world, and goes on to the next phase if it is time.
    pub(crate) fn look(&mut self) {
        self.note_consuming();
        self.check_stops();
        self.check_health();
        match self.phase {
            Phase::Faulty => {}
            Phase::Settling { since } => {
                let unsettled = self.unsettled();
                match unsettled {
                    None => self.settled(),
                    Some(what) if self.now > since + SETTLED_WITHIN => {
                        let seconds = SETTLED_WITHIN / SECOND;
                        self.violated("progress", format!("{seconds} s after the last fault, {what}"));
                    }
                    Some(_) => {}
                }
            }
            Phase::Stopping => {
                if self.running_processes().next().is_none() {
                    self.phase = Phase::Stopped { since: self.now };
                }
            }
            Phase::Stopped { since } => {
                if self.mov.live.is_empty() {
                    self.is_over = true;
                } else if self.now > since + UNREGISTERED_WITHIN {
                    let live = self.mov.live.len();
                    self.violated(
                        "the last process unregisters",
                        format!("all processes have stopped, and {live} registrations are live"),
                    );
                }
            }
        }
        self.after(LOOK, Event::Look);
    }

    /// Everything is settled: the next round begins, or the end.
    fn settled(&mut self) {
        self.tell(|| "everything is settled".to_owned());
        self.check_kept();
        self.round += 1;
        if self.round < self.plan.rounds {
            return self.begin_round();
        }
        self.phase = Phase::Stopping;
        let at_once = self.random.bool();
        for process in self.running_processes().collect::<Vec<_>>() {
            let after = if at_once { 0 } else { self.random.u64(0..3 * SECOND) };
            self.after(after, Event::Stop { process });
        }
    }
}
