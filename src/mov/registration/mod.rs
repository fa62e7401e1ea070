//! Keeps the component registered for as long as a session lasts, and ends the registration when it stops.
//!
//! Any number of processes may be one component; exactly one of them registers it. The lock is an exclusive consumer on
//! `control/registered`: who gets it is the registrar (`round`), the others are its replicas (`replica`). The registrar
//! leaves the notice that it adopted in a queue of the component's own (`board`): there the replicas learn who the component
//! is, and whoever takes over learns what is to be unregistered.

mod board;
mod replica;
mod roll_call;
mod round;

use std::sync::Arc;
use std::time::{Duration, Instant};

use self::board::Board;
use self::replica::Lock;
use self::round::Round;
use super::identity::Identity;
use super::payloads::{Notice, Profile};
use super::registrar::{Adoption, Registrar};
use super::rest::Rest;
use crate::broker::{Error, Link, Stop};
use crate::health::HealthFile;
use crate::vitals::Vitals;

/// A broker that takes no messages for so long is a reason to look unhealthy.
const STUCK_PATIENCE: Duration = Duration::from_secs(10);

/// What a process needs to take part in the registration of its component.
pub struct Options {
    /// Who the component is.
    pub profile: Profile,
    /// Where the notices of the MOV come.
    pub queue: String,
    /// A queue that every replica hears, if there is one.
    pub shared_queue: Option<String>,
    /// How the work of this process goes.
    pub vitals: Arc<Vitals>,
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
    options: Options,
    board: Board,
    registrar: Registrar,
    shown: Option<Notice>,
    stuck_since: Option<Instant>,
    /// How often in a row the board was bare.
    bare_looks: u32,
}

impl Registration {
    /// What the health file tells of earlier runs will be unregistered.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let registrar = Registrar::new(options.timeout, options.health.previous());
        let board = Board::of(&options.profile);
        Self { options, board, registrar, shown: None, stuck_since: None, bare_looks: 0 }
    }

    /// Registers, or stands by while another process does, until `stop`; then the last process of all unregisters.
    ///
    /// # Errors
    /// When the session is over; [`Error::Taken`] when another process was quicker to take over.
    pub fn run(&mut self, link: &mut dyn Link, stop: &Stop) -> Result<(), Error> {
        link.declare(&self.options.queue)?;
        self.board.open(link)?;
        if self.stand_by(link, stop)? == Lock::NotNeeded {
            self.hide();
            return Ok(());
        }
        let held = self.board.read(link, &self.options.profile)?.map(|notice| notice.id);
        self.registrar.take_over(held);
        self.registrar.new_session();
        Round::new(self, link).stay(stop)
    }

    fn adopt(&mut self, notice: Notice) -> Adoption {
        let adoption = self.registrar.noticed(&notice.id);
        match adoption {
            Adoption::New => {
                log::info!("registered at the MOV as {}", notice.id);
                // What was shown is remembered until it is unregistered.
                self.options.health.withdraw();
                self.show(notice);
            }
            Adoption::Known => self.show(notice),
            Adoption::Leftover => {
                log::info!("an earlier run left the registration {}; it will be ended", notice.id);
                self.options.health.remember(notice.id);
            }
        }
        adoption
    }

    fn show(&mut self, notice: Notice) {
        self.options.identity.set(Some(notice.id.clone()));
        self.options.health.show(&notice.whole);
        self.options.health.forget(&notice.id);
        self.shown = Some(notice);
    }

    /// A component that can say nothing does not work, however well it is registered.
    fn look_at_broker(&mut self, link: &mut dyn Link, now: Instant) {
        if !link.is_blocked() && !self.options.vitals.is_refused() {
            self.stuck_since = None;
            return;
        }
        self.stuck_since.get_or_insert(now);
        if self.is_stuck() && self.is_shown() {
            log::warn!("the broker has taken no messages for {STUCK_PATIENCE:?} (an alarm, or a queue that is full?)");
            self.conceal();
        }
    }

    fn is_stuck(&self) -> bool {
        self.stuck_since.is_some_and(|since| since.elapsed() > STUCK_PATIENCE)
    }

    /// Looks unhealthy, but remembers who we are.
    fn conceal(&mut self) {
        self.options.health.withdraw();
        self.options.identity.set(None);
    }

    fn hide(&mut self) {
        self.options.identity.set(None);
        self.options.health.remove();
        self.shown = None;
    }

    fn is_shown(&self) -> bool {
        self.options.identity.id().is_some()
    }

    /// Whether other processes of this component are at work.
    fn others_work(&self, link: &mut dyn Link) -> Result<bool, Error> {
        let Some(queue) = &self.options.shared_queue else { return Ok(false) };
        let all = link.consumers(queue)?.unwrap_or(0) as usize;
        Ok(all > self.options.vitals.consumers())
    }
}
