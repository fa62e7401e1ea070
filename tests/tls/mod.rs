//! The component with TLS: to the broker, to a store and to the MOV.

mod client_certificates;
mod echo;
mod files;
mod https;
mod moving;
mod operators;
mod refusals;

use std::collections::BTreeSet;

use testkit::{Finished, Identity, Node, ProcessBuilder, Vhost};

use crate::test_bed::{LONG, TestBed};

/// A test bed on a virtual host of `node`, whose component uses TLS.
fn test_bed_on(node: &Node) -> TestBed {
    TestBed::on(node).with_tls()
}

/// The component with TLS, which tries to connect once.
fn one_attempt(vhost: &Vhost) -> ProcessBuilder {
    ProcessBuilder::component(vhost).tls(vhost).env("RABBITMQ_MAX_RETRIES", 1)
}

fn with_identity(builder: ProcessBuilder, identity: &Identity) -> ProcessBuilder {
    let [cert_file, key_file] = [&identity.cert_file, &identity.key_file].map(|file| file.display().to_string());
    builder.env("RABBITMQ_CERT_FILE", cert_file).env("RABBITMQ_KEY_FILE", key_file)
}

/// Runs a process that must exit with `code` and print `words`, and no part of a key.
#[track_caller]
fn assert_ends(builder: &ProcessBuilder, code: i32, words: &[&str]) {
    let Finished { code: found, stdout, stderr, .. } = builder.run(LONG);
    let output = stdout + &stderr;
    assert_eq!(found, Some(code), "{output}");
    for word in words {
        assert!(output.contains(word), "no `{word}` in {output}");
    }
    assert!(!output.contains("PRIVATE KEY"), "a key is printed: {output}");
}

/// Whether all connections of the component are encrypted, and there are some.
fn is_encrypted(node: &Node, vhost: &Vhost) -> bool {
    let all = node.rabbitmqctl(&["list_connections", "vhost", "ssl", "client_properties"]);
    let own: Vec<&str> = all.lines().filter(|line| line.starts_with(&vhost.name) && line.contains("c1_echo")).collect();
    !own.is_empty() && own.iter().all(|line| line.split('\t').nth(1) == Some("true"))
}

/// The users of the connections to a virtual host, without doubles.
fn users(node: &Node, vhost: &Vhost) -> Vec<String> {
    let users = node.connections_of(vhost).into_iter().map(|connection| connection.user);
    users.collect::<BTreeSet<_>>().into_iter().collect()
}
