//! Keeps the component registered for as long as a session lasts, and ends the registration when it stops.
//!
//! Any number of processes may be one component; exactly one of them registers it. The lock is an exclusive consumer on
//! `control/registered`: who gets it is the registrar (`registrar`), the others are its replicas (`standby`). What the
//! registrar does, its `state` decides, the only place that holds the current registration. Everything else is derived
//! from it: the health file and the identifier in the logs (`presence`), and what the replicas and whoever takes over are
//! to know (`identity_queue`).

mod asking;
mod identity_queue;
mod mov_watch;
mod presence;
mod question;
mod registrar;
mod stale;
mod standby;
mod state;

use std::sync::Arc;
use std::time::{Duration, Instant};

use self::identity_queue::{IdentityQueue, Seen};
use self::presence::Presence;
use self::registrar::Registrar;
use self::standby::Lock;
use self::state::RegistrationState;
use super::component_info::ComponentInfo;
use super::identity::Identity;
use super::rest::Rest;
use crate::broker::{Error, Link};
use crate::health::health_file::HealthFile;
use crate::health::status::ConsumerStatus;
use crate::name::ComponentId;
use crate::shutdown::Shutdown;

/// A broker that takes no messages for so long is a reason to look unhealthy.
const STUCK_PATIENCE: Duration = Duration::from_secs(10);

/// What a process needs to take part in the registration of its component.
pub struct Options {
    /// Who the component is.
    pub info: ComponentInfo,
    /// Where the notices of the MOV come.
    pub queue: String,
    /// A queue that every replica hears, if there is one.
    pub shared_queue: Option<String>,
    /// How the work of this process goes.
    pub status: Arc<ConsumerStatus>,
    /// How long the MOV has to answer a registration.
    pub timeout: Duration,
    /// The health file.
    pub health: HealthFile,
    /// Who we are, for the other threads.
    pub identity: Identity,
    /// The MOV's REST interface, if it is known.
    pub rest: Option<Rest>,
}

/// The part of this process in the registration; it outlives the sessions.
pub struct Registration {
    queue: String,
    shared_queue: Option<String>,
    status: Arc<ConsumerStatus>,
    rest: Option<Rest>,
    state: RegistrationState,
    identity_queue: IdentityQueue,
    presence: Presence,
    /// The registration that the identity queue tells of.
    written: Option<ComponentId>,
    stuck_since: Option<Instant>,
    is_stuck: bool,
}

impl Registration {
    /// A health file that an earlier run left is removed: it would look healthy. What it tells of may still stand.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let Options { info, queue, shared_queue, status, timeout, health, identity, rest } = options;
        let known = health.id();
        let mut presence = Presence::new(health, identity);
        presence.reset();
        let identity_queue = IdentityQueue::of(&info);
        let state = RegistrationState::new(info, timeout, known);
        Self {
            queue,
            shared_queue,
            status,
            rest,
            state,
            identity_queue,
            presence,
            written: None,
            stuck_since: None,
            is_stuck: false,
        }
    }

    /// Registers, or stands by while another process does, until `stop`; then the last process of all unregisters. When this
    /// returns, the component looks unhealthy: nobody vouches for it.
    ///
    /// # Errors
    /// When the session is over; [`Error::LockHeld`] when another process was quicker to take over.
    pub fn run(&mut self, link: &mut dyn Link, shutdown: &Shutdown) -> Result<(), Error> {
        let result = self.take_part(link, shutdown);
        self.presence.reset();
        result
    }

    fn take_part(&mut self, link: &mut dyn Link, shutdown: &Shutdown) -> Result<(), Error> {
        link.declare(&self.queue)?;
        self.identity_queue.open(link)?;
        let observed = match self.stand_by(link, shutdown)? {
            Lock::NotNeeded => return Ok(()),
            Lock::Held { observed } => observed,
        };
        let held = match self.identity_queue.read(link, self.state.info())? {
            Seen::Registered(identity) => Some(identity),
            Seen::Unregistered | Seen::Nothing => None,
        };
        self.written = held.as_ref().map(|held| held.notice.id.clone());
        let was_standby = observed.is_some() && observed == self.written;
        let now = Instant::now();
        self.state.take_over(held, was_standby, now);
        self.state.new_session(now);
        Registrar::new(self, link).stay(shutdown)
    }

    /// Brings all that others see in line with the registration that stands.
    fn show(&mut self) {
        self.presence.update(self.state.current(), !self.is_stuck);
    }

    /// A component that cannot publish does not work, however well it is registered.
    fn look_at_broker(&mut self, link: &mut dyn Link, now: Instant) {
        if !link.is_blocked() && !self.status.is_refused() {
            self.stuck_since = None;
            self.is_stuck = false;
            return;
        }
        let since = *self.stuck_since.get_or_insert(now);
        if !self.is_stuck && now - since > STUCK_PATIENCE {
            log::warn!("the broker has taken no messages for {STUCK_PATIENCE:?} (an alarm, or a queue that is full?)");
            self.is_stuck = true;
        }
    }

    /// Whether other processes of this component are at work.
    fn others_work(&self, link: &mut dyn Link) -> Result<bool, Error> {
        let Some(queue) = &self.shared_queue else { return Ok(false) };
        let all = link.consumers(queue)?.unwrap_or(0) as usize;
        Ok(all > self.status.consumers())
    }
}
