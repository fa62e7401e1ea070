//! The configuration of the temporary broker.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

pub(super) const CONFIGURATION_FILE: &str = "rabbitmq.conf";
pub(super) const PLUGINS_FILE: &str = "enabled_plugins";
/// The certificate of the listener with TLS, its key, and the same certificate as its own authority.
const CERTIFICATE_FILE: &str = "certificate.pem";
const KEY_FILE: &str = "key.pem";
pub(crate) const CA_FILE: &str = "ca.pem";
pub(super) const USERNAME: &str = "mov";
pub(super) const PASSWORD: &str = "password";

/// The user and the virtual hosts.
const DEFINITIONS: &str = r#"{
  "users": [{"name": "mov", "password": "password", "tags": "administrator"}],
  "vhosts": [{"name": "/"}, {"name": "other"}],
  "permissions": [
    {"user": "mov", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"},
    {"user": "mov", "vhost": "other", "configure": ".*", "write": ".*", "read": ".*"}
  ]
}"#;

/// Writes all files that the broker reads at its start.
pub(super) fn write_files(folder: &Path, port: u16, tls_port: u16) -> io::Result<()> {
    let definitions = folder.join("definitions.json");
    fs::write(&definitions, DEFINITIONS)?;
    fs::write(folder.join(PLUGINS_FILE), "[].\n")?;
    fs::write(folder.join(CONFIGURATION_FILE), configuration(port, &definitions) + &tls(folder, tls_port))?;
    write_certificates(folder)?;
    write_cookie(&folder.join(".erlang.cookie"))
}

fn configuration(port: u16, definitions: &Path) -> String {
    // With a given cluster name the node does not look up its host name.
    format!(
        "listeners.tcp.1 = 127.0.0.1:{port}
load_definitions = {}
cluster_name = echo-bench
vm_memory_high_watermark.relative = 0.7
disk_free_limit.absolute = 100MB
log.console = false
log.file.level = warning
",
        definitions.display()
    )
}

fn tls(folder: &Path, port: u16) -> String {
    let [ca, certificate, key] = [CA_FILE, CERTIFICATE_FILE, KEY_FILE].map(|name| folder.join(name));
    format!(
        "listeners.ssl.1 = 127.0.0.1:{port}
ssl_options.cacertfile = {}
ssl_options.certfile = {}
ssl_options.keyfile = {}
ssl_options.verify = verify_none
",
        ca.display(),
        certificate.display(),
        key.display()
    )
}

/// Makes an authority, and its certificate for 127.0.0.1.
fn write_certificates(folder: &Path) -> io::Result<()> {
    let make = || -> Result<[String; 3], rcgen::Error> {
        let mut authority = CertificateParams::new(Vec::new())?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_key = KeyPair::generate()?;
        let ca = authority.self_signed(&authority_key)?.pem();
        let key = KeyPair::generate()?;
        let server = CertificateParams::new(vec!["127.0.0.1".to_owned()])?;
        let certificate = server.signed_by(&key, &Issuer::new(authority, authority_key))?.pem();
        Ok([ca, certificate, key.serialize_pem()])
    };
    let texts = make().map_err(io::Error::other)?;
    [CA_FILE, CERTIFICATE_FILE, KEY_FILE]
        .iter()
        .zip(texts)
        .try_for_each(|(name, text)| fs::write(folder.join(name), text))
}

fn write_cookie(path: &Path) -> io::Result<()> {
    File::create(path)?.write_all(format!("ECHOBENCH{}", process::id()).as_bytes())?;
    // Erlang rejects a cookie file that other users can read.
    fs::set_permissions(path, Permissions::from_mode(0o400))
}
