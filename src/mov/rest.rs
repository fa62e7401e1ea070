//! The two questions to the MOV's REST interface: whether it has started, and whether it still knows us.

use std::time::Duration;

use ureq::Agent;
use ureq::http::StatusCode;

use crate::name::ComponentId;

/// An answer that takes longer is no answer.
const LIMIT: Duration = Duration::from_secs(1);

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

    /// Whether the MOV has started.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.status("/q/health/ready").is_some_and(|status| status.is_success())
    }

    /// Whether `id` is a live registration; `None` when the MOV gives no clear answer.
    #[must_use]
    pub fn knows(&self, id: &ComponentId) -> Option<bool> {
        match self.status(&format!("/v1/components/{id}"))? {
            status if status.is_success() => Some(true),
            StatusCode::NOT_FOUND => Some(false),
            status => {
                log::debug!("the MOV answers {status} when asked for {id}");
                None
            }
        }
    }

    fn status(&self, path: &str) -> Option<StatusCode> {
        match self.agent.get(format!("{}{path}", self.url)).call() {
            Ok(response) => Some(response.status()),
            Err(error) => {
                log::debug!("the MOV does not answer at {}: {error}", self.url);
                None
            }
        }
    }
}
