//! Random faults with every feature in use: no message is lost, the memory stays flat, and one registration is live.
//!
//! By default each fault is injected once, in a random order. `VALAWAI_SOAK_MINUTES` sets how long it goes on,
//! `VALAWAI_SOAK_SEED` repeats the faults of an earlier run, and `VALAWAI_SOAK_FAULTS` names the only ones (docs/soak.md).

mod faults;
mod load;
mod report;

use std::env;
use std::fs;
use std::str::FromStr;
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::json;
use testkit::{Mov, Node, Process, ProcessBuilder, Proxy, Vhost, wait_until};

use self::faults::Fault;
use self::load::Load;
use self::report::Report;
use crate::configuration::{Configured, key};
use crate::test_bed::{LONG, NAME, TestBed};

/// A component of two replicas, with everything it may talk to.
struct Soak {
    node: Node,
    vhost: Vhost,
    /// The network between the components and the broker.
    proxy: Proxy,
    mov: Mov,
    configured: Configured,
    /// The replica that lives from the beginning to the end.
    survivor: Process,
    /// The replica that is killed and replaced.
    replica: Process,
    replica_builder: ProcessBuilder,
}

impl Soak {
    fn start() -> Self {
        let node = Node::start();
        let proxy = Proxy::start(node.port());
        let vhost = node.vhost();
        let mov = Mov::start(&vhost);
        let test_bed = TestBed::in_vhost(vhost.clone()).with_quiet_logs();
        let configured = Configured::on(test_bed)
            .env("RABBITMQ_PORT", proxy.port())
            .env("MOV_URL", mov.url())
            .env("KV_TIMEOUT", 1)
            .env("RELOAD_CONFIG_PERIOD", 1)
            .env("WORKERS", 2)
            .env("RETRY_TTL", 100)
            .env("CHAOS_PERCENTAGE_SIMULATE_FAILURES", 0.001)
            .env("CHAOS_PERCENTAGE_SIMULATE_NACK", 0.0005)
            .env("QUEUE_CONFIG", json!([{ "name": "in-0", "type": "consumer", "queue": "route-0" }]));
        let survivor = configured.test_bed.start();
        let replica_builder = configured.test_bed.builder().clone().in_new_directory();
        let replica = replica_builder.start();
        let soak = Self { node, vhost, proxy, mov, configured, survivor, replica, replica_builder };
        soak.wait_settled();
        soak
    }

    /// Waits until both replicas are healthy under the one live registration.
    #[track_caller]
    fn wait_settled(&self) {
        for process in [&self.survivor, &self.replica] {
            process.wait_until("the health file to have the id of the one live registration", LONG, || {
                let live = self.mov.live_of(NAME);
                let health_file = fs::read_to_string(process.health_file()).unwrap_or_default();
                live.len() == 1 && health_file.contains(&live[0].id)
            });
        }
    }

    /// Writes a setting to the store, once the store takes it.
    fn put(&self, path: &str, value: &str) {
        self.configured.etcd.put(&key(path), value);
    }
}

#[test]
fn random_faults_lose_no_message_and_leak_no_memory() {
    let seed = variable("VALAWAI_SOAK_SEED").unwrap_or_else(|| fastrand::u64(..));
    let duration = Duration::from_secs(60 * variable("VALAWAI_SOAK_MINUTES").unwrap_or(0));
    let chosen = Fault::chosen(variable::<String>("VALAWAI_SOAK_FAULTS").as_deref());
    println!("VALAWAI_SOAK_SEED={seed}");
    let (mut soak, load, mut rng) = (Soak::start(), Load::default(), Rng::with_seed(seed));
    let (began, mut report) = (Instant::now(), Report::default());
    let vhost = soak.vhost.clone();
    thread::scope(|scope| {
        // Also if an assertion fails.
        let end = End(&load);
        load.run(scope, &vhost, rng.u64(..));
        loop {
            let mut faults = chosen.clone();
            rng.shuffle(&mut faults);
            for fault in faults {
                println!("{:>6.1} s: {fault:?}", began.elapsed().as_secs_f64());
                fault.inject(&mut soak, &mut rng);
                soak.wait_settled();
                wait_for_replies(&soak, &load, fault);
                report.add(fault, soak.survivor.rss_kb());
            }
            if began.elapsed() >= duration {
                break;
            }
        }
        drop(end);
    });
    report.print(&load, &soak.survivor, began.elapsed());
    assert!(soak.mov.poisoned().is_empty(), "the MOV cannot read {:?}", soak.mov.poisoned());
    report.assert_memory_is_flat();
    for process in [&soak.survivor, &soak.replica] {
        process.terminate();
        assert_eq!(process.wait_exit(LONG).code(), Some(0), "{}", process.output());
    }
    wait_until("the registration to end", LONG, || soak.mov.live_of(NAME).is_empty());
}

/// Waits until each message that was confirmed so far has its reply, and 100 more are confirmed.
#[track_caller]
fn wait_for_replies(soak: &Soak, load: &Load, fault: Fault) {
    let before = load.confirmed();
    soak.survivor.wait_until("the load to go on", LONG, || load.confirmed() >= before + 100);
    let end = load.confirmed();
    let replied = testkit::poll(LONG, || load.missing(end) == 0);
    assert!(replied.is_some(), "after {fault:?}, {} of {end} confirmed messages have no reply", load.missing(end));
}

/// Ends the load when it is dropped.
struct End<'l>(&'l Load);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

fn variable<T: FromStr>(name: &str) -> Option<T> {
    let value = env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} is {value}, which is not a number")))
}
