use super::*;
use crate::broker::Session;
use crate::broker::memory::{MemoryBroker, OnPublish};
use crate::component::Component;
use crate::context::Context;
use crate::exchange::Said;
use crate::failure::Failure;
use crate::mov::identity::Identity;
use crate::mov::log;

const CONTRACT: &str = "
channels:
  valawai/c1/own/control/registered: { subscribe: {} }
  valawai/c1/own/data/heartbeat: { publish: {} }
";
const HEARTBEAT: &str = "valawai/c1/own/data/heartbeat";

fn beat(_: &Context<'_>) -> Result<Option<Said>, Failure> {
    Said::json(&serde_json::json!({})).map(Some)
}

fn speaker(patience: Duration) -> Speaker {
    let component = Component::new("1.0.0", CONTRACT).every(Duration::from_secs(3600)).say("data/heartbeat", beat);
    let plan = component.check().unwrap();
    let (log, _) = log::open(::log::LevelFilter::Info, Identity::default());
    let speaker = Speaker::new(plan.sources[0].clone(), plan.says.clone().into(), log, Arc::default());
    Speaker { patience, ..speaker }
}

/// Runs `speaker` in a session, and returns how it ended, if it did so of itself.
fn run(broker: &MemoryBroker, speaker: &Speaker) -> Option<Result<(), Error>> {
    let (caller, stop) = crossbeam_channel::bounded(0);
    let (ended, end) = crossbeam_channel::bounded(1);
    let speaker = speaker.clone();
    let mut session = broker.connect().unwrap();
    let job = move |link: Result<&mut dyn Link, Error>| ended.send(speaker.run(link.unwrap(), &stop)).unwrap();
    session.spawn("speaker", crate::broker::ConsumeOn::Shared, Box::new(job)).unwrap();
    let end = end.recv_timeout(Duration::from_secs(5)).ok();
    drop(caller);
    end
}

#[test]
fn a_message_that_is_never_taken_ends_the_session_and_is_said_in_the_next_one() {
    for on_publish in [OnPublish::KeepSilent, OnPublish::Nack] {
        let (broker, speaker) = (MemoryBroker::default(), speaker(Duration::from_millis(300)));
        broker.on_publish(HEARTBEAT, on_publish);
        let end = run(&broker, &speaker);
        assert!(matches!(end, Some(Err(Error::Anew { .. }))), "{on_publish:?}: {end:?}");
        assert_eq!(speaker.state().unsaid.count(), 1, "{on_publish:?}: the message is gone");
        assert!(!speaker.vitals.is_refused(), "{on_publish:?}: it counts as refused for ever");
        broker.on_publish(HEARTBEAT, OnPublish::Confirm);
        assert!(run(&broker, &speaker).is_none(), "{on_publish:?}: the next session ended too");
        assert_eq!(speaker.state().unsaid.count(), 0, "{on_publish:?}: the message was not said in the next session");
    }
}

#[test]
fn while_a_message_is_not_taken_the_component_knows_it() {
    let (broker, speaker) = (MemoryBroker::default(), speaker(Duration::from_secs(4)));
    broker.on_publish(HEARTBEAT, OnPublish::KeepSilent);
    let seen = std::thread::scope(|scope| {
        let running = scope.spawn(|| run(&broker, &speaker));
        let mut seen = false;
        while !running.is_finished() && !seen {
            seen = speaker.vitals.is_refused();
            std::thread::sleep(Duration::from_millis(10));
        }
        broker.on_publish(HEARTBEAT, OnPublish::Confirm);
        seen
    });
    assert!(seen, "the message waits, and nothing knows it");
}
