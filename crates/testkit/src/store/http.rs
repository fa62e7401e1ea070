//! Requests to a store on this machine.

use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::http::Response;

/// The limit of one request.
const LIMIT: Duration = Duration::from_secs(10);

/// A header of a request.
pub(super) type Header<'h> = (&'static str, &'h str);

/// No header.
pub(super) const NO_HEADER: Header<'static> = ("Accept", "*/*");

fn agent() -> Agent {
    // A connection that was kept would be dead after the store was killed.
    let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(LIMIT));
    config.max_idle_connections(0).proxy(None).build().into()
}

/// Whether the store answers, with a success and a body that is not just `""`.
pub(super) fn is_ready(port: u16, path: &str) -> bool {
    let response = agent().get(url(port, path)).config().timeout_global(Some(Duration::from_secs(2))).build().call();
    let body =
        response.ok().filter(|it| it.status().is_success()).and_then(|mut it| it.body_mut().read_to_string().ok());
    body.is_some_and(|body| !matches!(body.trim(), "" | "\"\""))
}

/// Sends `POST` and returns the JSON of the answer.
#[track_caller]
pub(super) fn post(port: u16, path: &str, (name, value): Header<'_>, json: &Value) -> Value {
    let request = agent().post(url(port, path)).header(name, value).content_type("application/json");
    let body = expect_success(path, request.send(json.to_string()));
    serde_json::from_str(&body).unwrap_or_else(|error| panic!("{path} answered {body}: {error}"))
}

/// Sends `PUT` with a body.
#[track_caller]
pub(super) fn put(port: u16, path: &str, (name, value): Header<'_>, content_type: &str, body: &[u8]) -> String {
    let request = agent().put(url(port, path)).header(name, value).content_type(content_type);
    expect_success(path, request.send(body))
}

/// Sends `DELETE`.
#[track_caller]
pub(super) fn delete(port: u16, path: &str, (name, value): Header<'_>) {
    expect_success(path, agent().delete(url(port, path)).header(name, value).call());
}

fn url(port: u16, path: &str) -> String {
    format!("http://127.0.0.1:{port}{path}")
}

#[track_caller]
fn expect_success(path: &str, result: Result<Response<ureq::Body>, ureq::Error>) -> String {
    let mut response = result.unwrap_or_else(|error| panic!("no answer to {path}: {error}"));
    let body = response.body_mut().read_to_string().unwrap_or_default();
    assert!(response.status().is_success(), "{path} answered {}: {body}", response.status());
    body
}
