//! What goes wrong: with connections, the broker, the MOV and the processes of the component.

use valawai::internals::message::{Message, Properties};

use crate::agenda::Event;
use crate::broker::Stored;
use crate::component::REGISTERED;
use crate::mov::MovEvent;
use crate::world::{MILLISECOND, Micros, SECOND, World};

macro_rules! fault_kinds {
    ($($(#[$doc:meta])* $kind:ident,)*) => {
        /// The kinds of faults.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum FaultKind {
            $($(#[$doc])* $kind,)*
        }

        impl FaultKind {
            pub(crate) const ALL: [Self; [$(stringify!($kind)),*].len()] = [$(Self::$kind),*];
        }
    };
}

fault_kinds! {
    /// One connection breaks.
    BreakConnection,
    /// All connections of a process break.
    BreakSession,
    /// The broker is killed, and starts again.
    KillBroker,
    /// The broker does not answer for a while.
    FreezeBroker,
    /// The broker accepts no messages.
    Alarm,
    /// The broker confirms nothing.
    WithholdConfirms,
    /// The broker never confirms what is published on the links that are open now.
    LoseConfirms,
    /// The output queue is full.
    FullOutput,
    /// The component's own queues are full.
    FullOwnQueues,
    /// The node of the output queue is down.
    OutputNodeDown,
    /// There is no output queue.
    DeleteOutput,
    /// The own queues exist with other arguments.
    DenyOwnQueues,
    /// A process is killed.
    KillProcess,
    /// A process is told to stop.
    StopProcess,
    /// A process joins.
    StartProcess,
    /// The MOV restarts and forgets.
    RestartMov,
    /// The MOV restarts and remembers.
    RestartRememberingMov,
    /// The MOV answers nothing.
    MuteMov,
    /// The MOV is slow.
    SlowMov,
    /// A setting changes.
    ChangeSetting,
    /// Somebody else publishes to the queue of notices.
    StrangeNotice,
}

/// A fault, or the end of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    Begins(FaultKind),
    Ends(FaultKind),
}

impl World {
    /// A fault begins or ends.
    pub(crate) fn fault(&mut self, fault: &Fault) {
        match fault {
            Fault::Begins(kind) => {
                if !self.is_healed() {
                    self.tell(|| format!("fault: {kind:?}"));
                    self.begin_fault(*kind);
                }
            }
            Fault::Ends(kind) => self.end_fault(*kind),
        }
    }

    fn begin_fault(&mut self, kind: FaultKind) {
        let lasts = self.random.u64(50 * MILLISECOND..self.plan.round_time);
        let process = self.random_process();
        match kind {
            FaultKind::BreakConnection => {
                let open: Vec<usize> = (0..self.broker.connections.len())
                    .filter(|it| self.broker.connections[*it].is_open && !self.broker.connections[*it].is_cut)
                    .collect();
                if !open.is_empty() {
                    let connection = open[self.random.usize(..open.len())];
                    self.break_connection(connection, true);
                }
            }
            FaultKind::BreakSession => {
                let Some(process) = process else { return };
                for connection in self.processes[process].connections.clone() {
                    self.break_connection(connection, true);
                }
            }
            FaultKind::KillBroker => self.crash_broker(lasts),
            FaultKind::FreezeBroker => self.broker.frozen_until = self.now + lasts,
            FaultKind::Alarm => {
                if !self.broker.is_blocked {
                    self.broker.is_blocked = true;
                    self.broker.blocked_since = self.now;
                }
            }
            FaultKind::WithholdConfirms => self.broker.withholds_confirms = true,
            FaultKind::LoseConfirms => {
                self.broker.channels.iter_mut().for_each(|channel| channel.is_mute = self.random.bool());
            }
            FaultKind::FullOutput => self.queue(self.names.output).rejects = true,
            FaultKind::FullOwnQueues => self.each_own_queue(|queue| queue.rejects = true),
            FaultKind::DenyOwnQueues => self.each_own_queue(|queue| queue.is_denied = true),
            FaultKind::OutputNodeDown => self.queue(self.names.output).is_node_down = true,
            FaultKind::DeleteOutput => self.delete_output(),
            FaultKind::KillProcess => {
                let Some(process) = process else { return };
                self.kill_process(process);
            }
            FaultKind::StopProcess => {
                let Some(process) = process else { return };
                self.stops_in_round = true;
                self.stop_process(process);
            }
            FaultKind::StartProcess => {
                let host = self.plan.hosts;
                self.start_process(host);
            }
            FaultKind::RestartMov | FaultKind::RestartRememberingMov => {
                let down_for = self.random.u64(3_100 * MILLISECOND..10 * SECOND);
                self.mov_event(MovEvent::Stop { down_for, forgets: kind == FaultKind::RestartMov });
            }
            FaultKind::MuteMov => self.mov.is_mute = true,
            FaultKind::SlowMov => self.mov.is_slow = true,
            FaultKind::ChangeSetting => {
                let Some(process) = process else { return };
                self.change_some_setting(process);
            }
            FaultKind::StrangeNotice => self.publish_strange_notice(),
        }
        self.after(lasts, Event::Fault(Fault::Ends(kind)));
    }

    fn end_fault(&mut self, kind: FaultKind) {
        match kind {
            FaultKind::Alarm => self.broker.is_blocked = false,
            FaultKind::WithholdConfirms => {
                self.broker.withholds_confirms = false;
                (0..self.broker.channels.len()).for_each(|link| self.plan_confirms(link));
            }
            FaultKind::FullOutput => self.queue(self.names.output).rejects = false,
            FaultKind::FullOwnQueues => self.each_own_queue(|queue| queue.rejects = false),
            FaultKind::DenyOwnQueues => self.each_own_queue(|queue| queue.is_denied = false),
            FaultKind::OutputNodeDown | FaultKind::DeleteOutput => {
                self.queue(self.names.output).is_node_down = false;
            }
            FaultKind::MuteMov => self.unmute_mov(),
            FaultKind::SlowMov => self.mov.is_slow = false,
            _ => {}
        }
    }

    /// All faults end.
    pub(crate) fn end_all_faults(&mut self) {
        self.broker.frozen_until = self.now;
        for kind in FaultKind::ALL {
            self.end_fault(kind);
        }
    }

    fn random_process(&mut self) -> Option<usize> {
        let running: Vec<usize> = self.running_processes().collect();
        (!running.is_empty()).then(|| running[self.random.usize(..running.len())])
    }

    fn each_own_queue(&mut self, change: impl Fn(&mut crate::broker::Queue)) {
        for queue in self.broker.queues.values_mut() {
            if matches!(queue.kind, crate::broker::Kind::Retry | crate::broker::Kind::DeadLetters) {
                change(queue);
            }
        }
    }

    /// Its replies have been received by then.
    fn delete_output(&mut self) {
        self.broker.queues.remove(self.names.output);
        for input in &mut self.ledger.inputs {
            input.dropped += std::mem::take(&mut input.outputs);
        }
    }

    fn change_some_setting(&mut self, process: usize) {
        let (name, value) = match self.random.u8(..5) {
            0 if !self.plan.is_ordered => ("WORKERS", self.random.u8(1..=3).to_string()),
            1 => ("RABBITMQ_PREFETCH", self.random.u8(1..=30).to_string()),
            2 => ("MAX_RETRIES", self.random.u8(0..=4).to_string()),
            3 => ("CHANNEL_DATA_INPUT_PREFETCH", self.random.u8(1..=30).to_string()),
            _ => ("LOG_MOV_LEVEL", ["DEBUG", "INFO", "ERROR"][self.random.usize(..3)].to_owned()),
        };
        self.change_setting(process, name, &value);
    }

    fn publish_strange_notice(&mut self) {
        let id: Micros = self.random.u64(..);
        let body = match self.random.u8(..3) {
            0 => "not JSON".to_owned(),
            1 => r#"{"id":"65a0b1c2d3e4f5061728394a","name":"c1_other","type":"C1"}"#.to_owned(),
            _ => {
                // A component that expects a notice believes it, until it has asked the MOV.
                let now = self.now;
                self.mov.ended.insert(format!("{id:024x}"), now);
                format!(r#"{{"id":"{id:024x}","name":"c1_simulated","type":"C1"}}"#)
            }
        };
        if self.broker.is_up && self.broker.queues.contains_key(REGISTERED) {
            let message = Message { body: body.into_bytes(), properties: Properties::default() };
            let added = self.now;
            let stored =
                Stored { message, is_persistent: true, input: None, added, expires_at: None, is_confirmed: true };
            self.add_to_queue(&REGISTERED.into(), stored);
        }
    }
}
