//! Requests over HTTP to programs on this machine.

use std::time::Duration;

use ureq::Agent;

/// The limit of one request.
const LIMIT: Duration = Duration::from_secs(10);

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The header `Content-Type`.
    pub content_type: String,
    /// The body.
    pub body: String,
}

/// Sends `GET`, with the media types that are accepted. `None` if there is no answer.
pub fn try_get(url: &str, accept: &str) -> Option<Answer> {
    let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(LIMIT));
    let agent: Agent = config.max_idle_connections(0).proxy(None).build().into();
    let mut response = agent.get(url).header("Accept", accept).call().ok()?;
    let content_type = response.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (status, content_type) = (response.status().as_u16(), content_type.to_owned());
    Some(Answer { status, content_type, body: response.body_mut().read_to_string().ok()? })
}

/// Sends `GET`, with the media types that are accepted. Without an answer the test fails.
#[track_caller]
pub fn get(url: &str, accept: &str) -> Answer {
    try_get(url, accept).unwrap_or_else(|| panic!("no answer from {url}"))
}
