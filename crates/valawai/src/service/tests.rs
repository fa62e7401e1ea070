use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::leases::Leases;
use super::protocol::{Content, Request};
use super::{Options, Service};
use crate::asyncapi::Direction;
use crate::mov::component_info::ComponentInfo;
use crate::mov::identity::Identity;
use crate::operations::Operations;
use crate::operations::tap::What;

fn service(stopped: &Arc<AtomicBool>) -> (Service, Operations) {
    let channels = [
        ("valawai/c1/echo/control/registered", Direction::Consume),
        ("valawai/c1/echo/data/a", Direction::Consume),
        ("valawai/c1/echo/data/b", Direction::Consume),
        ("valawai/c1/echo/data/out", Direction::Publish),
    ];
    let channels = channels.map(|(name, direction)| (name.parse().unwrap(), direction)).to_vec();
    let operations = Operations::new(["data/a", "data/b", "data/out"]);
    let stopped = Arc::clone(stopped);
    let options = Options {
        info: ComponentInfo { channels, ..ComponentInfo::example() },
        identity: Identity::default(),
        operations: operations.clone(),
        settings: Vec::new(),
        configure: None,
        stop: Arc::new(move || stopped.store(true, Ordering::SeqCst)),
    };
    (Service::new(options), operations)
}

fn pause(channel: Option<&str>) -> Request {
    Request::Pause { channel: channel.map(str::to_owned), seconds: None }
}

#[track_caller]
fn assert_refused(content: &Content, reason: &str) {
    let Content::Refused { reason: found } = content else { panic!("{content:?} is no refusal") };
    assert!(found.contains(reason), "{found}");
}

#[test]
fn a_pause_is_for_one_channel_or_all_data_channels() {
    let (service, operations) = service(&Arc::default());
    service.obey(pause(Some("data/a")));
    assert!(operations.pauses.contains("data/a") && !operations.pauses.contains("data/b"));
    service.obey(pause(None));
    assert!(operations.pauses.contains("data/b"));
    assert!(!operations.pauses.contains("control/registered"), "the registration cannot be paused");
    service.obey(Request::Resume { channel: None });
    assert!(!operations.pauses.contains("data/a") && !operations.pauses.contains("data/b"));
}

#[test]
fn a_channel_that_is_not_consumed_cannot_be_paused() {
    let (service, _) = service(&Arc::default());
    for channel in ["data/out", "data/unknown", "control/registered", ""] {
        assert_refused(&service.obey(pause(Some(channel))), "does not consume");
    }
}

#[test]
fn an_unknown_level_is_refused() {
    let (service, _) = service(&Arc::default());
    let order = Request::LogLevel { level: "LOUD".into(), target: None, seconds: None };
    assert_refused(&service.obey(order), "is no level");
}

#[test]
fn an_order_can_stop_the_process() {
    let stopped = Arc::default();
    let (service, _) = service(&stopped);
    service.obey(Request::Stop {});
    assert!(stopped.load(Ordering::SeqCst));
}

#[test]
fn an_observer_gets_what_it_wants_until_its_lease_ends() {
    let (_, operations) = service(&Arc::default());
    let mut leases = Leases::new(&operations.tap);
    leases.renew("a", true, false, 10);
    leases.renew("b", false, true, 20);
    operations.tap.add(What::Received, "q", None, b"{}");
    operations.tap.add(What::Log, "INFO", None, b"text");
    let observers: Vec<String> = leases.take(10).into_iter().map(|(observer, _)| observer).collect();
    assert_eq!(observers, ["a", "b"]);
    leases.end_expired(std::time::Instant::now() + std::time::Duration::from_secs(15));
    assert!(!operations.tap.wants_messages() && operations.tap.wants_logs(), "the first lease has ended");
    leases.renew("b", false, true, 0);
    assert!(leases.is_empty() && !operations.tap.wants_logs());
}

#[test]
fn the_number_of_observers_is_limited() {
    let (_, operations) = service(&Arc::default());
    let mut leases = Leases::new(&operations.tap);
    let contents: Vec<Content> = (0..9).map(|number| leases.renew(&number.to_string(), true, false, 10)).collect();
    assert!(contents[..8].iter().all(|content| matches!(content, Content::Done { .. })));
    assert_refused(&contents[8], "observe this process already");
}
