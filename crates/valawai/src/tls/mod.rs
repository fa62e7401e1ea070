//! TLS: which servers are trusted, how this process identifies itself, and what failed, in words.
//!
//! The files are read for each connection, so that a renewed certificate is taken without a restart. There is no resumption of
//! sessions: every connection verifies the server again.

mod explanation;
mod files;
pub mod https;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, RootCertStore};

pub use explanation::{explain, failure};
pub use files::FileError;

use self::files::Loaded;

/// Whom to trust, and who this process is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The names of the settings, for messages.
    pub names: &'static Names,
    /// A file with the certificates of authorities; without it, those that the system trusts.
    pub ca_file: Option<PathBuf>,
    /// The certificate of this process, if it has one.
    pub identity: Option<Identity>,
}

/// The files of a client certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The certificate, and those between it and its authority.
    pub cert_file: PathBuf,
    /// Its private key.
    pub key_file: PathBuf,
}

/// The names of the settings.
#[derive(Debug, PartialEq, Eq)]
pub struct Names {
    /// The file of the authorities.
    pub ca: &'static str,
    /// The file of the client certificate.
    pub cert: &'static str,
    /// The file of its private key.
    pub key: &'static str,
}

/// The settings for the broker.
pub const BROKER: Names = Names { ca: "RABBITMQ_CA_FILE", cert: "RABBITMQ_CERT_FILE", key: "RABBITMQ_KEY_FILE" };

/// The settings for Consul, etcd and the MOV.
pub const HTTPS: Names = Names { ca: "HTTPS_CA_FILE", cert: "HTTPS_CERT_FILE", key: "HTTPS_KEY_FILE" };

impl Options {
    /// With the authorities of the system, and without a client certificate.
    #[must_use]
    pub fn new(names: &'static Names) -> Self {
        Self { names, ca_file: None, identity: None }
    }

    /// Reads the files.
    ///
    /// # Errors
    /// What is wrong with which file.
    pub fn client_config(&self) -> Result<Arc<ClientConfig>, FileError> {
        let mut roots = RootCertStore::empty();
        // Systems also list authorities that rustls cannot use.
        roots.add_parsable_certificates(files::authorities(self)?);
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            // ring has ciphers for them.
            .map_err(|error| FileError::new(self.names.ca, error.to_string()))?
            .with_root_certificates(roots);
        let mut config = match files::identity(self)? {
            None => builder.with_no_client_auth(),
            Some(Loaded { chain, key, .. }) => builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| FileError::new(self.names.key, explain(&error, self.names)))?,
        };
        config.resumption = Resumption::disabled();
        Ok(Arc::new(config))
    }

    /// Reads the files, to find mistakes early.
    ///
    /// # Errors
    /// What is wrong with which file.
    pub fn check(&self) -> Result<(), FileError> {
        if self.ca_file.is_some() {
            files::authorities(self)?;
        }
        files::identity(self).map(drop)
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}
