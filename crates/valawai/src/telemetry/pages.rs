//! What is served: the metrics, whether the process is live, and whether it is ready.

use std::time::Duration;

use super::Observed;
use super::exposition;
use super::http::{Request, Response, Status};
use super::negotiation::Format;
use super::text_format::to_prometheus;
use crate::health::status::ConsumerStatus;

/// After so long without a beat, the main thread hangs.
const STUCK_MAIN: Duration = Duration::from_secs(60);

/// A handler that runs for longer hangs: after this time, RabbitMQ closes the channel of a consumer that acknowledges nothing.
const STUCK_HANDLER: Duration = Duration::from_mins(30);

pub(super) fn respond(request: &Request, observed: Option<&Observed>) -> Response {
    let page = match &*request.path {
        "/metrics" => metrics,
        "/health/live" => live,
        "/health/ready" => ready,
        _ => return Response::text(Status::NotFound, "there are /metrics, /health/live and /health/ready"),
    };
    match &*request.method {
        "GET" | "HEAD" => page(request, observed),
        _ => Response::text(Status::MethodNotAllowed, "only GET and HEAD are allowed"),
    }
}

fn metrics(request: &Request, observed: Option<&Observed>) -> Response {
    let format = Format::accepted_by(&request.accept);
    let text = exposition::text(observed);
    let body = match format {
        Format::OpenMetrics => text,
        Format::Prometheus => to_prometheus(&text),
    };
    Response { status: Status::Ok, content_type: format.content_type(), body }
}

/// Whether a restart would be of no use.
fn live(_: &Request, observed: Option<&Observed>) -> Response {
    let observed = observed.filter(|observed| !observed.shutdown.is_requested());
    match observed.and_then(|observed| stuck(&observed.status, STUCK_MAIN, STUCK_HANDLER)) {
        Some(what) => Response::text(Status::ServiceUnavailable, &format!("not live: {what}")),
        None => Response::text(Status::Ok, "live"),
    }
}

/// What hangs, if something does.
fn stuck(status: &ConsumerStatus, main_limit: Duration, handler_limit: Duration) -> Option<String> {
    if status.heartbeat.age() > main_limit {
        return Some(format!("the main thread has done nothing for more than {main_limit:?}"));
    }
    let task = status.stuck(handler_limit)?;
    Some(format!("the handler of {task} has been running for more than {handler_limit:?}"))
}

/// Whether the process does what it is for.
fn ready(_: &Request, observed: Option<&Observed>) -> Response {
    let not_ready = |reason: &str| Response::text(Status::ServiceUnavailable, &format!("not ready: {reason}"));
    let Some(observed) = observed else { return not_ready("it starts") };
    if observed.shutdown.is_requested() {
        return not_ready("it stops");
    }
    match observed.status.readiness.check() {
        Ok(()) => Response::text(Status::Ok, "ready"),
        Err(reason) => not_ready(reason),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn get(method: &str, path: &str) -> Response {
        respond(&Request { method: method.into(), path: path.into(), accept: String::new() }, None)
    }

    #[test]
    fn other_paths_and_methods_are_refused() {
        for path in ["/", "/metrics/", "/health", "/Metrics", "/../metrics", ""] {
            assert_eq!(get("GET", path).status, Status::NotFound, "{path}");
        }
        for method in ["POST", "PUT", "DELETE", "get", "OPTIONS"] {
            assert_eq!(get(method, "/metrics").status, Status::MethodNotAllowed, "{method}");
        }
        assert_eq!(get("HEAD", "/health/live").status, Status::Ok);
    }

    #[test]
    fn a_process_that_starts_is_live_and_not_ready() {
        assert_eq!(get("GET", "/health/live"), Response::text(Status::Ok, "live"));
        assert_eq!(get("GET", "/health/ready"), Response::text(Status::ServiceUnavailable, "not ready: it starts"));
    }

    #[test]
    fn a_main_thread_or_a_handler_that_hangs_is_found() {
        let (status, long) = (ConsumerStatus::default(), Duration::from_secs(3600));
        let thread = status.register_thread(vec!["data/in".into()]);
        assert_eq!(stuck(&status, long, long), None);
        assert!(stuck(&status, Duration::ZERO, long).is_some_and(|what| what.contains("main thread")));
        assert_eq!(stuck(&status, long, Duration::ZERO), None, "no handler runs");
        thread.begin(0, Instant::now());
        assert!(stuck(&status, long, Duration::ZERO).is_some_and(|what| what.contains("the handler of data/in")));
        assert_eq!(stuck(&status, long, long), None);
    }
}
