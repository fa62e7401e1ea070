//! Prometheus itself reads the metrics.

use std::path::Path;

use testkit::prometheus::promtool;
use testkit::{Message, Mov, Node, Prometheus, wait_until};

use super::{address, get, test_bed};
use crate::test_bed::{INPUT, NAME, SOON, wait_registered};

const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docker/observability/rules.yml");

#[test]
fn promtool_has_no_objection_to_the_metrics() {
    let test_bed = test_bed(Node::shared().vhost());
    let component = test_bed.start();
    test_bed.assert_echoes("works");
    let metrics = get(&component, "/metrics").body;
    let (succeeded, said) = promtool(&["check", "metrics"], &metrics);
    assert!(succeeded && said.trim().is_empty(), "promtool says {said}\nof {metrics}");
    // It does object to others.
    assert!(!promtool(&["check", "metrics"], "# TYPE x counter\nx 1\n").0);
}

#[test]
fn prometheus_scrapes_the_component_and_its_rules_see_what_is_wrong() {
    let test_bed = test_bed(Node::shared().vhost());
    let component = test_bed.start();
    let prometheus = Prometheus::start(&address(&component), &[Path::new(RULES)]);
    let value = |expression: &str| prometheus.query(expression).first().map(|(_, value)| *value);
    let wait_for = |expression: &str, expected: f64| {
        component.wait_until(&format!("{expression} to be {expected} in Prometheus"), SOON, || {
            value(expression).is_some_and(|value| (value - expected).abs() < 1e-9)
        });
    };
    wait_for("up", 1.0);
    wait_for("valawai_ready", 0.0);
    let targets = prometheus.get("/api/v1/targets");
    assert_eq!(targets["data"]["activeTargets"][0]["lastError"], "", "{targets}");
    for content in ["one", "two", "three"] {
        test_bed.assert_echoes(content);
    }
    test_bed.client.publish(INPUT, &Message::bare("not JSON"));
    wait_for(r#"valawai_messages_received_total{channel="data/received_message"}"#, 4.0);
    wait_for(r#"valawai_messages_dead_lettered_total{channel="data/received_message"}"#, 1.0);
    wait_for(&format!(r#"valawai_build_info{{component="{NAME}",level="C1"}}"#), 1.0);
    // With OpenMetrics, Prometheus knows the units.
    let metadata = prometheus.get("/api/v1/metadata?metric=valawai_handler_duration_seconds");
    let metadata = &metadata["data"]["valawai_handler_duration_seconds"][0];
    assert_eq!((&metadata["type"], &metadata["unit"]), (&"histogram".into(), &"seconds".into()), "{metadata}");
    let quantile =
        value(r#"histogram_quantile(0.5, valawai_handler_duration_seconds_bucket{channel="data/received_message"})"#)
            .unwrap_or_default();
    assert!((8e-7..1.0).contains(&quantile), "the median of the handler is {quantile} s");
    let alerts = |state: &str| {
        let alerts = prometheus.get("/api/v1/alerts")["data"]["alerts"].as_array().cloned().unwrap_or_default();
        let found =
            alerts.iter().filter(|alert| alert["state"] == state).filter_map(|it| it["labels"]["alertname"].as_str());
        found.map(str::to_owned).collect::<Vec<_>>()
    };
    wait_until("the alert of a component that is not registered to be pending", SOON, || {
        alerts("pending").iter().any(|name| name == "ValawaiNotRegistered")
    });
    let mov = Mov::start(&test_bed.vhost);
    wait_registered(&mov, &component);
    wait_for("valawai_ready", 1.0);
    wait_until("that alert to end", SOON, || alerts("pending").iter().all(|name| name != "ValawaiNotRegistered"));
}
