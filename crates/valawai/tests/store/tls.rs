//! Stores that are reached with TLS. The tests on all stores run on an etcd with TLS as well.

use testkit::certificates::OWN_NAMES;
use testkit::{Authority, Etcd, Identity, TlsTerminator};
use valawai::internals::store::{Api, Options, Store};
use valawai::internals::tls;

use super::stub::Stub;
use super::{options, values};

const PREFIX: &str = "/config/c1_echo";

/// The same store with TLS, and with the authority of the tests.
pub(super) fn with_tls(options: Options) -> Options {
    let ca_file = Some(Authority::shared().ca_file().to_owned());
    Options { tls: Some(tls::Options { ca_file, ..tls::Options::new(&tls::HTTPS) }), ..options }
}

fn with_identity(mut options: Options, Identity { cert_file, key_file }: Identity) -> Options {
    options.tls.as_mut().expect("options with TLS").identity = Some(tls::Identity { cert_file, key_file });
    options
}

fn etcd_options(port: u16) -> Options {
    options(port, Api::Etcd3 { login: None }, &[PREFIX])
}

#[track_caller]
fn assert_refused(options: Options, words: &[&str]) {
    let error = Store::new(options).load().expect_err("the store was read").to_string();
    for word in words {
        assert!(error.contains(word), "`{error}` does not contain `{word}`");
    }
}

#[test]
fn a_client_certificate_is_sent_when_the_store_requires_one() {
    let etcd = Etcd::start_requiring_client_certificate();
    etcd.put(&format!("{PREFIX}/workers"), "2");
    let options = with_tls(etcd_options(etcd.tls_port()));
    assert_refused(options.clone(), &["no TLS connection with etcd at 127.0.0.1", "HTTPS_CERT_FILE"]);
    let mut store = Store::new(with_identity(options, Authority::shared().client("c1_echo")));
    assert_eq!(store.load().unwrap(), values([("workers", "2")]));
}

#[test]
fn consul_is_read_over_https() {
    let body = r#"[{"Key": "config/c1_echo/workers", "Value": "Mg=="}]"#;
    let stub = Stub::answering("200 OK", "X-Consul-Index: 7\r\n", body);
    let proxy = TlsTerminator::start(stub.port(), &Authority::shared().server(&OWN_NAMES));
    let options = with_tls(options(proxy.port(), Api::Consul { token: None }, &[PREFIX]));
    assert_eq!(Store::new(options).load().unwrap(), values([("workers", "2")]));
}

#[test]
fn a_store_that_is_not_trusted_gets_no_request() {
    let authority = Authority::shared();
    let stub = Stub::answering("200 OK", "", "{}");
    for (identity, words) in [
        (authority.expired_server(&OWN_NAMES), &["has expired", "renew it"][..]),
        (authority.server(&["other.example"]), &["is not for 127.0.0.1 but for other.example"]),
        (Authority::new("foreign").server(&OWN_NAMES), &["authority", "HTTPS_CA_FILE"]),
    ] {
        let proxy = TlsTerminator::start(stub.port(), &identity);
        assert_refused(with_tls(etcd_options(proxy.port())), words);
        assert_eq!(proxy.received(), 0, "a request was sent to a server that is not trusted");
    }
    assert_eq!(stub.paths(), Vec::<String>::new());
}

#[test]
fn http_and_https_are_told_apart_in_both_directions() {
    let etcd = Etcd::start();
    assert_refused(
        with_tls(etcd_options(etcd.port())),
        &["no TLS connection with etcd", "the port is the one with TLS"],
    );
    assert_refused(etcd_options(etcd.tls_port()), &["whether it wants https"]);
}
