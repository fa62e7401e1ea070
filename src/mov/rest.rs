//! The one question to the MOV's REST interface: whether it still knows us.

use std::time::Duration;

use ureq::Agent;

use crate::name::ComponentId;

/// An answer that takes longer is no answer.
const LIMIT: Duration = Duration::from_secs(1);

const NOT_FOUND: u16 = 404;

/// Asks the MOV over HTTP.
#[derive(Debug)]
pub struct Rest {
    url: String,
    agent: Agent,
}

impl Rest {
    /// Asks the MOV at `url`, as in `http://mov:8080`.
    #[must_use]
    pub fn new(url: &str) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(LIMIT))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .build();
        Self { url: url.trim_end_matches('/').to_owned(), agent: config.into() }
    }

    /// Whether `id` is a live registration; `None` when the MOV gives no clear answer.
    #[must_use]
    pub fn knows(&self, id: &ComponentId) -> Option<bool> {
        let answer = self.agent.get(format!("{}/v1/components/{id}", self.url)).call();
        match answer.map(|response| response.status()) {
            Ok(status) if status.is_success() => Some(true),
            Ok(status) if status.as_u16() == NOT_FOUND => Some(false),
            Ok(status) => {
                log::debug!("the MOV answers {status} when asked for {id}");
                None
            }
            Err(error) => {
                log::debug!("the MOV cannot be asked for {id}: {error}");
                None
            }
        }
    }
}
