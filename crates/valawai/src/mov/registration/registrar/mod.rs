//! The loop of the registrar in one session: carries out the steps that the state decides, and passes events to it.

mod mov_check;
mod steps;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::Registration;
use super::registration_query::RegistrationQuery;
use crate::broker::backoff::Backoff;
use crate::broker::{Confirm, Delivery, Error, Event, Link};
use crate::clock;
use crate::mov::notice::Notice;
use crate::mov::payloads;
use crate::name::Id;
use crate::shutdown::Shutdown;

/// How often the MOV is checked.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The longest pause between checks while the MOV's queue does not exist. RabbitMQ logs each of them.
const LONGEST_MISSING_QUEUE_PAUSE: Duration = Duration::from_secs(15);

/// How often the MOV is asked over REST whether it knows the registration.
const REST_INTERVAL: Duration = Duration::from_secs(10);

/// Notices that waited in the queue arrive immediately. After a pause of this length there are no more.
const WAITING_NOTICES_PAUSE: Duration = Duration::from_millis(100);

/// How long a stop waits for an expected notice. Without it, the registration could not be ended.
const LAST_NOTICE_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a stop waits for the answer to a last query.
const LAST_ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

pub(super) struct RegistrarLoop<'r> {
    registration: &'r mut Registration,
    link: &'r mut dyn Link,
    query: RegistrationQuery,
    /// The registrations to end whose messages are in flight, by sequence number.
    unregistering: HashMap<u64, Id>,
    next_check: Instant,
    next_rest_check: Instant,
    missing_queue_backoff: Backoff,
    is_not_working_logged: bool,
    is_stopping: bool,
}

impl<'r> RegistrarLoop<'r> {
    pub(super) fn new(registration: &'r mut Registration, link: &'r mut dyn Link) -> Self {
        let now = clock::now();
        Self {
            registration,
            link,
            query: RegistrationQuery::default(),
            unregistering: HashMap::new(),
            next_check: now,
            next_rest_check: now + REST_INTERVAL,
            missing_queue_backoff: Backoff::new(2 * CHECK_INTERVAL, LONGEST_MISSING_QUEUE_PAUSE),
            is_not_working_logged: false,
            is_stopping: false,
        }
    }

    /// Keeps the component registered until the shutdown, then unregisters it if no other process is running.
    pub(super) fn run(&mut self, shutdown: &Shutdown) -> Result<(), Error> {
        self.receive_waiting_notices()?;
        while !shutdown.is_requested() {
            if self.next_check <= clock::now() {
                self.check_mov()?;
            }
            self.poll_answer()?;
            let now = clock::now();
            for step in self.registration.state.next_steps(now) {
                self.carry_out(step)?;
            }
            self.publish_state()?;
            self.check_late_notifications(now)?;
            match self.link.poll(true)? {
                Some(event) => self.handle(event)?,
                None => self.link.wait(true, Some(shutdown), self.time_to_next_check()),
            }
        }
        self.stop()
    }

    fn time_to_next_check(&self) -> Duration {
        let next = self.query.next_poll().map_or(self.next_check, |poll| poll.min(self.next_check));
        next.saturating_duration_since(clock::now()).min(CHECK_INTERVAL)
    }

    /// A shutdown does not end it: the pause is short, and a wait that a requested shutdown ends would be a busy loop.
    fn receive_waiting_notices(&mut self) -> Result<(), Error> {
        let mut deadline = clock::now() + WAITING_NOTICES_PAUSE;
        while clock::now() < deadline {
            match self.link.poll(true)? {
                Some(event) => {
                    self.handle(event)?;
                    deadline = clock::now() + WAITING_NOTICES_PAUSE;
                }
                None => self.link.wait(true, None, deadline.saturating_duration_since(clock::now())),
            }
        }
        Ok(())
    }

    fn handle(&mut self, event: Event) -> Result<(), Error> {
        match event {
            Event::Delivery(delivery) => return self.handle_delivery(&delivery),
            // The queue does not exist: the MOV never ran on this broker. Messages that unregister need no MOV.
            Event::Returned(returned) if [payloads::REGISTER, payloads::QUERY].contains(&&*returned.to) => {
                self.registration.state.mov_down();
            }
            Event::Returned(_) => {}
            Event::Confirm(confirm) => self.handle_confirm(confirm),
        }
        Ok(())
    }

    fn handle_delivery(&mut self, delivery: &Delivery) -> Result<(), Error> {
        let Registration { state, queue, .. } = &mut *self.registration;
        match Notice::parse(&delivery.message.body, state.info()) {
            Ok(notice) if self.is_stopping => state.notice_received_while_stopping(notice),
            Ok(notice) => {
                let before = state.current().map(|notice| notice.id.clone());
                state.notice_received(notice, clock::now());
                if let Some(id) = state.current().map(|notice| &notice.id).filter(|id| before.as_ref() != Some(id)) {
                    log::info!("registered with the MOV as {id}");
                }
            }
            Err(error) => log::error!("ignoring a message on {queue}: {error}"),
        }
        self.link.acknowledge_up_to(delivery.tag)
    }

    fn check_late_notifications(&mut self, now: Instant) -> Result<(), Error> {
        let Registration { state, late_notifications, .. } = &mut *self.registration;
        match state.current() {
            Some(current) => late_notifications.check(self.link, state.info(), &current.id, now),
            None => Ok(()),
        }
    }

    fn handle_confirm(&mut self, confirm: Confirm) {
        let confirmed = self.unregistering.extract_if(|sequence, _| {
            *sequence == confirm.sequence || (confirm.multiple && *sequence < confirm.sequence)
        });
        for (_, id) in confirmed {
            if confirm.accepted {
                self.registration.state.unregister_confirmed(&id);
            } else {
                self.registration.state.unregister_nacked(&id);
            }
        }
    }
}

/// Stopping.
impl RegistrarLoop<'_> {
    /// Ends the registration unless other processes of the component are running, and waits for the confirms. If they
    /// never arrive, the owner of the session ends it.
    fn stop(&mut self) -> Result<(), Error> {
        self.is_stopping = true;
        self.wait_for_expected_notices()?;
        let mut is_last = !self.registration.has_other_replicas(self.link)?;
        if is_last {
            self.query_last_time()?;
            // Another process may have started meanwhile. It waits for the lock, as this one still has it.
            is_last = !self.registration.has_other_replicas(self.link)?;
        }
        if !is_last {
            log::info!("other processes of the component are running; it stays registered");
            self.record_state()?;
            self.link.flush()?;
            return self.link.cancel().map(drop);
        }
        let Registration { state, identity_queue, .. } = &mut *self.registration;
        let ending = state.unregister_all();
        identity_queue.write(self.link, state, false)?;
        for id in ending {
            self.unregister(id)?;
        }
        while !self.unregistering.is_empty() {
            match self.link.poll(false)? {
                Some(event) => self.handle(event)?,
                None => self.link.wait(false, None, CHECK_INTERVAL),
            }
        }
        self.link.flush()
    }

    /// Queries the MOV if there may be a second registration, which has to end as well.
    fn query_last_time(&mut self) -> Result<(), Error> {
        if !self.registration.state.may_have_second() {
            return Ok(());
        }
        let deadline = clock::now() + LAST_ANSWER_TIMEOUT;
        self.registration.state.query_sent(clock::now());
        self.query()?;
        while let Some(next_poll) = self.query.next_poll().filter(|next_poll| *next_poll < deadline) {
            match self.link.poll(true)? {
                Some(event) => self.handle(event)?,
                None => self.link.wait(true, None, next_poll.saturating_duration_since(clock::now())),
            }
            self.poll_answer()?;
        }
        Ok(())
    }

    fn wait_for_expected_notices(&mut self) -> Result<(), Error> {
        let deadline = clock::now() + LAST_NOTICE_TIMEOUT;
        while self.registration.state.expects_notice() && clock::now() < deadline {
            match self.link.poll(true)? {
                Some(event) => self.handle(event)?,
                None => self.link.wait(true, None, deadline.saturating_duration_since(clock::now())),
            }
        }
        Ok(())
    }
}
