//! A virtual host, which isolates one test from the others on the same broker.

/// The address and the credentials of a virtual host.
#[derive(Debug, Clone)]
pub struct Vhost {
    /// The broker's host.
    pub host: String,
    /// The broker's AMQP port.
    pub port: u16,
    /// The broker's AMQP port with TLS, if it has one. Its certificate is of the shared authority.
    pub tls_port: Option<u16>,
    /// The user.
    pub username: String,
    /// The user's password.
    pub password: String,
    /// The virtual host's name.
    pub name: String,
}

impl Vhost {
    /// The virtual host `name` of the broker on a port of this machine, for the platform's usual user.
    pub fn new(port: u16, name: impl Into<String>) -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port,
            tls_port: None,
            username: super::USERNAME.to_owned(),
            password: super::PASSWORD.to_owned(),
            name: name.into(),
        }
    }

    /// The port that components use: with `VALAWAI_TEST_TLS` the one with TLS.
    pub fn component_port(&self) -> u16 {
        self.tls_port.filter(|_| components_use_tls()).unwrap_or(self.port)
    }

    /// The same virtual host on the node at another address.
    pub fn at_host(&self, host: &str) -> Self {
        Self { host: host.to_string(), ..self.clone() }
    }
}

/// Whether `VALAWAI_TEST_TLS` is set, to run all tests with components that use TLS.
pub(crate) fn components_use_tls() -> bool {
    std::env::var_os("VALAWAI_TEST_TLS").is_some()
}
