//! Each store, each prefix and each login, from the outside.

use testkit::store::{Consul, Etcd};
use testkit::{Node, Process, ProcessBuilder};

use crate::test_bed::{NAME, SOON, TestBed};

/// Starts the component with these settings, and waits until it has taken `MAX_RETRIES` from a store, and then a change of it.
#[track_caller]
fn assert_follows(settings: &[(&str, String)], store: &str, put: impl Fn(&str)) {
    let test_bed = TestBed::on(Node::shared());
    let builder = test_bed.builder().clone().env("RELOAD_ENABLED", 1);
    let builder = settings.iter().fold(builder, |builder: ProcessBuilder, (name, value)| builder.env(name, value));
    put("3");
    let component: Process = builder.start();
    component.wait_output(&format!("MAX_RETRIES is 3 now ({store})"), SOON);
    put("4");
    component.wait_output(&format!("MAX_RETRIES is 4 now ({store})"), SOON);
    component.wait_until("it to consume", SOON, || test_bed.client.consumers(crate::test_bed::INPUT) > 0);
    test_bed.assert_echoes("with the settings of a store");
    assert!(!component.output().contains("hunter2"), "a password is in {}", component.output());
}

#[test]
fn the_component_follows_consul_with_a_token() {
    let prefix = format!("config/{NAME}");
    let Some(consul) = Consul::start_with_token(&prefix) else { return };
    let settings = [
        ("CONSUL_HOST", "127.0.0.1".to_owned()),
        ("CONSUL_PORT", consul.port().to_string()),
        ("CONSUL_HTTP_TOKEN", consul.token().to_owned()),
    ];
    assert_follows(&settings, "Consul", |value| consul.put(&format!("{prefix}/max_retries"), value));
}

#[test]
fn the_component_follows_etcd_with_a_login() {
    let etcd = Etcd::start();
    let prefix = format!("/config/{NAME}");
    etcd.put(&format!("{prefix}/max_retries"), "3");
    etcd.require_login("component", "hunter2", &prefix);
    let settings = [
        ("ETCD_HOST", "127.0.0.1".to_owned()),
        ("ETCD_PORT", etcd.port().to_string()),
        ("ETCD_USERNAME", "component".to_owned()),
        ("ETCD_PASSWORD", "hunter2".to_owned()),
    ];
    assert_follows(&settings, "etcd", |value| etcd.put(&format!("{prefix}/max_retries"), value));
}

#[test]
fn the_component_follows_version_2_of_etcd() {
    let etcd = Etcd::start_with_v2();
    let settings =
        [("ETCD_HOST", "127.0.0.1".to_owned()), ("ETCD_PORT", etcd.port().to_string()), ("ETCD_API", "2".to_owned())];
    assert_follows(&settings, "etcd", |value| etcd.put_v2(&format!("/config/{NAME}/max_retries"), value));
}

#[test]
fn of_several_prefixes_the_last_one_counts() {
    let etcd = Etcd::start();
    etcd.put("/config/all/max_retries", "9");
    etcd.put("/config/all/workers", "2");
    let settings = [
        ("ETCD_HOST", "127.0.0.1".to_owned()),
        ("ETCD_PORT", etcd.port().to_string()),
        ("KV_PREFIX", "/config/all,/config/ours".to_owned()),
    ];
    assert_follows(&settings, "etcd", |value| etcd.put("/config/ours/max_retries", value));
}
