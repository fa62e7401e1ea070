//! The faults, each of which is over when `inject` returns.

use std::thread;
use std::time::Duration;

use fastrand::Rng;
use serde_json::json;
use testkit::{Client, Message, Node};

use super::Soak;
use crate::operating::run;
use crate::test_bed::{INPUT, LONG, SOON};

/// What goes wrong, or changes, in a soak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    BrokerIsKilled,
    BrokerIsRestarted,
    BrokerFreezes,
    ConnectionsAreClosed,
    MemoryAlarm,
    NetworkIsSilent,
    ReplicaIsKilled,
    ReplicaIsReplaced,
    MovIsRestarted,
    StoreIsKilled,
    SettingsChange,
    RoutesChange,
    ChannelIsPaused,
    InvalidMessages,
    LargeMessages,
    TapIsOpened,
}

impl Fault {
    pub(super) const ALL: [Self; 16] = [
        Self::BrokerIsKilled,
        Self::BrokerIsRestarted,
        Self::BrokerFreezes,
        Self::ConnectionsAreClosed,
        Self::MemoryAlarm,
        Self::NetworkIsSilent,
        Self::ReplicaIsKilled,
        Self::ReplicaIsReplaced,
        Self::MovIsRestarted,
        Self::StoreIsKilled,
        Self::SettingsChange,
        Self::RoutesChange,
        Self::ChannelIsPaused,
        Self::InvalidMessages,
        Self::LargeMessages,
        Self::TapIsOpened,
    ];

    /// The faults with these names, separated by commas, or all.
    pub(super) fn chosen(names: Option<&str>) -> Vec<Self> {
        let is_chosen =
            |fault: &Self| names.is_none_or(|names| names.split(',').any(|name| name == format!("{fault:?}")));
        Self::ALL.into_iter().filter(is_chosen).collect()
    }

    /// Injects the fault, and ends it after a random time.
    pub(super) fn inject(self, soak: &mut Soak, rng: &mut Rng) {
        let node: &Node = &soak.node;
        match self {
            Self::BrokerIsKilled => {
                node.kill();
                last(rng, 3);
                node.start_again();
            }
            Self::BrokerIsRestarted => {
                node.stop_gracefully();
                node.start_again();
            }
            Self::BrokerFreezes => {
                node.freeze();
                last(rng, 15);
                node.thaw();
            }
            Self::ConnectionsAreClosed => node.close_all_connections(),
            Self::MemoryAlarm => {
                node.set_memory_alarm(true);
                last(rng, 15);
                node.set_memory_alarm(false);
            }
            Self::NetworkIsSilent => {
                soak.proxy.drop_traffic(true);
                last(rng, 15);
                soak.proxy.drop_traffic(false);
            }
            Self::ReplicaIsKilled => {
                soak.replica.kill();
                last(rng, 3);
                soak.replica = soak.replica_builder.start();
            }
            Self::ReplicaIsReplaced => {
                soak.replica.terminate();
                let exit = soak.replica.wait_exit(SOON);
                assert_eq!(exit.code(), Some(0), "the stopped replica: {}", soak.replica.output());
                soak.replica = soak.replica_builder.start();
            }
            Self::MovIsRestarted => {
                soak.mov.stop();
                last(rng, 5);
                soak.mov.start_again();
            }
            Self::StoreIsKilled => {
                soak.configured.etcd.kill();
                last(rng, 5);
                soak.configured.etcd.start_again();
            }
            Self::SettingsChange => change_settings(soak, rng),
            Self::RoutesChange => change_routes(soak, rng),
            Self::ChannelIsPaused => pause(soak, rng),
            Self::InvalidMessages => {
                let client = Client::connect(&soak.vhost);
                for body in ["", "nonsense", "[]", r#"{"content": 1}"#, "\u{0}"] {
                    client.publish(INPUT, &Message::bare(body).persistent());
                }
            }
            Self::LargeMessages => {
                let client = Client::connect(&soak.vhost);
                let content = json!({ "content": "x".repeat(rng.usize(5_000_000..14_000_000)) });
                client.publish_many(INPUT, 3, |_| Message::json(&content).message_id("0").persistent());
            }
            Self::TapIsOpened => {
                let observed = run(&soak.vhost, "monitor --count 20 --idle 10 --json");
                assert!(
                    matches!(observed.code, Some(0)),
                    "the monitor ended with {:?}: {}",
                    observed.code,
                    observed.stderr
                );
            }
        }
    }
}

/// Waits for a random time of up to `seconds`.
fn last(rng: &mut Rng, seconds: u64) {
    thread::sleep(Duration::from_millis(rng.u64(100..seconds * 1000)));
}

/// Changes some settings to random values, which each replica takes up.
fn change_settings(soak: &Soak, rng: &mut Rng) {
    let mut changes = vec![
        ("workers", rng.u32(1..4)),
        ("rabbitmq_prefetch", rng.u32(1..2000)),
        ("retry_ttl", rng.u32(50..500)),
        ("channels/data/received_message/prefetch", rng.u32(1..500)),
        ("tap_max_rate", rng.u32(1..2000)),
    ];
    rng.shuffle(&mut changes);
    for (path, value) in changes.into_iter().take(3) {
        soak.put(path, &value.to_string());
    }
}

/// Adds, changes or removes a route that consumes and one that copies.
fn change_routes(soak: &Soak, rng: &mut Rng) {
    let consumers = (0..rng.usize(..3)).map(|number| {
        json!({ "name": format!("in-{number}"), "type": "consumer", "queue": format!("route-{number}"),
                "prefetch": rng.u32(1..100) })
    });
    let routes: Vec<_> = consumers.collect();
    soak.put("queue_config", &json!(routes).to_string());
}

/// Pauses the channel in all processes, and lets them go on.
fn pause(soak: &Soak, rng: &mut Rng) {
    let order = |order: &str| {
        testkit::wait_until(&format!("two processes to {order}"), LONG, || {
            run(&soak.vhost, &format!("control {order} received_message --count 2")).code == Some(0)
        });
    };
    order("pause");
    last(rng, 3);
    order("resume");
}
