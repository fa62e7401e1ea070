//! A virtual host, which isolates one test from the others on the same broker.

/// The address and the credentials of a virtual host.
#[derive(Debug, Clone)]
pub struct Vhost {
    /// The broker's host.
    pub host: String,
    /// The broker's AMQP port.
    pub port: u16,
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
            username: super::USERNAME.to_owned(),
            password: super::PASSWORD.to_owned(),
            name: name.into(),
        }
    }

    /// The same virtual host on the node at another address.
    pub fn at_host(&self, host: &str) -> Self {
        Self { host: host.to_string(), ..self.clone() }
    }
}
