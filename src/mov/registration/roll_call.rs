//! Asks the MOV for everybody of our name, to find registrations that nobody remembers.

use std::time::{Duration, Instant};

use super::Registration;
use crate::broker::{Error, Link};
use crate::ids::Ids;
use crate::mov::payloads;

/// How long after a registration it is asked.
const AFTER: Duration = Duration::from_secs(1);

/// How long the answer may take. A later one is left to rot by nobody: the next question takes it out.
const PATIENCE: Duration = Duration::from_secs(5);

/// All our questions begin like this, so that an answer that came too late is known for ours.
const PREFIX: &str = "roll-call-of-";

#[derive(Debug, Default)]
pub(super) enum RollCall {
    #[default]
    Done,
    Due(Instant),
    Asked {
        query_id: String,
        until: Instant,
    },
}

impl RollCall {
    pub(super) fn soon() -> Self {
        Self::Due(Instant::now() + AFTER)
    }

    /// Takes the next step, if it is time for one.
    pub(super) fn go_on(self, registration: &mut Registration, link: &mut dyn Link) -> Result<Self, Error> {
        match self {
            Self::Due(when) if when <= Instant::now() => {
                let profile = &registration.options.profile;
                let query_id = format!("{PREFIX}{}-{}", profile.name, Ids::new().next());
                link.declare(payloads::PAGE)?;
                link.publish(&payloads::query(profile, &query_id))?;
                Ok(Self::Asked { query_id, until: Instant::now() + PATIENCE })
            }
            Self::Asked { query_id, until } => {
                let is_over = take_page(registration, link, &query_id)? || until <= Instant::now();
                Ok(if is_over { Self::Done } else { Self::Asked { query_id, until } })
            }
            other => Ok(other),
        }
    }
}

/// Takes our answer out of everybody's queue, and leaves the others there.
fn take_page(registration: &mut Registration, link: &mut dyn Link, query_id: &str) -> Result<bool, Error> {
    let Registration { options, registrar, .. } = registration;
    let own = format!("\"{PREFIX}{}-", options.profile.name);
    let mut is_there = false;
    link.browse(payloads::PAGE, &mut |message| {
        if let Some(ids) = payloads::registrations_in(&message.body, &options.profile, query_id) {
            is_there = true;
            for id in ids {
                registrar.add_leftover(id);
            }
        }
        String::from_utf8_lossy(&message.body).contains(&own)
    })?;
    Ok(is_there)
}
