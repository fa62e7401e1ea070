//! Keeps the component registered while a session lasts, and unregisters it when its last process stops.
//!
//! A component may run in several processes, the replicas; exactly one of them, the registrar, registers it. The lock
//! is an exclusive consumer on `control/registered`: the process that holds it is the registrar (`registrar`), the
//! others wait for it (`standby`). The current registration is kept in one place, the `state` machine of the
//! registrar, which decides every step. Everything else is derived from it: the health file and the identifier in the
//! logs (`health_reporter`), and the record for the other replicas (`identity_queue`).

mod health_reporter;
mod identity_queue;
mod late_notifications;
mod page_query;
mod registrar;
mod registrar_role;
mod registration_query;
mod standby;
mod state;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub use self::identity_queue::identity_queue;
pub use self::registrar_role::RegistrarRole;

use self::health_reporter::HealthReporter;
use self::identity_queue::{IdentityQueue, IdentityRecord, RecordedRegistration};
use self::late_notifications::LateNotifications;
use self::registrar::RegistrarLoop;
use self::standby::LockOutcome;
use self::state::RegistrationState;
use super::component_info::ComponentInfo;
use super::identity::Identity;
use super::rest::RestClient;
use crate::broker::{Error, Link};
use crate::clock;
use crate::health::health_file::HealthFile;
use crate::health::status::ConsumerStatus;
use crate::name::Id;
use crate::shutdown::Shutdown;

/// A broker that accepts no messages for longer makes the component unhealthy.
const BLOCKED_LIMIT: Duration = Duration::from_secs(10);

/// What a process needs to register its component.
pub struct Options {
    /// The component.
    pub info: ComponentInfo,
    /// The queue on which the notices of the MOV arrive.
    pub queue: String,
    /// A queue that every replica consumes, if there is one.
    pub shared_queue: Option<String>,
    /// The state of the consumers of this process.
    pub status: Arc<ConsumerStatus>,
    /// How long the MOV may take to answer.
    pub timeout: Duration,
    /// The health file.
    pub health: HealthFile,
    /// The identifier of the registration, for the other threads.
    pub identity: Identity,
    /// The MOV's REST interface, if its address is set.
    pub rest: Option<RestClient>,
    /// Whether this process is the registrar, for the other threads.
    pub role: RegistrarRole,
    /// The channels on which a C2 component is notified of sent messages.
    pub observed: Vec<Arc<str>>,
}

/// The registration of the component, as this process takes part in it; it outlives the sessions.
pub struct Registration {
    queue: String,
    shared_queue: Option<String>,
    status: Arc<ConsumerStatus>,
    rest: Option<RestClient>,
    role: RegistrarRole,
    late_notifications: LateNotifications,
    state: RegistrationState,
    timeout: Duration,
    identity_queue: IdentityQueue,
    health_reporter: HealthReporter,
    recorded: Recorded,
    /// The last record that this process read while it was a standby, perhaps in an earlier session.
    observed: IdentityRecord,
    blocked_since: Option<Instant>,
    is_blocked: bool,
}

/// What is in the identity queue.
#[derive(Debug, Default, PartialEq)]
struct Recorded {
    /// The current registration, and whether its notifications are enabled.
    current: Option<(Id, bool)>,
    /// A registration that may be live.
    last_known: Option<Id>,
}

impl Recorded {
    fn of(record: &IdentityRecord) -> Self {
        match record {
            IdentityRecord::Missing => Self::default(),
            IdentityRecord::Registered(recorded) => Self { current: Some(recorded.key()), last_known: None },
            IdentityRecord::Unregistered { last_known, .. } => {
                Self { current: None, last_known: last_known.as_ref().map(|last_known| last_known.id.clone()) }
            }
        }
    }
}

/// Whether `registered` is the registration that is recorded on the broker of `link`.
///
/// # Errors
/// If the session is over.
pub(crate) fn is_recorded(link: &mut dyn Link, info: &ComponentInfo, registered: Option<&Id>) -> Result<bool, Error> {
    let record = IdentityQueue::existing(info).read(link, info)?;
    Ok(matches!(record, IdentityRecord::Registered(recorded) if registered == Some(&recorded.notice.id)))
}

impl Registration {
    /// Removes the health file of an earlier run, which would make the component look healthy. The registration in that
    /// file may still be live.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let Options { info, queue, shared_queue, status, timeout, health, identity, rest, role, observed } = options;
        let last_known = health.id();
        let mut health_reporter = HealthReporter::new(health, identity, Arc::clone(&status));
        health_reporter.reset();
        let identity_queue = IdentityQueue::new(&info);
        let state = RegistrationState::new(info, timeout, last_known);
        Self {
            queue,
            shared_queue,
            status,
            rest,
            role,
            late_notifications: LateNotifications::new(observed),
            state,
            timeout,
            identity_queue,
            health_reporter,
            recorded: Recorded::default(),
            observed: IdentityRecord::Missing,
            blocked_since: None,
            is_blocked: false,
        }
    }

    /// Forgets the registration, because the component moved to a broker with another MOV.
    pub fn forget(&mut self) {
        self.state = RegistrationState::new(self.state.info().clone(), self.timeout, None);
        self.recorded = Recorded::default();
        self.observed = IdentityRecord::Missing;
    }

    /// Registers the component, or waits while another process is the registrar, until the shutdown. The last process
    /// of the component then unregisters it. Once this returns, the component is reported as unhealthy.
    ///
    /// # Errors
    /// If the session is over; [`Error::LockHeld`] if another process became the registrar first.
    pub fn run(&mut self, link: &mut dyn Link, shutdown: &Shutdown) -> Result<(), Error> {
        let result = self.run_until_shutdown(link, shutdown);
        self.health_reporter.reset();
        result
    }

    fn run_until_shutdown(&mut self, link: &mut dyn Link, shutdown: &Shutdown) -> Result<(), Error> {
        link.declare(&self.queue)?;
        self.identity_queue.declare(link)?;
        match self.wait_for_lock(link, shutdown)? {
            LockOutcome::NotNeeded => Ok(()),
            LockOutcome::Acquired { observed } => {
                self.take_over(link, observed)?;
                self.role.acquire();
                RegistrarLoop::new(self, link).run(shutdown)
            }
        }
    }

    /// Continues with the registration that the last registrar recorded. `observed` is the one that this process
    /// reported while it was a standby.
    fn take_over(&mut self, link: &mut dyn Link, observed: Option<RecordedRegistration>) -> Result<(), Error> {
        let mut record = self.identity_queue.read(link, self.state.info())?;
        self.recorded = Recorded::of(&record);
        let read_before = std::mem::take(&mut self.observed);
        if record == IdentityRecord::Missing {
            // It was lost, or another standby is reading it.
            record = read_before;
        }
        let registration = match record {
            IdentityRecord::Registered(registration) => Some(registration),
            IdentityRecord::Unregistered { last_known, ending } => {
                self.state.may_be_live(last_known);
                self.state.are_ending(ending);
                None
            }
            IdentityRecord::Missing => None,
        };
        let current = registration.as_ref().map(RecordedRegistration::key);
        let was_standby =
            observed.is_some_and(|observed| current.as_ref().is_some_and(|(id, _)| *id == observed.notice.id));
        let now = clock::now();
        self.state.take_over(registration, was_standby, now);
        self.state.session_opened(now);
        let done = current.filter(|(_, is_done)| *is_done).map(|(id, _)| id);
        self.late_notifications.session_opened(done, now);
        Ok(())
    }

    /// Updates the health file and the identifier in the logs.
    fn report_health(&mut self) {
        self.health_reporter.update(self.state.current(), !self.is_blocked);
    }

    /// Checks whether the broker accepts messages: a component that cannot publish is unhealthy although it is
    /// registered.
    fn check_broker(&mut self, link: &mut dyn Link, now: Instant) {
        if !link.is_blocked() && !self.status.is_stalled() {
            self.blocked_since = None;
            self.is_blocked = false;
            return;
        }
        let since = *self.blocked_since.get_or_insert(now);
        if !self.is_blocked && now - since > BLOCKED_LIMIT {
            log::warn!("the broker has accepted no messages for {BLOCKED_LIMIT:?} (a resource alarm or a full queue?)");
            self.is_blocked = true;
        }
    }

    /// Whether other processes of this component are running.
    fn has_other_replicas(&self, link: &mut dyn Link) -> Result<bool, Error> {
        let Some(queue) = &self.shared_queue else { return Ok(false) };
        let all = link.consumers(queue)?.unwrap_or(0) as usize;
        Ok(all > self.status.consumers())
    }
}
