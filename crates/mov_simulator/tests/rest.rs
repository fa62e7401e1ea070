//! The REST interface: its errors, its health pages, and its changes.

use serde_json::{Value, json};

use super::test_bed::{SOON, TestBed, asyncapi};

const HTML: &str = "text/html";
const JSON: &str = "application/json";

#[test]
fn errors_have_a_status_and_a_body() {
    let test_bed = TestBed::start();
    let unknown = "0123456789abcdef01234567";
    let answers = [
        ("GET", format!("/v1/components/{unknown}"), 404, ""),
        ("GET", format!("/v1/topology/connections/{unknown}"), 404, ""),
        ("GET", "/v1/components?limit=x".to_owned(), 404, ""),
        ("GET", "/v1/components?limit=0".to_owned(), 400, JSON),
        ("GET", "/v1/components?offset=-1".to_owned(), 400, JSON),
        ("GET", "/v1/components?order=zzz".to_owned(), 400, JSON),
        ("GET", "/v1/nowhere".to_owned(), 404, HTML),
        ("GET", "/v1/info".to_owned(), 404, HTML),
        ("PUT", "/v1/components".to_owned(), 405, ""),
    ];
    for (method, path, status, kind) in answers {
        let (actual_status, actual_kind, body) = test_bed.mov.request(method, &path, "{}");
        assert_eq!(actual_status, status, "{method} {path}: {body}");
        assert!(actual_kind.starts_with(kind), "{method} {path}: {actual_kind}");
        assert_eq!(body.is_empty(), kind.is_empty(), "{method} {path}: {body}");
        if kind == JSON {
            let problem: Value = serde_json::from_str(&body).expect("JSON");
            assert_eq!(problem["status"], status);
            assert!(problem["title"].is_string() && problem["violations"][0]["message"].is_string(), "{problem}");
        }
    }
    assert_eq!(test_bed.mov.get("/v1/help/info").1, r#"{"version":"2.0.1","profile":"prod"}"#);
}

#[test]
fn each_kind_of_health_check_has_a_page() {
    let test_bed = TestBed::start();
    let checks = |page: &str| {
        let answer: Value = serde_json::from_str(&test_bed.mov.get(page).1).expect("JSON");
        let checks = answer["checks"].as_array().expect("checks").clone();
        let names = checks.iter().map(|check| check["name"].as_str().expect("a name").to_owned());
        (names.collect::<Vec<_>>(), checks[0]["data"].clone())
    };
    let (live, data) = checks("/q/health/live");
    assert_eq!(live, ["SmallRye Reactive Messaging - liveness check", "RabbitMQ service"]);
    for channel in ["register_component", "add_log", "create_notification", "change_topology_notification"] {
        assert_eq!(data[channel], "[OK]", "{data}");
    }
    let (ready, _) = checks("/q/health/ready");
    assert_eq!(ready, ["SmallRye Reactive Messaging - readiness check", "MongoDB connection health check"]);
    assert_eq!(checks("/q/health").0.len(), 5);
}

#[test]
fn components_and_connections_are_created_changed_and_removed_by_rest() {
    let test_bed = TestBed::start();
    let request = |method: &str, path: &str, body: Value| test_bed.mov.request(method, path, &body.to_string());
    let component = |kind: &str, name: &str, asyncapi: &str| json!({"type": kind, "name": name, "version": "1.0.0", "asyncapiYaml": asyncapi});
    // Connections between components of one level are not enabled.
    let source = component("C1", "c1_source", &asyncapi("c1", "source", "unused_a", "word"));
    let target = component("C1", "c1_target", &asyncapi("c1", "target", "word", "unused_b"));
    assert_eq!(request("POST", "/v1/components", source), (204, String::new(), String::new()));
    test_bed.mov.wait_registered("c1_source", SOON);
    assert_eq!(request("POST", "/v1/components", target).0, 204);
    test_bed.mov.wait_registered("c1_target", SOON);
    assert_eq!(request("POST", "/v1/components", component("C7", "c1_x", "channels: {}")).0, 400);
    let connection = test_bed.mov.wait_until("the connection", SOON, |snapshot| snapshot.connections.first().cloned());

    let change = |action: &str| {
        request("PUT", "/v1/topology/connections/change", json!({"action": action, "connectionId": connection.id}))
    };
    assert_eq!(change("ENABLE").0, 204);
    test_bed.wait_enabled(1);
    assert_eq!(change("NONSENSE").0, 400);
    let path = format!("/v1/topology/connections/{}", connection.id);
    let answer: Value = serde_json::from_str(&test_bed.mov.get(&path).1).expect("JSON");
    assert_eq!((&answer["id"], &answer["enabled"]), (&json!(connection.id), &json!(true)));
    assert_eq!(answer["source"]["component"]["id"], json!(connection.source.component_id));
    assert!(answer["createTimestamp"].is_u64() && answer["updateTimestamp"].is_u64(), "{answer}");
    assert_eq!(change("REMOVE").0, 204);
    test_bed.mov.wait_until("the connection to be removed", SOON, |snapshot| snapshot.connections[0].deleted);
    assert_eq!(test_bed.mov.get(&path), (404, String::new()));

    let (source, target) = (connection.source, connection.target);
    let creation = json!({"sourceComponent": source.component_id, "sourceChannel": source.channel_name,
        "targetComponent": target.component_id, "targetChannel": target.channel_name, "enabled": true});
    assert_eq!(request("POST", "/v1/topology/connections", creation).0, 204);
    test_bed.mov.wait_until("the new connection", SOON, |snapshot| {
        snapshot.connections.len() == 2 && snapshot.connections[1].enabled
    });

    let component_path = format!("/v1/components/{}", source.component_id);
    assert_eq!(request("DELETE", &component_path, json!({})).0, 204);
    test_bed.mov.wait_until("the component to be unregistered", SOON, |snapshot| snapshot.live.len() == 1);
    assert_eq!(request("DELETE", &component_path, json!({})).0, 204);
    test_bed.mov.wait_until("the second unregistration to be counted as unknown", SOON, |snapshot| {
        snapshot.counts.unknown_unregisters == 1
    });
}
