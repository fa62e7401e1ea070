//! The MOV and etcd over https.

use testkit::certificates::OWN_NAMES;
use testkit::store::Etcd;
use testkit::{Authority, Mov, Node, TlsTerminator};

use super::assert_ends;
use crate::configuration::key;
use crate::test_bed::{SOON, TestBed, wait_registered};

fn port_of(url: &str) -> u16 {
    url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
}

fn with_authority(test_bed: TestBed) -> TestBed {
    test_bed.env("HTTPS_CA_FILE", Authority::shared().ca_file().display())
}

#[test]
fn the_mov_is_asked_over_https() {
    let test_bed = TestBed::on(Node::shared()).env("REGISTER_TIMEOUT", 2);
    let mov = Mov::start(&test_bed.vhost);
    let proxy = TlsTerminator::start(port_of(mov.url()), &Authority::shared().server(&OWN_NAMES));
    let test_bed = with_authority(test_bed.env("MOV_URL", format!("https://127.0.0.1:{}", proxy.port())));
    let component = test_bed.start();
    wait_registered(&mov, &component);
    component.wait_until("a request over https", SOON, || proxy.received() > 0);
    let status = test_bed.builder().clone().arg("status").arg("--json").run(SOON);
    assert!(status.stdout.contains("\"mov"), "{status:?}");
}

#[test]
fn a_mov_that_is_not_trusted_gets_no_request() {
    let test_bed = TestBed::on(Node::shared());
    let mov = Mov::start(&test_bed.vhost);
    let proxy = TlsTerminator::start(port_of(mov.url()), &Authority::new("foreign").server(&OWN_NAMES));
    let test_bed = with_authority(test_bed.env("MOV_URL", format!("https://127.0.0.1:{}", proxy.port())));
    let command = test_bed.builder().clone().arg("mov").arg("components");
    let finished = command.run(SOON);
    assert!(finished.stderr.contains("HTTPS_CA_FILE") || finished.stdout.contains("HTTPS_CA_FILE"), "{finished:?}");
    assert_eq!(proxy.received(), 0, "a request was sent to a MOV that is not trusted");
}

#[test]
fn settings_come_from_an_etcd_that_requires_a_client_certificate() {
    let etcd = Etcd::start_requiring_client_certificate();
    etcd.put(&key("log_console_level"), "DEBUG");
    let client = Authority::shared().client("c1_echo");
    let test_bed = with_authority(TestBed::on(Node::shared()))
        .env("ETCD_HOST", "https://127.0.0.1")
        .env("ETCD_PORT", etcd.tls_port())
        .env("RELOAD_ENABLED", 1)
        .env("HTTPS_CERT_FILE", client.cert_file.display())
        .env("HTTPS_KEY_FILE", client.key_file.display());
    let component = test_bed.start();
    etcd.put(&key("workers"), "2");
    component.wait_output("WORKERS is 2 now (etcd)", SOON);
    let get = test_bed.builder().clone().arg("config").arg("get").arg("LOG_CONSOLE_LEVEL");
    assert_ends(&get, 0, &["DEBUG"]);
    let wrong = test_bed.builder().clone().env("HTTPS_KEY_FILE", "/no/such/file");
    assert_ends(&wrong, 78, &["HTTPS_KEY_FILE: expected a readable file"]);
}
