//! Keys in all formats, and what is said of errors.

use std::io;

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};
use testkit::Authority;

use super::{BROKER, Identity, Options, explain, failure};

/// A key of the elliptic curve P-256, and an RSA key, with certificates of their own, in files made by OpenSSL.
fn options(name: &str, format: &str) -> Options {
    let file = |kind| format!("{}/tests/tls/{name}.{kind}.pem", env!("CARGO_MANIFEST_DIR")).into();
    let identity = Identity { cert_file: file("cert"), key_file: file(format) };
    Options { identity: Some(identity), ca_file: Some(file("cert")), ..Options::new(&BROKER) }
}

#[test]
fn keys_are_read_in_all_formats() {
    for (name, format) in [("rsa", "pkcs1"), ("rsa", "pkcs8"), ("ec", "sec1"), ("ec", "pkcs8")] {
        let options = options(name, format);
        options.client_config().unwrap_or_else(|error| panic!("{name}.{format}: {error}"));
        let https = super::https::Https::new(Some(options)).config();
        assert!(https.unwrap().client_cert().is_some(), "{name}.{format}");
    }
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let mut options = options("rsa", "pkcs8");
    options.identity.as_mut().unwrap().key_file = self::options("ec", "sec1").identity.unwrap().key_file;
    let error = options.client_config().unwrap_err();
    assert_eq!(error.setting, "RABBITMQ_KEY_FILE");
    assert!(error.expected.contains("RABBITMQ_CERT_FILE"), "{error}");
}

#[test]
fn several_authorities_are_trusted_and_each_must_be_valid() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ca.pem");
    let (one, other) = (Authority::new("one"), Authority::new("other"));
    let text = |authority: &Authority| std::fs::read_to_string(authority.ca_file()).unwrap();
    std::fs::write(&file, text(&one) + &text(&other)).unwrap();
    let options = Options { ca_file: Some(file.clone()), ..Options::new(&BROKER) };
    assert_eq!(super::files::authorities(&options).unwrap().len(), 2);
    let nonsense = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    std::fs::write(&file, text(&one) + nonsense).unwrap();
    let error = options.check().unwrap_err().to_string();
    assert_eq!(error, "RABBITMQ_CA_FILE: expected valid certificates; number 2 is none");
}

#[test]
fn every_error_says_what_to_do() {
    let foreign = Error::InvalidCertificate(CertificateError::UnknownIssuer);
    let alert = |alert| Error::AlertReceived(alert);
    for (error, words) in [
        (foreign.clone(), &["is not trusted", "RABBITMQ_CA_FILE"][..]),
        (Error::InvalidCertificate(CertificateError::Expired), &["has expired", "renew it"]),
        (Error::InvalidCertificate(CertificateError::NotValidYet), &["not valid yet", "clock"]),
        (Error::InvalidCertificate(CertificateError::InvalidPurpose), &["serverAuth"]),
        (Error::InvalidMessage(InvalidMessage::InvalidContentType), &["answered without TLS", "the port"]),
        (alert(AlertDescription::CertificateRequired), &["RABBITMQ_CERT_FILE", "RABBITMQ_KEY_FILE"]),
        (alert(AlertDescription::HandshakeFailure), &["RABBITMQ_CERT_FILE", "ciphers"]),
        (alert(AlertDescription::UnknownCA), &["does not trust", "RABBITMQ_CERT_FILE"]),
        (alert(AlertDescription::CertificateExpired), &["client certificate", "has expired"]),
        (alert(AlertDescription::InternalError), &["InternalError", "log"]),
    ] {
        let text = explain(&error, &BROKER);
        assert!(words.iter().all(|word| text.contains(word)), "{error:?}: {text}");
    }
    let in_io = io::Error::new(io::ErrorKind::InvalidData, foreign.clone());
    let options = Options::new(&BROKER);
    assert_eq!(failure(&in_io, &options), Some(explain(&foreign, &BROKER)));
    let closed = failure(&io::ErrorKind::BrokenPipe.into(), &options).unwrap();
    assert!(closed.contains("the port is the one with TLS") && closed.contains("RABBITMQ_CERT_FILE"), "{closed}");
    assert_eq!(failure(&io::ErrorKind::TimedOut.into(), &options), None);
}
