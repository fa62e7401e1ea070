//! Reads certificates and keys. No error contains a part of a file.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::{Options, explain, provider};

/// The largest file that is read, in bytes: several times that of a system's authorities.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct FileError {
    /// The setting that names the file.
    pub setting: &'static str,
    /// What was expected of it.
    pub expected: String,
}

impl FileError {
    pub(super) fn new(setting: &'static str, expected: impl Into<String>) -> Self {
        Self { setting, expected: expected.into() }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: expected {}", self.setting, self.expected)
    }
}

/// The certificates of the authorities: at least one.
pub(super) fn authorities(options: &Options) -> Result<Vec<CertificateDer<'static>>, FileError> {
    let setting = options.names.ca;
    let Some(file) = &options.ca_file else {
        let found = rustls_native_certs::load_native_certs().certs;
        let none = || {
            FileError::new(
                setting,
                "a file with the authorities to trust, because this system has no list of authorities",
            )
        };
        return if found.is_empty() { Err(none()) } else { Ok(found) };
    };
    let all = certificates(setting, file)?;
    for (index, certificate) in all.iter().enumerate() {
        let added = RootCertStore::empty().add(certificate.clone());
        added.map_err(|_| FileError::new(setting, format!("valid certificates; number {} is none", index + 1)))?;
    }
    Ok(all)
}

/// A client certificate with its key, which belong together.
pub(super) struct Loaded {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
    /// The text with the key.
    pub(super) key_text: Vec<u8>,
}

/// The client certificate, if there is one.
pub(super) fn identity(options: &Options) -> Result<Option<Loaded>, FileError> {
    let Some(identity) = &options.identity else { return Ok(None) };
    let chain = certificates(options.names.cert, &identity.cert_file)?;
    let setting = options.names.key;
    let key_text = read(setting, &identity.key_file)?;
    let key = PrivateKeyDer::from_pem_slice(&key_text);
    let key = key.map_err(|_| FileError::new(setting, expected_key(&key_text)))?;
    CertifiedKey::from_der(chain.clone(), key.clone_key(), &provider())
        .map_err(|error| FileError::new(setting, explain(&error, options.names)))?;
    Ok(Some(Loaded { chain, key, key_text }))
}

fn expected_key(text: &[u8]) -> &'static str {
    let encrypted = b"ENCRYPTED";
    if text.windows(encrypted.len()).any(|window| window == encrypted) {
        "a private key without a password; decrypt it with `openssl pkey -in key.pem -out plain.pem`"
    } else {
        "a file with a private key in PEM format (PKCS#8, PKCS#1 or SEC1)"
    }
}

fn certificates(setting: &'static str, file: &Path) -> Result<Vec<CertificateDer<'static>>, FileError> {
    let text = read(setting, file)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let all = all.map_err(|_| FileError::new(setting, "certificates in PEM format; the file is damaged"))?;
    if all.is_empty() {
        return Err(FileError::new(setting, "a file with certificates in PEM format; it contains none"));
    }
    Ok(all)
}

fn read(setting: &'static str, file: &Path) -> Result<Vec<u8>, FileError> {
    let mut text = Vec::new();
    let read = File::open(file).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut text));
    read.map_err(|error| FileError::new(setting, format!("a readable file; it cannot be read: {error}")))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(FileError::new(setting, format!("a file of at most {MAX_BYTES} bytes")));
    }
    Ok(text)
}
