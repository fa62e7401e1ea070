//! A virtual host: the part of a broker that one test has for itself.

/// All that a client must know to get in.
#[derive(Debug, Clone)]
pub struct Vhost {
    pub host: String,
    pub port: u16,
    pub username: String,
    pub password: String,
    pub name: String,
}

impl Vhost {
    /// The virtual host `name` of the broker on a port of this machine, for the platform's usual user.
    pub fn at(port: u16, name: impl Into<String>) -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port,
            username: super::USERNAME.to_owned(),
            password: super::PASSWORD.to_owned(),
            name: name.into(),
        }
    }

    /// The same on the broker's node at another address.
    pub fn on(&self, host: &str) -> Self {
        Self { host: host.to_string(), ..self.clone() }
    }

    /// The same, reached through another port: a proxy that can break the line.
    pub fn through(&self, port: u16) -> Self {
        Self { port, ..self.clone() }
    }
}
