//! temporary

use std::time::Duration;

use super::parse;
use super::reader::Reader;
use crate::secret::Secret;
use crate::store::{Address, Api, Options};

impl Reader<'_> {
    pub(super) fn store(&mut self) -> Option<Options> {
        let host = self.get("CONSUL_HOST", None, |text| parse::text(text).map(Some))?;
        let port = self.get("CONSUL_PORT", 8500, parse::number(1..=u16::MAX));
        let token = self.get("CONSUL_HTTP_TOKEN", None, |text| Ok(Some(Secret::new(text))));
        let timeout = self.get("KV_TIMEOUT", Duration::from_secs(5), parse::seconds(0.1..=600.0));
        let period = self.reload_period();
        Some(Options { address: Address { host, port }, api: Api::Consul { token }, prefixes: Vec::new(), timeout, period })
    }

    pub(super) fn reload_period(&mut self) -> Duration {
        self.get("RELOAD_CONFIG_PERIOD", Duration::from_secs(20), parse::seconds(1.0..=3600.0))
    }
}
