//! Reads what is below one prefix, whatever the store.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::entries::Entries;
use super::{Error, Server, Values};
use crate::escaped::Escaped;

/// The maximum number of ignored keys that are named in the log at a time.
const MAX_NAMED: usize = 10;

/// Reads one prefix of a store.
pub(super) trait Client: Send {
    /// Reads everything below the prefix.
    fn read(&mut self, deadline: Instant) -> Result<Entries, Error>;

    /// Waits for a change since the last read, at most for `limit`. Returns what was read if the store answers with it,
    /// otherwise the caller reads. It may return without a change.
    fn wait(&mut self, limit: Duration) -> Result<Option<Entries>, Error>;
}

/// Reads one prefix, and reports once what is wrong there.
pub(super) struct PrefixReader {
    client: Box<dyn Client>,
    server: Server,
    prefix: String,
    ignored: BTreeMap<String, String>,
    is_empty: bool,
}

impl PrefixReader {
    pub(super) fn new(client: Box<dyn Client>, server: Server, prefix: &str) -> Self {
        Self { client, server, prefix: prefix.to_owned(), ignored: BTreeMap::new(), is_empty: false }
    }

    /// Reads everything below the prefix.
    pub(super) fn read(&mut self, deadline: Instant) -> Result<Values, Error> {
        let entries = self.client.read(deadline)?;
        Ok(self.report(entries))
    }

    /// Waits for a change, at most for `limit`, and reads within `timeout` after that. Something that did not change may
    /// be read.
    pub(super) fn wait(&mut self, limit: Duration, timeout: Duration) -> Result<Values, Error> {
        match self.client.wait(limit)? {
            Some(entries) => Ok(self.report(entries)),
            None => self.read(Instant::now() + timeout),
        }
    }

    /// Warns of what is new of the keys that are ignored, and if there is nothing any more.
    fn report(&mut self, entries: Entries) -> Values {
        let Self { server, prefix, .. } = self;
        let prefix = Escaped(prefix.as_str());
        let new = entries.ignored.iter().filter(|(key, _)| !self.ignored.contains_key(*key));
        for (key, reason) in new.clone().take(MAX_NAMED) {
            log::warn!("{key} below {prefix} in {server} is ignored: {reason}");
        }
        if let more @ 1.. = new.count().saturating_sub(MAX_NAMED) {
            log::warn!("{more} more keys below {prefix} in {server} are ignored");
        }
        let is_empty = entries.values.is_empty() && entries.ignored.is_empty();
        if is_empty && !self.is_empty {
            log::warn!("{server} has nothing below {prefix}, or the login may not read it; it sets nothing");
        }
        (self.ignored, self.is_empty) = (entries.ignored, is_empty);
        entries.values
    }
}
