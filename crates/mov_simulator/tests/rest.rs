//! The REST interface of the MOV simulator: its errors, and what changes something.

use serde_json::{Value, json};

use super::components::{SOON, Scene, asyncapi};

const HTML: &str = "text/html";
const JSON: &str = "application/json";

#[test]
fn each_error_has_its_form() {
    let scene = Scene::set();
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
        let (told, its_kind, body) = scene.mov.request(method, &path, "{}");
        assert_eq!(told, status, "{method} {path}: {body}");
        assert!(its_kind.starts_with(kind), "{method} {path}: {its_kind}");
        assert_eq!(body.is_empty(), kind.is_empty(), "{method} {path}: {body}");
        if kind == JSON {
            let problem: Value = serde_json::from_str(&body).expect("JSON");
            assert_eq!(problem["status"], status);
            assert!(problem["title"].is_string() && problem["violations"][0]["message"].is_string(), "{problem}");
        }
    }
    assert_eq!(scene.mov.get("/v1/help/info").1, r#"{"version":"2.0.1","profile":"prod"}"#);
}

#[test]
fn health_has_a_page_for_each_kind_of_check() {
    let scene = Scene::set();
    let checks = |page: &str| {
        let answer: Value = serde_json::from_str(&scene.mov.get(page).1).expect("JSON");
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
fn components_and_connections_come_change_and_go_by_rest() {
    let scene = Scene::set();
    let ask = |method: &str, path: &str, body: Value| scene.mov.request(method, path, &body.to_string());
    let component = |kind: &str, name: &str, asyncapi: &str| json!({"type": kind, "name": name, "version": "1.0.0", "asyncapiYaml": asyncapi});
    // Of one level, so that they are not enabled.
    let source = component("C1", "c1_source", &asyncapi("c1", "source", "unused_a", "word"));
    let target = component("C1", "c1_target", &asyncapi("c1", "target", "word", "unused_b"));
    assert_eq!(ask("POST", "/v1/components", source), (204, String::new(), String::new()));
    scene.mov.wait_registered("c1_source", SOON);
    assert_eq!(ask("POST", "/v1/components", target).0, 204);
    scene.mov.wait_registered("c1_target", SOON);
    assert_eq!(ask("POST", "/v1/components", component("C7", "c1_x", "channels: {}")).0, 400);
    let connection = scene.mov.wait_until("the connection", SOON, |snapshot| snapshot.connections.first().cloned());

    let change = |action: &str| {
        ask("PUT", "/v1/topology/connections/change", json!({"action": action, "connectionId": connection.id}))
    };
    assert_eq!(change("ENABLE").0, 204);
    scene.wait_enabled(1);
    assert_eq!(change("NONSENSE").0, 400);
    let path = format!("/v1/topology/connections/{}", connection.id);
    let told: Value = serde_json::from_str(&scene.mov.get(&path).1).expect("JSON");
    assert_eq!((&told["id"], &told["enabled"]), (&json!(connection.id), &json!(true)));
    assert_eq!(told["source"]["component"]["id"], json!(connection.source.component_id));
    assert!(told["createTimestamp"].is_u64() && told["updateTimestamp"].is_u64(), "{told}");
    assert_eq!(change("REMOVE").0, 204);
    scene.mov.wait_until("it to be removed", SOON, |snapshot| snapshot.connections[0].deleted);
    assert_eq!(scene.mov.get(&path), (404, String::new()));

    let (source, target) = (connection.source, connection.target);
    let again = json!({"sourceComponent": source.component_id, "sourceChannel": source.channel_name,
        "targetComponent": target.component_id, "targetChannel": target.channel_name, "enabled": true});
    assert_eq!(ask("POST", "/v1/topology/connections", again).0, 204);
    scene
        .mov
        .wait_until("another one", SOON, |snapshot| snapshot.connections.len() == 2 && snapshot.connections[1].enabled);

    let gone = format!("/v1/components/{}", source.component_id);
    assert_eq!(ask("DELETE", &gone, json!({})).0, 204);
    scene.mov.wait_until("it to be unregistered", SOON, |snapshot| snapshot.live.len() == 1);
    assert_eq!(ask("DELETE", &gone, json!({})).0, 204);
    scene.mov.wait_until("the second one to be in vain", SOON, |snapshot| snapshot.counts.unknown_unregisters == 1);
}
