//! Certificates that tests make on the spot: authorities, servers and clients, good ones and bad ones.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use tempfile::TempDir;

use crate::process::reaper;

/// The names of this machine, and the addresses of the nodes of a cluster.
pub const OWN_NAMES: [&str; 4] = ["localhost", "127.0.0.1", "127.0.0.2", "127.0.0.3"];

/// Gateways such as that of etcd are clients of their own server.
const SERVER: &[ExtendedKeyUsagePurpose] = &[ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];

/// An authority with a directory for its certificates.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    ca_file: PathBuf,
    issued: AtomicU32,
    directory: TempDir,
}

/// The files of a certificate and its key.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificate.
    pub cert_file: PathBuf,
    /// Its key.
    pub key_file: PathBuf,
}

impl Authority {
    /// A new authority, which nobody trusts yet.
    pub fn new(name: &str) -> Self {
        let directory = tempfile::Builder::new().prefix("valawai-tls-").tempdir().expect("make a temporary directory");
        reaper::remove_directory_at_exit(directory.path());
        let mut params = named(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        let ca_file = directory.path().join("ca.pem");
        fs::write(&ca_file, certificate.pem()).expect("write a certificate");
        Self { issuer: Issuer::new(params, key), ca_file, issued: AtomicU32::new(0), directory }
    }

    /// The authority of all nodes that the tests of a process start.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Authority> = OnceLock::new();
        SHARED.get_or_init(|| Self::new("VALAWAI tests"))
    }

    /// The file with its own certificate.
    pub fn ca_file(&self) -> &Path {
        &self.ca_file
    }

    /// A certificate for a server with these names and addresses.
    pub fn server(&self, names: &[&str]) -> Identity {
        self.issue(named("server", names), SERVER)
    }

    /// A certificate for a server that has expired.
    pub fn expired_server(&self, names: &[&str]) -> Identity {
        let mut params = named("server", names);
        params.not_after = date_time_ymd(2020, 1, 1);
        self.issue(params, SERVER)
    }

    /// A certificate for a client with this common name.
    pub fn client(&self, name: &str) -> Identity {
        self.issue(named(name, &[]), &[ExtendedKeyUsagePurpose::ClientAuth])
    }

    fn issue(&self, mut params: CertificateParams, usages: &[ExtendedKeyUsagePurpose]) -> Identity {
        params.extended_key_usages = usages.to_vec();
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let number = self.issued.fetch_add(1, Ordering::Relaxed);
        let path = |kind| self.directory.path().join(format!("{kind}-{number}.pem"));
        let identity = Identity { cert_file: path("cert"), key_file: path("key") };
        fs::write(&identity.cert_file, certificate.pem()).expect("write a certificate");
        fs::write(&identity.key_file, key.serialize_pem()).expect("write a key");
        identity
    }
}

impl Identity {
    /// A copy of both files in `directory`, to be replaced by [`Self::renew`].
    pub fn copy_into(&self, directory: &Path) -> Self {
        let copy = Self { cert_file: directory.join("cert.pem"), key_file: directory.join("key.pem") };
        copy.renew(self);
        copy
    }

    /// Overwrites both files with those of another identity.
    pub fn renew(&self, other: &Self) {
        fs::copy(&other.cert_file, &self.cert_file).expect("copy a certificate");
        fs::copy(&other.key_file, &self.key_file).expect("copy a key");
    }
}

fn named(name: &str, names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names that are valid");
    params.distinguished_name.push(DnType::CommonName, name);
    params.use_authority_key_identifier_extension = true;
    params.not_before = date_time_ymd(2019, 1, 1);
    params.not_after = date_time_ymd(2100, 1, 1);
    params
}
