//! What the MOV is asked to change, and whether it shows.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use serde_json::json;
use testkit::Message;
use testkit::mov::Connection;

use super::{Platform, UNKNOWN, contract};
use crate::test_bed::{INPUT, OUTPUT, SOON};

#[test]
fn connections_are_disabled_enabled_and_removed() {
    let platform = Platform::start();
    let id = platform.connection().id;
    let is_enabled = || platform.mov.connections().iter().any(|it| it.id == id && it.enabled && !it.deleted);
    for by_rest in [true, false] {
        let finished = platform.run(by_rest, &format!("disable {id}"), 0);
        assert_eq!(finished.stdout, format!("the connection {id} is disabled\n"));
        assert!(!is_enabled(), "it said so before it was");
        assert!(platform.run(by_rest, &format!("disable {id}"), 0).stdout.contains("already disabled"));
        assert_eq!(
            platform.json(by_rest, &format!("enable {id}"))[0],
            json!({"connection": id, "state": "enabled", "changed": true})
        );
        assert!(is_enabled(), "it said so before it was");
    }
    assert_eq!(platform.mov.logs_with("/Cannot .*/"), [], "the MOV's log has errors");
    platform.run(true, &format!("remove {id} --dry-run"), 0);
    platform.run(true, &format!("remove {id}"), 64);
    assert!(is_enabled(), "it was removed without a question");
    platform.run(true, &format!("remove {id} --yes"), 0);
    assert!(!is_enabled(), "it said so before it was");
    platform.run(true, &format!("enable {id}"), 1);
}

#[test]
fn channels_are_connected_and_what_the_mov_refuses_is_said() {
    let platform = Platform::start();
    let ears = contract("c1/other/data/in", "subscribe", "content: { type: string }, more: { type: string }");
    platform.register("C1", "c1_other", &ears);
    let between = |source: &str, target: &str| {
        let connections = platform.mov.connections();
        let is_it = |it: &Connection| it.source.channel_name == source && it.target.channel_name == target;
        connections.into_iter().filter(|it| is_it(it) && !it.deleted).collect::<Vec<_>>()
    };
    platform
        .mov
        .wait_until("the MOV's own connection", SOON, |_| between(OUTPUT, "valawai/c1/other/data/in").len() == 1);
    for by_rest in [true, false] {
        let known = between(OUTPUT, "valawai/c1/other/data/in");
        platform.run(true, &format!("remove {} --yes", known[0].id), 0);
        let finished = platform.run(by_rest, &format!("connect {OUTPUT} valawai/c1/other/data/in"), 0);
        let new = between(OUTPUT, "valawai/c1/other/data/in");
        assert!(new.len() == 1 && new[0].enabled && new[0].id != known[0].id, "{new:?}");
        assert_eq!(finished.stdout.trim(), new[0].id, "{finished:?}");
    }
    assert!(platform.run(true, &format!("connect {OUTPUT} valawai/c1/other/data/in"), 0).stderr.contains("already"));
    let script = platform.test_bed.builder().directory().join("convert.js");
    std::fs::write(&script, "function convertEncodedMessage(text) { return text; }").unwrap();
    let incompatible =
        "connect valawai/c0/ears/data/heard valawai/c1/echo_example_with_rust_and_amiquip/control/registered";
    let finished = platform.run(true, incompatible, 1);
    assert!(finished.stderr.contains("The source payload does not match the target payload."), "{finished:?}");
    let finished = platform.run(true, &format!("{incompatible} --converter {}", script.display()), 0);
    assert_eq!(finished.stdout.trim().len(), 24, "{finished:?}");
    let finished = platform.run(true, &format!("connect valawai/c0/nobody/data/x {INPUT}"), 1);
    assert!(finished.stderr.contains("c0_nobody is not registered"), "{finished:?}");
    platform.register("C0", "c0_twin", &contract("c0/twin/data/heard", "publish", "other: { type: string }"));
    let body = json!({"type": "C0", "name": "c0_twin", "version": "1.0.0", "asyncapi_yaml": contract("c0/twin/data/heard", "publish", "other: { type: string }")});
    platform.test_bed.client.publish("valawai/component/register", &Message::json(&body));
    platform.mov.wait_until("the twin", SOON, |mov| mov.live.iter().filter(|it| it.name == "c0_twin").count() == 2);
    let finished = platform.run(true, &format!("connect valawai/c0/twin/data/heard {INPUT}"), 1);
    assert!(finished.stderr.contains("write ID:valawai/c0/twin/data/heard"), "{finished:?}");
}

#[test]
fn a_c2_that_came_late_is_notified() {
    let platform = Platform::start();
    let id = platform.connection().id;
    let participant =
        "{ type: object, properties: { id: { type: string }, name: { type: string }, type: { enum: [C0, C1, C2] } } }";
    let fields = format!(
        "connection_id: {{ type: string }}, source: {participant}, target: {participant}, timestamp: {{ type: integer }},
         message_payload: {{ type: object, properties: {{ content: {{ type: string }} }} }}"
    );
    platform.register("C2", "c2_values", &contract("c2/values/control/sent", "subscribe", &fields));
    let states = || {
        let connections = platform.mov.connections();
        let connection = connections.into_iter().find(|it| it.id == id).expect("the connection");
        connection.notifications.iter().map(|it| it.enabled).collect::<Vec<_>>()
    };
    platform.mov.wait_until("the disabled notification", SOON, |_| states() == [false]);
    for (arguments, expected, after) in [
        (format!("notify {id} --dry-run"), "would notify", false),
        (format!("notify {id}"), "is notified", true),
        (format!("notify {id} valawai/c2/values/control/sent"), "is already notified", true),
        (format!("notify {id} --off"), "is not notified", false),
    ] {
        let finished = platform.run(true, &arguments, 0);
        assert!(format!("{}{}", finished.stdout, finished.stderr).contains(expected), "{arguments}: {finished:?}");
        assert_eq!(states(), [after], "after {arguments}");
    }
    platform.run(false, &format!("notify {UNKNOWN}"), 1);
}

/// The address of a MOV whose connections stay enabled, whatever is requested. It serves until the test process ends.
fn stubborn_mov(id: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("the address"));
    let body = json!({"id": id, "enabled": true, "source": {}, "target": {}}).to_string();
    let response = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
    thread::spawn(move || {
        for mut request in listener.incoming().flatten() {
            // It fails if the client has gone.
            let _ = request.read(&mut [0; 4096]).and_then(|_| request.write_all(response.as_bytes()));
        }
    });
    url
}

#[test]
fn a_change_that_does_not_show_is_not_claimed() {
    let platform = Platform::start();
    for action in ["disable", "remove"] {
        let program = platform.program(false, &format!("{action} {UNKNOWN} --yes --timeout 1s"));
        let finished = program.env("MOV_URL", stubborn_mov(UNKNOWN)).run(SOON);
        assert_eq!((finished.code, &*finished.stdout), (Some(75), ""), "{finished:?}");
        assert!(finished.stderr.contains("has not shown within 1 s"), "{finished:?}");
    }
}
