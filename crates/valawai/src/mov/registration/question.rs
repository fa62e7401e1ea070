//! The question to the MOV which registrations of our name stand: over REST where its address is known, else by a message.
//!
//! A question by message leaves the whole answer in the MOV's log, so it is asked only when there is a reason.

use std::time::{Duration, Instant};

use crate::broker::{Error, Link};
use crate::ids::Ids;
use crate::mov::component_info::ComponentInfo;
use crate::mov::notice::{Notice, registrations_in};
use crate::mov::payloads;
use crate::mov::rest::Rest;

/// How often it is looked whether the answer has come.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// All our questions begin like this, so that an answer that came too late is recognised as ours.
const PREFIX: &str = "registrations-of-";

/// A question that was asked by message.
#[derive(Debug, Default)]
pub(super) struct Question {
    asked: Option<Asked>,
}

#[derive(Debug)]
struct Asked {
    query_id: String,
    next_look: Instant,
}

impl Question {
    /// Asks. The answer is returned where it comes at once.
    pub(super) fn ask(
        &mut self,
        link: &mut dyn Link,
        rest: Option<&Rest>,
        info: &ComponentInfo,
    ) -> Result<Option<Vec<Notice>>, Error> {
        self.asked = None;
        if let Some(standing) = rest.and_then(|rest| rest.registrations_of(info)) {
            return Ok(Some(standing));
        }
        let query_id = format!("{PREFIX}{}-{}", info.name, Ids::new().next());
        link.declare(payloads::PAGE)?;
        link.publish(&payloads::query(info, &query_id))?;
        self.asked = Some(Asked { query_id, next_look: Instant::now() });
        Ok(None)
    }

    /// When it is to be looked for the answer.
    pub(super) fn next_look(&self) -> Option<Instant> {
        self.asked.as_ref().map(|asked| asked.next_look)
    }

    /// Takes our answer out of everybody's queue, and leaves the others there.
    pub(super) fn collect(&mut self, link: &mut dyn Link, info: &ComponentInfo) -> Result<Option<Vec<Notice>>, Error> {
        let Some(asked) = self.asked.as_mut().filter(|asked| asked.next_look <= Instant::now()) else {
            return Ok(None);
        };
        asked.next_look = Instant::now() + LOOK_EVERY;
        let own = format!("\"{PREFIX}{}-", info.name);
        let mut answer = None;
        link.browse(payloads::PAGE, &mut |message| {
            if let Some(standing) = registrations_in(&message.body, info, &asked.query_id) {
                answer = Some(standing);
            }
            String::from_utf8_lossy(&message.body).contains(&own)
        })?;
        if answer.is_some() {
            self.asked = None;
        }
        Ok(answer)
    }

    /// The answer is not waited for any more.
    pub(super) fn give_up(&mut self) {
        self.asked = None;
    }
}
