//! The settings of TLS: files of certificates and keys, which are read once here, so that a wrong one is reported at the start.

use std::path::PathBuf;

use super::parse;
use super::problems::Problem;
use super::reader::Reader;
use crate::tls::{self, Identity, Names, Options};

impl Reader<'_> {
    /// The files with these names of settings.
    pub(super) fn tls(&mut self, names: &'static Names) -> Options {
        let file = |reader: &mut Self, name: &'static str| -> Option<PathBuf> {
            reader.get(name, None, |text| parse::file(text).map(Some))
        };
        let ca_file = file(self, names.ca);
        let identity = match (file(self, names.cert), file(self, names.key)) {
            (Some(cert_file), Some(key_file)) => Some(Identity { cert_file, key_file }),
            (None, None) => None,
            (Some(_), None) => self.missing(names.key, "the private key of the certificate in", names.cert),
            (None, Some(_)) => self.missing(names.cert, "the certificate of the key in", names.key),
        };
        let options = Options { ca_file, identity, ..Options::new(names) };
        if let Err(tls::FileError { setting, expected }) = options.check() {
            self.add_problem(Problem::new(setting, expected));
        }
        options
    }

    fn missing(&mut self, name: &'static str, expected: &str, other: &str) -> Option<Identity> {
        self.add_problem(Problem::new(name, format!("{expected} {other}")));
        None
    }

    /// Reports files for a broker that nothing connects to with TLS: somebody believes that the connection is encrypted. It is no
    /// mistake if a source above them turned TLS off.
    pub(super) fn check_use_of_tls(&mut self, is_used: bool) {
        let off = ["RABBITMQ_TLS", "RABBITMQ_URL", "RABBITMQ_HOST"].map(|name| self.priority(name)).into_iter().max();
        for name in [tls::BROKER.ca, tls::BROKER.cert, tls::BROKER.key] {
            let own = self.priority(name);
            if !is_used && own.is_some() && Some(own) >= off {
                let expected = "RABBITMQ_TLS=1 or an address with amqps:// beside it, or no value".to_owned();
                self.add_problem(Problem::new(name, expected));
            }
        }
    }
}
