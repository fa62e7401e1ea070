//! Files that are wrong stop the start, before anything is connected.

use std::fs;

use testkit::{Authority, Node, ProcessBuilder};

use super::{assert_ends, one_attempt, with_identity};

#[test]
fn a_file_that_is_wrong_is_an_invalid_setting() {
    let vhost = Node::shared().vhost();
    let authority = Authority::shared();
    let (client, other) = (authority.client("mov"), authority.client("mov"));
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let key_file = client.key_file.display().to_string();
    let text = write("text.pem", "not a certificate\n");
    let large = write("large.pem", &"x".repeat(5_000_000));
    let locked =
        write("locked.pem", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n");
    let other_key = other.key_file.display().to_string();
    let certificates: [(&str, &str, &[&str]); 9] = [
        ("RABBITMQ_CA_FILE", "/no/such/file", &["RABBITMQ_CA_FILE: expected a readable file", "No such file"]),
        ("RABBITMQ_CA_FILE", &text, &["RABBITMQ_CA_FILE: expected a file with certificates", "contains none"]),
        ("RABBITMQ_CA_FILE", &large, &["RABBITMQ_CA_FILE: expected a file of at most"]),
        ("RABBITMQ_CA_FILE", &key_file, &["RABBITMQ_CA_FILE: expected a file with certificates", "contains none"]),
        ("RABBITMQ_CERT_FILE", "/no/such/file", &["RABBITMQ_CERT_FILE: expected a readable file", "No such file"]),
        ("RABBITMQ_KEY_FILE", "/no/such/file", &["RABBITMQ_KEY_FILE: expected a readable file", "No such file"]),
        ("RABBITMQ_KEY_FILE", &text, &["RABBITMQ_KEY_FILE: expected a file with a private key"]),
        (
            "RABBITMQ_KEY_FILE",
            &locked,
            &["RABBITMQ_KEY_FILE: expected a private key without a password", "openssl pkey"],
        ),
        ("RABBITMQ_KEY_FILE", &other_key, &["RABBITMQ_KEY_FILE: expected the private key that belongs to"]),
    ];
    for (name, value, words) in certificates {
        assert_ends(&with_identity(one_attempt(&vhost), &client).env(name, value), 78, words);
    }
}

#[test]
fn settings_that_contradict_each_other_are_invalid() {
    let vhost = Node::shared().vhost();
    let authority = Authority::shared();
    let ca_file = authority.ca_file().display().to_string();
    let client = authority.client("mov");
    let plain = || ProcessBuilder::component_without_settings().plain_broker(&vhost);
    let without_use = plain().env("RABBITMQ_CA_FILE", ca_file);
    assert_ends(&without_use, 78, &["RABBITMQ_CA_FILE: expected RABBITMQ_TLS=1 or an address with amqps://"]);
    let without_key = with_identity(one_attempt(&vhost), &client).env_remove("RABBITMQ_KEY_FILE");
    assert_ends(&without_key, 78, &["RABBITMQ_KEY_FILE: expected the private key of the certificate in"]);
    let without_certificate = with_identity(one_attempt(&vhost), &client).env_remove("RABBITMQ_CERT_FILE");
    assert_ends(&without_certificate, 78, &["RABBITMQ_CERT_FILE: expected the certificate of the key in"]);
    let external = one_attempt(&vhost).env("RABBITMQ_AUTH", "external");
    assert_ends(&external, 78, &["RABBITMQ_AUTH: expected TLS, RABBITMQ_CERT_FILE and RABBITMQ_KEY_FILE"]);
    let two_schemes = plain().env("RABBITMQ_URL", "amqp://127.0.0.1").env("RABBITMQ_TLS", 1);
    assert_ends(&two_schemes, 78, &["RABBITMQ_TLS: expected the same as in RABBITMQ_URL"]);
}
