//! https through ureq.

use rustls::pki_types::CertificateDer;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig, TlsProvider};

use super::files::{self, Loaded};
use super::{FileError, Options, explain, failure, provider};

/// How one server is reached: with TLS or without.
#[derive(Debug)]
pub struct Https {
    tls: Option<Options>,
}

impl Https {
    /// With `tls` or without.
    #[must_use]
    pub fn new(tls: Option<Options>) -> Self {
        Self { tls }
    }

    /// The scheme of the server's URL.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// The configuration for one call. It has read the files again.
    ///
    /// # Errors
    /// What is wrong with which file.
    pub fn config(&self) -> Result<TlsConfig, FileError> {
        self.tls.as_ref().map_or_else(|| Ok(TlsConfig::default()), tls_config)
    }

    /// Why a call failed, if the reason is TLS.
    #[must_use]
    pub fn failure(&self, error: &ureq::Error) -> Option<String> {
        let options = self.tls.as_ref()?;
        match error {
            ureq::Error::Io(error) => failure(error, options),
            ureq::Error::Rustls(error) => Some(explain(error, options.names)),
            ureq::Error::Tls(reason) => Some((*reason).to_owned()),
            _ => None,
        }
    }
}

/// Whether `body` is how servers answer http where they expect https.
#[must_use]
pub fn is_wanted(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&body[..body.len().min(200)]);
    text.contains("HTTP request to an HTTPS server") || text.contains("plain HTTP request was sent to HTTPS port")
}

fn tls_config(options: &Options) -> Result<TlsConfig, FileError> {
    let own = |certificate: &CertificateDer<'static>| Certificate::from_der(certificate.as_ref()).to_owned();
    let roots: Vec<_> = files::authorities(options)?.iter().map(own).collect();
    let identity = files::identity(options)?.map(|Loaded { chain, key_text, .. }| {
        let chain: Vec<_> = chain.iter().map(own).collect();
        let key = PrivateKey::from_pem(&key_text).map_err(|_| FileError::new(options.names.key, "a private key"));
        key.map(|key| ClientCert::new_with_certs(&chain, key))
    });
    Ok(TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(provider())
        .root_certs(RootCerts::new_with_certs(&roots))
        .client_cert(identity.transpose()?)
        .build())
}
