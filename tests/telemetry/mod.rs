//! What the component shows of itself: metrics, its health over HTTP, logs as JSON, and the traces that it takes part in.

mod exposition;
mod health;
mod json_logs;
mod limits;
mod observability;
mod off;
mod prometheus;
mod traces;

use std::collections::BTreeMap;

use testkit::http::{self, Answer};
use testkit::{Process, Vhost};

use crate::test_bed::{SOON, TestBed};

/// The media types that Prometheus accepts.
pub(crate) const OPEN_METRICS: &str = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

/// A test bed whose component serves metrics on a free port.
fn test_bed(vhost: Vhost) -> TestBed {
    TestBed::in_vhost(vhost).env("METRICS_ADDRESS", ":0")
}

/// The address where a component serves metrics, which it logs.
#[track_caller]
fn address(component: &Process) -> String {
    let line = component.wait_output("serving /metrics", SOON);
    let address = line.rsplit("http://").next().and_then(|rest| rest.split(['"', ' ']).next());
    address.expect("an address").to_owned()
}

/// What the component answers to a path.
#[track_caller]
pub(crate) fn get(component: &Process, path: &str) -> Answer {
    http::get(&format!("http://{}{path}", address(component)), "*/*")
}

/// The values of all samples, by their names and labels as they are written.
#[track_caller]
fn samples(component: &Process) -> BTreeMap<String, f64> {
    let Answer { status, body, .. } = get(component, "/metrics");
    assert_eq!(status, 200, "{body}");
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no sample: {line}"));
        (name.to_owned(), value.parse().unwrap_or_else(|_| panic!("no value: {line}")))
    };
    body.lines().filter(|line| !line.starts_with('#')).map(sample).collect()
}

/// Waits until a sample has a value.
#[track_caller]
fn wait_for_sample(component: &Process, name: &str, expected: f64) {
    let is_expected = || samples(component).get(name).is_some_and(|value| (value - expected).abs() < 1e-9);
    component.wait_until(&format!("{name} to be {expected}"), SOON, is_expected);
}
