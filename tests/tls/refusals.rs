//! A broker that is not trusted, or does not trust the component: nothing is sent to it, and the log says what to do.

use testkit::certificates::OWN_NAMES;
use testkit::{Authority, Node, ProcessBuilder, TlsListener, TlsTerminator};

use super::{assert_ends, one_attempt, with_identity};

#[test]
fn a_broker_whose_certificate_is_wrong_gets_no_login() {
    let node = Node::shared();
    let vhost = node.vhost();
    let authority = Authority::shared();
    for (identity, words) in [
        (authority.expired_server(&OWN_NAMES), &["certificate has expired", "days ago", "renew it"][..]),
        (authority.server(&["mq.example", "10.0.0.1"]), &["is not for 127.0.0.1 but for mq.example, 10.0.0.1;"]),
        (authority.server(&[]), &["is not for 127.0.0.1 but for no name", "subjectAltName"]),
        (Authority::new("foreign").server(&OWN_NAMES), &["authority", "is not trusted", "RABBITMQ_CA_FILE"]),
    ] {
        let proxy = TlsTerminator::start(node.port(), &identity);
        let builder = one_attempt(&vhost).env("RABBITMQ_PORT", proxy.port());
        assert_ends(&builder, 69, &[words, &["no TLS connection with the broker at 127.0.0.1"]].concat());
        assert_eq!(proxy.received(), 0, "something was sent to a broker that is not trusted");
    }
}

#[test]
fn the_authorities_of_the_system_are_trusted_without_a_file() {
    let vhost = Node::shared().vhost();
    let ca_file = Authority::shared().ca_file().display().to_string();
    let builder = one_attempt(&vhost).env_remove("RABBITMQ_CA_FILE");
    let with_authority = builder.clone().env("SSL_CERT_FILE", ca_file).arg("ping");
    let finished = with_authority.run(crate::test_bed::SOON);
    // Nobody answers the ping, but the broker is reached.
    assert!(!finished.stderr.contains("TLS"), "{finished:?}");
    let foreign = Authority::new("foreign");
    let of_foreign = builder.clone().env("SSL_CERT_FILE", foreign.ca_file().display());
    assert_ends(&of_foreign, 69, &["is not trusted", "RABBITMQ_CA_FILE"]);
    let none = builder.env("SSL_CERT_FILE", "/no/such/file").env("SSL_CERT_DIR", "/no/such/folder");
    assert_ends(&none, 69, &["RABBITMQ_CA_FILE: expected a file", "this system has no list of authorities"]);
}

#[test]
fn tls_to_a_port_without_it_is_reported() {
    let vhost = Node::shared().vhost();
    let builder = one_attempt(&vhost).env("RABBITMQ_PORT", vhost.port);
    assert_ends(&builder, 69, &["no TLS connection", "the port is the one with TLS"]);
}

#[test]
fn no_tls_to_a_port_with_it_is_reported() {
    let vhost = Node::shared().vhost();
    let builder = ProcessBuilder::component_without_settings().plain_broker(&vhost);
    let builder = builder.env("RABBITMQ_PORT", vhost.tls_port.unwrap()).env("RABBITMQ_MAX_RETRIES", 1);
    assert_ends(&builder, 69, &["the reply is TLS", "RABBITMQ_TLS=1"]);
}

#[test]
fn a_client_certificate_that_is_missing_or_foreign_is_reported() {
    let authority = Authority::new("of clients");
    let foreign = Authority::new("foreign");
    let node = Node::start_with(&TlsListener::default().requiring_client_certificate(authority.ca_file()));
    let builder = one_attempt(&node.vhost());
    assert_ends(&builder, 69, &["no TLS connection", "requires a client certificate", "RABBITMQ_CERT_FILE"]);
    let refused = with_identity(builder.clone(), &foreign.client("mov"));
    assert_ends(&refused, 69, &["no TLS connection", "client certificate in RABBITMQ_CERT_FILE"]);
    let accepted = with_identity(builder, &authority.client("mov")).arg("inspect").arg("no-such-queue");
    assert_ends(&accepted, 1, &["no-such-queue"]);
}

#[test]
fn with_tls_1_2_a_missing_client_certificate_is_reported() {
    let listener = TlsListener::default().with_tls_1_2();
    let node = Node::start_with(&listener.requiring_client_certificate(Authority::shared().ca_file()));
    assert_ends(&one_attempt(&node.vhost()), 69, &["no TLS connection", "client certificate", "RABBITMQ_CERT_FILE"]);
}
