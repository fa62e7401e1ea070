//! `/metrics` counts what the component does, in both formats, and has what the documentation lists.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use testkit::http::{self, Answer};
use testkit::{Message, Node, Process};

use super::{OPEN_METRICS, address, get, samples, test_bed, wait_for_sample};
use crate::test_bed::{DEAD_LETTERS, INPUT, OUTPUT, SOON, TestBed};

const RECEIVED: &str = "data/received_message";

/// The names and types of the metrics in the documentation.
pub(super) fn documented() -> BTreeMap<String, String> {
    let document = include_str!("../../docs/telemetry.md");
    let rows = document
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter(|row| row.starts_with("valawai_") || row.starts_with("process_"));
    let cells = rows.map(|row| row.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect::<Vec<_>>());
    cells.map(|cells| (cells[0].clone(), cells[1].clone())).collect()
}

/// The names and types of the families in Prometheus' text format.
fn families(body: &str) -> BTreeMap<String, String> {
    let types = body.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types.filter_map(|it| it.split_once(' ')).map(|(name, kind)| (name.to_owned(), kind.to_owned())).collect()
}

fn of_channel(name: &str) -> String {
    format!("{name}{{channel=\"{RECEIVED}\"}}")
}

/// A component that replied to three messages, refused one, and retried one once.
fn busy() -> (TestBed, Process) {
    let test_bed = test_bed(Node::shared().vhost()).env("RETRY_TTL", 50);
    let component = test_bed.start();
    for content in ["one", "two", "three"] {
        test_bed.assert_echoes(content);
    }
    test_bed.client.publish(INPUT, &Message::bare("not JSON"));
    test_bed.wait_dead_letters(1, &component);
    (test_bed, component)
}

#[test]
fn each_message_is_counted_by_what_became_of_it() {
    let (test_bed, component) = busy();
    wait_for_sample(&component, "valawai_messages_acknowledged_total", 4.0);
    let found = samples(&component);
    for (name, expected) in [
        (of_channel("valawai_messages_received_total"), 4.0),
        (of_channel("valawai_messages_processed_total"), 3.0),
        (of_channel("valawai_messages_dead_lettered_total"), 1.0),
        (of_channel("valawai_messages_retried_total"), 0.0),
        (of_channel("valawai_messages_discarded_total"), 0.0),
        (of_channel("valawai_channel_paused"), 0.0),
        (of_channel("valawai_handler_duration_seconds_count"), 4.0),
        (r#"valawai_messages_published_total{channel="data/publish_message"}"#.to_owned(), 3.0),
        ("valawai_messages_in_flight".to_owned(), 0.0),
        ("valawai_messages_unroutable_total".to_owned(), 0.0),
        ("valawai_connected".to_owned(), 1.0),
        ("valawai_consumers".to_owned(), 1.0),
        ("valawai_sessions_total".to_owned(), 1.0),
        ("valawai_reconnects_total".to_owned(), 0.0),
    ] {
        let value = found.get(&name).unwrap_or_else(|| panic!("no {name} in {found:#?}"));
        assert!((value - expected).abs() < 1e-9, "{name} is {value}, and not {expected}");
    }
    let le = |name: &str| name.starts_with("valawai_handler_duration_seconds_bucket{le=\"");
    let buckets: Vec<_> = found.iter().filter(|(name, _)| le(name) && name.contains(RECEIVED)).collect();
    assert!(
        buckets.len() == 25 && buckets.iter().any(|(name, count)| name.contains("+Inf") && **count > 3.9),
        "{buckets:?}"
    );
    assert!(found["process_resident_memory_bytes"] > 1e6 && found["process_open_fds"] > 3.0, "{found:?}");
    test_bed.client.delete(OUTPUT);
    test_bed.publish("to nobody");
    wait_for_sample(&component, "valawai_messages_unroutable_total", 1.0);
    assert_eq!(test_bed.client.depth(DEAD_LETTERS), 1);
}

#[test]
fn a_retried_message_is_counted_for_each_attempt() {
    let test_bed = test_bed(Node::shared().vhost())
        .env("CHAOS_PERCENTAGE_SIMULATE_FAILURES", 1)
        .env("MAX_RETRIES", 2)
        .env("RETRY_TTL", 50);
    let component = test_bed.start();
    test_bed.publish("fails");
    test_bed.wait_dead_letters(1, &component);
    wait_for_sample(&component, &of_channel("valawai_messages_retried_total"), 2.0);
    wait_for_sample(&component, &of_channel("valawai_messages_dead_lettered_total"), 1.0);
    wait_for_sample(&component, "valawai_messages_acknowledged_total", 3.0);
}

#[test]
fn routes_are_counted_by_their_names() {
    let routes = json!([
        {"name": "more", "type": "consumer", "queue": "more", "handler": RECEIVED},
        {"name": "store", "type": "producer", "queue": "store", "of": ["reply"]},
    ]);
    let test_bed = test_bed(Node::shared().vhost()).env("QUEUE_CONFIG", &routes);
    let component = test_bed.start();
    component.wait_output("route store is connected", SOON);
    component.wait_output("route more is connected", SOON);
    test_bed.client.publish("more", &Message::json(&json!({"content": "hello"})));
    wait_for_sample(&component, r#"valawai_messages_published_total{channel="route/store"}"#, 1.0);
    wait_for_sample(&component, r#"valawai_messages_received_total{channel="route/more"}"#, 1.0);
    wait_for_sample(&component, r#"valawai_handler_duration_seconds_count{channel="route/more"}"#, 1.0);
    wait_for_sample(&component, &of_channel("valawai_messages_received_total"), 0.0);
}

#[test]
fn a_component_has_the_metrics_that_the_documentation_lists_and_no_others() {
    let (_test_bed, component) = busy();
    let Answer { content_type, body, .. } = get(&component, "/metrics");
    assert_eq!(content_type, "text/plain; version=0.0.4; charset=utf-8");
    // The older format has no type for information.
    let kind = |kind: String| if kind == "info" { "gauge".to_owned() } else { kind };
    let expected: BTreeMap<_, _> = documented().into_iter().map(|(name, it)| (name, kind(it))).collect();
    assert_eq!(families(&body), expected);
}

#[test]
fn a_client_that_prefers_open_metrics_gets_the_same_in_that_format() {
    let (_test_bed, component) = busy();
    wait_for_sample(&component, "valawai_messages_acknowledged_total", 4.0);
    let plain = get(&component, "/metrics").body;
    let open = http::get(&format!("http://{}/metrics", address(&component)), OPEN_METRICS);
    assert_eq!(open.content_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(open.body.ends_with("# EOF\n") && !plain.contains("# EOF"), "{}", open.body);
    assert!(open.body.contains("# UNIT valawai_handler_duration_seconds seconds\n"), "{}", open.body);
    assert!(open.body.contains("# TYPE valawai_messages_received counter\n"), "{}", open.body);
    let samples = |text: &str| -> BTreeSet<String> {
        // What the system knows of the process changes from one look to the next.
        let lines = text.lines().filter(|line| !line.starts_with('#') && !line.starts_with("process_"));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(samples(&open.body), samples(&plain));
}

#[test]
fn a_reconnect_a_pause_a_change_and_a_bad_value_are_counted() {
    let node = Node::start();
    let test_bed = test_bed(node.vhost());
    let component = test_bed.start();
    crate::operating::wait_until_it_answers(&test_bed.vhost);
    crate::operating::run_json(&test_bed.vhost, "control pause data/received_message");
    wait_for_sample(&component, &of_channel("valawai_channel_paused"), 1.0);
    crate::operating::run_json(&test_bed.vhost, "control set MAX_RETRIES=3");
    wait_for_sample(&component, "valawai_settings_changes_total", 1.0);
    node.kill();
    wait_for_sample(&component, "valawai_connected", 0.0);
    node.start_again();
    wait_for_sample(&component, "valawai_reconnects_total", 1.0);
    wait_for_sample(&component, "valawai_connected", 1.0);
    let build =
        samples(&component).into_keys().find(|name| name.starts_with("valawai_build_info{")).unwrap_or_default();
    for label in [r#"component="c1_echo_example_with_rust_and_amiquip""#, r#"version="1.0.0""#, r#"level="C1""#] {
        assert!(build.contains(label), "{build} has no {label}");
    }
    component.wait_until("the file to be logged", SOON, || !component.output().is_empty());
    let secret = json!(test_bed.vhost.password);
    assert!(!get(&component, "/metrics").body.contains(secret.as_str().unwrap_or_default()), "the password is shown");
}
