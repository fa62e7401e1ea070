//! `docker/observability/`: Prometheus' own tools accept the files, and each metric that they name exists.

use std::collections::BTreeSet;

use serde_json::Value;
use testkit::prometheus::promtool;

use super::exposition::documented;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docker/observability");

/// Runs promtool on a file of the folder.
#[track_caller]
fn assert_accepted(arguments: &[&str], file: &str) {
    let path = format!("{FOLDER}/{file}");
    let arguments: Vec<&str> = arguments.iter().copied().chain([&*path]).collect();
    let (succeeded, said) = promtool(&arguments, "");
    assert!(succeeded && said.contains("SUCCESS"), "promtool {arguments:?}:\n{said}");
}

/// The names of metrics in an expression.
fn metrics_in(expression: &str) -> BTreeSet<String> {
    let words = expression.split(|each: char| !each.is_ascii_alphanumeric() && each != '_');
    let metrics = words.filter(|word| word.starts_with("valawai_") || word.starts_with("process_"));
    let of_histogram = |name: &str| {
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
        base.unwrap_or(name).to_owned()
    };
    metrics.map(of_histogram).collect()
}

#[track_caller]
fn assert_exist(names: &BTreeSet<String>, file: &str) {
    let documented = documented();
    let missing: Vec<_> = names.iter().filter(|name| !documented.contains_key(*name)).collect();
    assert!(!names.is_empty() && missing.is_empty(), "{file} names {missing:?}, which do not exist");
}

/// All texts with this key, anywhere in a document.
fn texts(json: &Value, key: &str) -> Vec<String> {
    let below: Vec<String> = match json {
        Value::Array(values) => values.iter().flat_map(|value| texts(value, key)).collect(),
        Value::Object(fields) => fields.values().flat_map(|value| texts(value, key)).collect(),
        _ => Vec::new(),
    };
    let own = json.get(key).and_then(Value::as_str).map(str::to_owned);
    own.into_iter().chain(below).collect()
}

#[test]
fn promtool_accepts_the_configuration_and_the_rules_and_the_alerts_fire_when_they_should() {
    assert_accepted(&["check", "config"], "prometheus.yml");
    assert_accepted(&["check", "rules"], "rules.yml");
    assert_accepted(&["test", "rules"], "rules_test.yml");
}

#[test]
fn each_metric_of_the_rules_exists() {
    let rules = include_str!("../../docker/observability/rules.yml");
    let lines = rules.lines().filter(|line| !line.contains("summary:") && !line.contains("description:"));
    assert_exist(&lines.flat_map(metrics_in).collect(), "rules.yml");
}

#[test]
fn each_metric_of_the_dashboard_exists_and_each_metric_of_the_library_is_on_it() {
    let dashboard: Value = serde_json::from_str(include_str!("../../docker/observability/grafana/valawai.json"))
        .expect("the dashboard is JSON");
    let shown: BTreeSet<String> = texts(&dashboard, "expr").iter().flat_map(|it| metrics_in(it)).collect();
    assert_exist(&shown, "the dashboard");
    let absent: Vec<_> = documented().into_keys().filter(|name| !shown.contains(name)).collect();
    assert_eq!(absent, [""; 0], "metrics that the dashboard does not show");
    let uid = include_str!("../../docker/observability/grafana/datasource.yml");
    for source in texts(&dashboard["panels"], "uid") {
        assert!(uid.contains(&format!("uid: {source}\n")), "{source} is no data source");
    }
}

#[test]
fn compose_publishes_no_metrics_of_the_component() {
    let compose = include_str!("../../docker/observability/docker-compose.yml");
    let (_, component) = compose.split_once("  c1_echo:\n").expect("the component");
    let (component, rest) = component.split_once("\n\n").expect("its end");
    assert!(component.contains("METRICS_ADDRESS: 0.0.0.0:9464") && !component.contains("ports:"), "{component}");
    assert!(include_str!("../../docker/observability/prometheus.yml").contains("port: 9464"));
    let published = rest.lines().filter(|line| line.trim_start().starts_with("- ${UI_ADDRESS:-127.0.0.1}:")).count();
    assert_eq!((published, rest.matches("ports:").count()), (2, 2), "a port is published on other addresses: {rest}");
    for service in rest.split("    image: ").skip(1) {
        assert!(service.contains("profiles: [observability]"), "a service starts without the profile: {service}");
    }
}
