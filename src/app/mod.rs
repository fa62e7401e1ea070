//! The life of the process: connect, serve, reconnect for ever, and stop in time.

mod crew;
mod shift;
pub mod signals;
mod threads;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::select;

use self::crew::Crew;
use self::shift::End;
use crate::broker::backoff::Backoff;
use crate::broker::{Error, Session, Stop};
use crate::component::Plan;
use crate::mov::identity::Identity;
use crate::settings::Settings;

/// The pauses between the tries to get back a connection that was lost.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A session that lasted so long was a good one: the next pause is the first again.
const GOOD_SESSION: Duration = Duration::from_secs(10);

/// Opens a session; the number tells it from the others of this process.
pub type Connect = Arc<dyn Fn(u64) -> Result<Box<dyn Session>, Error> + Send + Sync>;

/// A component with everything that it needs to run.
pub struct App {
    connect: Connect,
    first_tries: u32,
    retry_sleep: Duration,
    crew: Crew,
    backoff: Backoff,
}

impl App {
    /// Builds the component of `plan` as `settings` say, on the broker that `connect` leads to.
    #[must_use]
    pub fn new(plan: &Plan, settings: &Settings, connect: Connect) -> Self {
        Self {
            connect,
            first_tries: settings.first_tries,
            retry_sleep: settings.retry_sleep,
            crew: Crew::new(plan, settings, Identity::default()),
            backoff: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE),
        }
    }

    /// Runs the component until `stop`.
    ///
    /// # Errors
    /// When the broker could not be reached in as many tries as are allowed for the first connection.
    pub fn run(mut self, stop: &Stop) -> Result<(), Error> {
        let mut number = 0;
        let mut session = self.connect_first(&mut number, stop)?;
        while let Some(current) = session {
            let began = Instant::now();
            let end = shift::serve(&self.crew, current, stop);
            match end {
                End::Stopped => break,
                End::Lost(error) => log::error!("{error}; reconnecting"),
            }
            session = self.reconnect(&mut number, began.elapsed() >= GOOD_SESSION, stop);
        }
        log::info!("stopped");
        Ok(())
    }

    /// `None` when it was called to stop.
    fn connect_first(&self, number: &mut u64, stop: &Stop) -> Result<Option<Box<dyn Session>>, Error> {
        for left in (0..self.first_tries).rev() {
            let Some(tried) = self.try_to_connect(number, stop) else { return Ok(None) };
            match tried {
                Ok(session) => return Ok(Some(session)),
                Err(error) if left == 0 => return Err(error),
                Err(error) => {
                    log::warn!("{error}; trying again in {:?}, {left} more times", self.retry_sleep);
                }
            }
            if is_called_within(stop, self.retry_sleep) {
                return Ok(None);
            }
        }
        Ok(None)
    }

    /// `None` when it was called to stop.
    fn reconnect(&mut self, number: &mut u64, was_good: bool, stop: &Stop) -> Option<Box<dyn Session>> {
        if was_good {
            self.backoff.reset();
        }
        loop {
            if is_called_within(stop, self.backoff.pause()) {
                return None;
            }
            match self.try_to_connect(number, stop)? {
                Ok(session) => return Some(session),
                Err(error) => log::warn!("{error}; trying again"),
            }
        }
    }

    /// Tries on a thread of its own, because neither the look-up of a name nor a handshake could be interrupted. `None`
    /// when it was called to stop; then the thread ends with the process.
    fn try_to_connect(&self, number: &mut u64, stop: &Stop) -> Option<Result<Box<dyn Session>, Error>> {
        *number += 1;
        let (result, tried) = crossbeam_channel::bounded(1);
        let (connect, number) = (Arc::clone(&self.connect), *number);
        let spawned = thread::Builder::new().name("connect".into()).spawn(move || {
            // Nobody waits for it any more when it was called to stop.
            let _ = result.send(connect(number));
        });
        if let Err(error) = spawned {
            return Some(Err(Error::lost(error)));
        }
        select! {
            recv(tried) -> session => Some(session.unwrap_or_else(|_| Err(Error::lost("connecting panicked")))),
            recv(stop) -> _ => None,
        }
    }
}

fn is_called_within(stop: &Stop, time: Duration) -> bool {
    stop.recv_timeout(time) == Err(crossbeam_channel::RecvTimeoutError::Disconnected)
}
