//! The clients of key-value stores, on real ones and on a stub that answers with garbage.

mod backends;
mod changes;
mod consul;
mod etcd2;
mod etcd3;
mod garbage;
mod garbage_in_watches;
mod outages;
mod stub;
mod tls;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use testkit::{log_capture, wait_until};
use valawai::internals::store::{Address, Api, Options, Store, Values};

use testkit::wait::SOON;

const TIMEOUT: Duration = Duration::from_secs(2);
/// Longer than the limits of the tests, so that a change is not noticed for this reason.
const PERIOD: Duration = Duration::from_secs(60);

/// For tests in which a silent connection must be noticed.
const SHORT_PERIOD: Duration = Duration::from_secs(3);

/// The limit for noticing a change. It is noticed within milliseconds; a busy machine may take longer.
const NOTICED: Duration = Duration::from_secs(5);

/// Options for a store on this machine.
fn options(port: u16, api: Api, prefixes: &[&str]) -> Options {
    let prefixes = prefixes.iter().map(|&prefix| prefix.to_owned()).collect();
    let address = Address { host: "127.0.0.1".to_owned(), port };
    Options { address, tls: None, api, prefixes, timeout: TIMEOUT, period: PERIOD }
}

fn values<const N: usize>(pairs: [(&str, &str); N]) -> Values {
    BTreeMap::from(pairs.map(|(path, text)| (path.to_owned(), text.to_owned())))
}

/// A store that a thread watches, as a component does.
struct WatchedStore {
    changes: Receiver<Values>,
    port: u16,
}

impl WatchedStore {
    fn start(options: Options) -> Self {
        log_capture::start();
        let port = options.address.port;
        let (sender, changes) = crossbeam_channel::unbounded();
        thread::spawn(move || {
            Store::new(options).watch(&mut |values| match sender.send(values) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            });
        });
        Self { changes, port }
    }

    /// Waits until the values are `expected`, and returns how long it took.
    #[track_caller]
    fn wait_for(&self, expected: &Values) -> Duration {
        let began = Instant::now();
        let mut last = None;
        while let Some(rest) = SOON.checked_sub(began.elapsed()) {
            let Ok(values) = self.changes.recv_timeout(rest) else { break };
            if values == *expected {
                return began.elapsed();
            }
            last = Some(values);
        }
        panic!("the watch did not report {expected:?} within {SOON:?}; its last report was {last:?}");
    }

    #[track_caller]
    fn assert_no_change(&self) {
        let change = self.changes.try_recv();
        assert!(change.is_err(), "the watch reported {change:?} although nothing was changed");
    }

    /// How often the beginning and the end of an outage were logged.
    fn outages(&self) -> (usize, usize) {
        let port = format!("127.0.0.1:{}", self.port);
        let began = log_capture::lines_containing(&["[WARN]", &port, "retrying"]).len();
        (began, log_capture::lines_containing(&["[INFO]", &port, "is back after"]).len())
    }

    /// Waits until the outage `number` has begun.
    #[track_caller]
    fn wait_for_outage(&self, number: usize) {
        wait_until("the outage to be logged", SOON, || self.outages().0 == number);
    }

    /// Waits until `number` outages have ended. More outages than that must not have begun.
    #[track_caller]
    fn wait_for_recovery(&self, number: usize) {
        wait_until("the end of the outage to be logged", SOON, || self.outages().1 == number);
        assert_eq!(self.outages(), (number, number), "each outage is logged once when it begins and once when it ends");
    }
}

/// The lines of the log at WARN that name the port of a store.
fn warnings(port: u16, text: &str) -> usize {
    log_capture::lines_containing(&["[WARN]", &format!("127.0.0.1:{port}"), text]).len()
}
