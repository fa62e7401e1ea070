//! The listener of a node for AMQP with TLS.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::installation::Installation;
use super::ports::Ports;
use super::vhost::components_use_tls;
use super::{Node, start_epmd, start_with_retries};
use crate::certificates::{Authority, Identity, OWN_NAMES};

/// How the listener identifies itself, and what it wants of clients.
#[derive(Debug)]
pub struct TlsListener {
    identity: Identity,
    client_ca_file: PathBuf,
    requires_client_certificate: bool,
    /// The lines that name the versions.
    versions: &'static str,
}

impl Node {
    /// Starts a node without data and with another listener for TLS.
    pub fn start_with(tls: &TlsListener) -> Self {
        let installation = Installation::find();
        start_with_retries(|| {
            let ports = Ports::choose();
            let epmd = Arc::new(start_epmd(&installation, ports));
            Self::try_start(&installation, ports, epmd, tls)
        })
    }

    /// The AMQP port with TLS on 127.0.0.1.
    pub fn tls_port(&self) -> u16 {
        self.ports.tls
    }

    /// The port that components use: with `VALAWAI_TEST_TLS` the one with TLS.
    pub fn component_port(&self) -> u16 {
        if components_use_tls() { self.ports.tls } else { self.ports.amqp }
    }
}

impl Default for TlsListener {
    /// With a certificate of the shared authority for this machine. A client certificate of the same authority is accepted, as a
    /// login too (`EXTERNAL`), but not required.
    fn default() -> Self {
        Self {
            identity: Authority::shared().server(&OWN_NAMES),
            client_ca_file: Authority::shared().ca_file().to_owned(),
            requires_client_certificate: false,
            versions: "ssl_options.versions.1 = tlsv1.3\nssl_options.versions.2 = tlsv1.2",
        }
    }
}

impl TlsListener {
    /// The same, which requires a client certificate of the authority in this file.
    pub fn requiring_client_certificate(self, client_ca_file: &Path) -> Self {
        Self { client_ca_file: client_ca_file.to_owned(), requires_client_certificate: true, ..self }
    }

    /// The same, which offers TLS 1.2 only.
    pub fn with_tls_1_2(self) -> Self {
        Self { versions: "ssl_options.versions.1 = tlsv1.2", ..self }
    }

    /// Its part of `rabbitmq.conf`.
    pub(super) fn configuration(&self, ports: Ports) -> String {
        format!(
            "listeners.ssl.1 = {address}:{port}
ssl_options.cacertfile = {ca}
ssl_options.certfile = {cert}
ssl_options.keyfile = {key}
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = {required}
{versions}
ssl_cert_login_from = common_name
auth_mechanisms.1 = PLAIN
auth_mechanisms.2 = AMQPLAIN
auth_mechanisms.3 = EXTERNAL
",
            address = ports.address,
            port = ports.tls,
            ca = self.client_ca_file.display(),
            cert = self.identity.cert_file.display(),
            key = self.identity.key_file.display(),
            required = self.requires_client_certificate,
            versions = self.versions,
        )
    }
}
