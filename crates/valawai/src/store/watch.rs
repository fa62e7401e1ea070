//! Watches a store: one thread for each prefix waits for changes there.

use std::ops::ControlFlow;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use super::prefix::PrefixReader;
use super::{Error, Options, Server, Store, Values};
use crate::broker::backoff::Backoff;

/// The first and the longest pause between attempts during an outage.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The time between two reads. Changes that follow each other faster are read together.
const READ_INTERVAL: Duration = Duration::from_millis(200);

/// The first wait after an outage, which shows that changes are noticed again.
const TRIAL: Duration = Duration::from_secs(1);

/// What the thread of a prefix read.
struct Report {
    /// The number of the prefix.
    prefix: usize,
    values: Result<Values, Error>,
    /// Whether the thread waited for changes before that.
    has_waited: bool,
}

impl Store {
    /// Calls `changed` with the values, and again each time they have changed, until it returns [`ControlFlow::Break`].
    ///
    /// Outages are logged and retried; what is below a prefix stays as it was while that prefix cannot be read. The first call
    /// needs all prefixes. A process that ends need not wait for this to return, and it returns only after a change.
    pub fn watch(self, changed: &mut dyn FnMut(Values) -> ControlFlow<()>) {
        let Self { options, readers } = self;
        let mut watched = Watched::new(&options, readers.len());
        let (sender, reports) = crossbeam_channel::bounded(readers.len());
        for (prefix, reader) in readers.into_iter().enumerate() {
            let follower =
                Follower { prefix, reader, timeout: options.timeout, period: options.period, reports: sender.clone() };
            let thread = thread::Builder::new().name(format!("store-{prefix}"));
            if let Err(error) = thread.spawn(move || follower.run()) {
                log::error!("cannot start a thread: {error}; changes in {} are not noticed", watched.server);
                return;
            }
        }
        drop(sender);
        for report in reports {
            if let Some(values) = watched.take(report)
                && changed(values).is_break()
            {
                return;
            }
        }
    }
}

/// Waits for changes below one prefix, and reports what it reads.
struct Follower {
    prefix: usize,
    reader: PrefixReader,
    timeout: Duration,
    period: Duration,
    reports: Sender<Report>,
}

impl Follower {
    /// Runs until nobody receives the reports.
    fn run(mut self) {
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        let mut wait = None;
        loop {
            let values = match wait {
                None => self.reader.read(Instant::now() + self.timeout),
                Some(limit) => self.reader.wait(limit, self.timeout),
            };
            let has_waited = wait.is_some();
            let pause = match &values {
                Ok(_) if has_waited => {
                    backoff.reset();
                    wait = Some(self.period);
                    READ_INTERVAL
                }
                Ok(_) => {
                    wait = Some(TRIAL.min(self.period));
                    Duration::ZERO
                }
                Err(_) => {
                    wait = None;
                    backoff.pause()
                }
            };
            if self.reports.send(Report { prefix: self.prefix, values, has_waited }).is_err() {
                return;
            }
            thread::sleep(pause);
        }
    }
}

/// What is known of all prefixes.
struct Watched {
    server: Server,
    values: Vec<Option<Values>>,
    is_failing: Vec<bool>,
    outage: Option<Instant>,
    last: Option<Values>,
}

impl Watched {
    fn new(options: &Options, prefixes: usize) -> Self {
        let server = Server { name: options.name(), address: options.address.clone() };
        Self { server, values: vec![None; prefixes], is_failing: vec![false; prefixes], outage: None, last: None }
    }

    /// Takes a report. Returns the values of all prefixes if they have changed.
    fn take(&mut self, report: Report) -> Option<Values> {
        let Report { prefix, values, has_waited } = report;
        match values {
            Ok(values) => {
                self.values[prefix] = Some(values);
                // After an outage, changes must be noticed again: reading may work where waiting does not.
                self.is_failing[prefix] &= !has_waited;
                self.end_outage();
                self.changed_values()
            }
            Err(error) => {
                self.is_failing[prefix] = true;
                self.begin_outage(&error);
                None
            }
        }
    }

    fn begin_outage(&mut self, error: &Error) {
        if self.outage.is_none() {
            self.outage = Some(Instant::now());
            log::warn!("{error}. What was read from {} before stays in use; retrying", self.server);
        } else {
            log::debug!("{error}");
        }
    }

    fn end_outage(&mut self) {
        if let Some(began) = self.outage
            && !self.is_failing.contains(&true)
        {
            self.outage = None;
            log::info!("{} is back after {:.0?}", self.server, began.elapsed());
        }
    }

    fn changed_values(&mut self) -> Option<Values> {
        let mut all = Values::new();
        for values in &self.values {
            all.extend(values.clone()?);
        }
        if self.last.as_ref() == Some(&all) {
            return None;
        }
        self.last = Some(all.clone());
        Some(all)
    }
}
