//! Periodic sources, `.every(…).say(…)`: whatever the author's function or the broker does, the component goes on, nothing is
//! said before it is true, and a stop is not held up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;

use valawai::internals::broker::memory::OnPublish;
use valawai::internals::broker::{Session, amqp};
use valawai::internals::process::App;
use valawai::internals::settings::Settings;
use valawai::internals::shutdown;
use valawai::{Component, Context, Failure};

use crate::kit::{ANSWER, AtWork, HEARTBEAT, QUESTION, component, with_link};
use testkit::wait::SOON;
use testkit::{Client, Node, captured, wait_until};

const OFTEN: Duration = Duration::from_millis(10);
const NEVER_AGAIN: Duration = Duration::from_secs(3600);
const UNHEARD: &str = "valawai/c1/alone/data/unheard";
const UNHEARD_CONTRACT: &str = "
channels:
  valawai/c1/alone/control/registered: { subscribe: {} }
  valawai/c1/alone/data/unheard: { publish: {} }
";

/// A component with a source that says a heartbeat each `period`, after it did `what` with the number of the tick, from 1.
fn source<F>(period: Duration, what: F) -> (Component, Arc<AtomicUsize>)
where
    F: Fn(usize, &Context) -> Result<(), Failure> + Send + Sync + 'static,
{
    let ticks = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&ticks);
    let tick = move |context: &Context| {
        let number = counted.fetch_add(1, Ordering::SeqCst) + 1;
        what(number, context)?;
        Ok(Some(json!({ "tick": number })))
    };
    (component(|| ()).every(period).publish("data/heartbeat", tick), ticks)
}

fn assert_answers(own: &AtWork) {
    let before = own.broker.depth(ANSWER).unwrap();
    own.say(QUESTION, r#"{"text": "still there?"}"#);
    own.wait_for(ANSWER, before + 1);
}

/// Waits until the MOV's log has an entry of `level` that contains `text`.
#[track_caller]
fn wait_for_entry(own: &AtWork, level: &str, text: &str) {
    wait_until(&format!("`{level} {text}` in the MOV's log"), SOON, || {
        own.mov_log().iter().any(|(own_level, message)| own_level == level && message.contains(text))
    });
}

#[test]
fn a_panic_is_reported_and_the_next_tick_comes_in_the_same_session() {
    let (component, _) = source(OFTEN, |number, _| {
        assert!(number > 2, "the sensor burnt down");
        Ok(())
    });
    let own = AtWork::start(&component);
    own.wait_for(HEARTBEAT, 3);
    wait_for_entry(&own, "ERROR", "the sensor burnt down");
    assert!(!captured::lines_with(&["[ERROR]", "the sensor burnt down"]).is_empty(), "its own log has no word of it");
    assert_eq!(own.sessions(), 1, "a panic of the source ended the session");
}

#[test]
fn a_failure_reaches_the_log_of_the_mov() {
    let (component, _) = source(OFTEN, |number, _| match number {
        1 => Err(Failure::refuse("the sensor is broken")),
        2 => Err(Failure::retry("the sensor is busy")),
        _ => Ok(()),
    });
    let own = AtWork::start(&component);
    wait_for_entry(&own, "ERROR", "Nothing is published on data/heartbeat, because the sensor is broken");
    wait_for_entry(&own, "WARN", "Nothing is published on data/heartbeat, because the sensor is busy");
    own.wait_for(HEARTBEAT, 1);
}

#[test]
fn that_nobody_listens_is_said_once_and_counted_over_all_sessions() {
    let ticks = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&ticks);
    let tick = move |_: &Context| {
        counted.fetch_add(1, Ordering::SeqCst);
        Ok(Some(json!({})))
    };
    let own = AtWork::start(&Component::new("1.0.0", UNHEARD_CONTRACT).every(OFTEN).publish("data/unheard", tick));
    let begins = || captured::lines_with(&["[WARN]", "nobody listens to", UNHEARD]).len();
    wait_until("the warning", SOON, || begins() > 0);
    own.broker.lose_all_sessions();
    let before = ticks.load(Ordering::SeqCst);
    wait_until("more ticks in another session", SOON, || ticks.load(Ordering::SeqCst) > before + 3);
    assert_eq!((begins(), own.sessions()), (1, 2), "the warning is not said once");
    with_link(&own.broker, |link| link.declare(UNHEARD).unwrap());
    own.wait_for(UNHEARD, 1);
    wait_until("the end of it", SOON, || !captured::lines_with(&["somebody listens to", UNHEARD]).is_empty());
    let end = captured::lines_with(&["somebody listens to", UNHEARD]).remove(0);
    let lost: usize = end.split(' ').find_map(|word| word.parse().ok()).expect("a count");
    assert!((before..ticks.load(Ordering::SeqCst)).contains(&lost), "after {ticks:?} ticks: {end}");
}

#[test]
fn what_is_logged_once_sent_waits_for_the_confirm_in_whatever_session_it_comes() {
    let (component, ticks) = source(NEVER_AGAIN, |_, context| {
        context.log().info("a heartbeat is made", &());
        context.log_on_confirm().info("a heartbeat is sent", &());
        Ok(())
    });
    let own = AtWork::silent(&component);
    let is_sent = || own.mov_log().iter().any(|(_, message)| message == "a heartbeat is sent");
    own.wait_for(HEARTBEAT, 1);
    wait_for_entry(&own, "INFO", "a heartbeat is made");
    own.broker.lose_all_sessions();
    own.wait_for(HEARTBEAT, 2);
    assert_answers(&own);
    assert!(!is_sent(), "it is said to be sent, and the broker has not confirmed it");
    own.broker.on_publish(HEARTBEAT, OnPublish::Confirm);
    wait_until("the word that it is sent", SOON, is_sent);
    assert_eq!(ticks.load(Ordering::SeqCst), 1);
}

#[test]
fn the_period_goes_on_over_a_reconnect() {
    let (component, ticks) = source(NEVER_AGAIN, |_, _| Ok(()));
    let own = AtWork::start(&component);
    own.wait_for(HEARTBEAT, 1);
    own.broker.lose_all_sessions();
    wait_until("another session", SOON, || own.sessions() == 2);
    assert_answers(&own);
    own.broker.lose_all_sessions();
    wait_until("a third session", SOON, || own.sessions() == 3);
    assert_answers(&own);
    assert_eq!(ticks.load(Ordering::SeqCst), 1, "the period of an hour began anew in each session");
}

#[test]
fn while_a_message_is_not_confirmed_the_source_is_not_asked() {
    let (component, ticks) = source(OFTEN, |_, _| Ok(()));
    let own = AtWork::silent(&component);
    own.wait_for(HEARTBEAT, 1);
    assert_answers(&own);
    std::thread::sleep(20 * OFTEN);
    assert_eq!(ticks.load(Ordering::SeqCst), 1, "messages pile up while the broker confirms nothing");
    own.broker.on_publish(HEARTBEAT, OnPublish::Confirm);
    own.wait_for(HEARTBEAT, 5);
}

#[test]
fn a_source_that_does_not_return_holds_up_no_stop_and_is_named() {
    let (component, ticks) = source(OFTEN, |number, _| {
        if number == 2 {
            std::thread::sleep(Duration::from_secs(60));
        }
        Ok(())
    });
    let mut own = AtWork::start(&component);
    wait_until("the tick that does not end", SOON, || ticks.load(Ordering::SeqCst) == 2);
    own.call_to_stop();
    let took = own.wait_end();
    assert!(took < Duration::from_secs(3), "the stop took {took:?}");
    let said = captured::lines_with(&["data/heartbeat", "is still running; its next message is not published"]);
    assert_eq!(said.len(), 1, "it was not said, or not once: {said:?}");
}

#[test]
fn a_source_that_takes_long_delivers_in_the_next_session() {
    let (release, released) = crossbeam_channel::bounded::<()>(0);
    let (component, ticks) = source(NEVER_AGAIN, move |_, _| released.recv().map_err(Failure::refuse));
    let own = AtWork::start(&component);
    wait_until("the tick to begin", SOON, || ticks.load(Ordering::SeqCst) == 1);
    own.broker.lose_all_sessions();
    wait_until("another session", SOON, || own.sessions() == 2);
    assert_answers(&own);
    release.send(()).unwrap();
    own.wait_for(HEARTBEAT, 1);
    assert_eq!(ticks.load(Ordering::SeqCst), 1);
}

#[test]
fn what_is_made_is_still_confirmed_at_a_stop() {
    let (component, _) = source(NEVER_AGAIN, |_, context| {
        context.log_on_confirm().info("the last heartbeat is sent", &());
        Ok(())
    });
    let mut own = AtWork::silent(&component);
    own.wait_for(HEARTBEAT, 1);
    own.call_to_stop();
    wait_until("the stop to begin", SOON, || own.broker.consumers(QUESTION) == 0);
    own.broker.on_publish(HEARTBEAT, OnPublish::Confirm);
    let took = own.wait_end();
    assert!(took < Duration::from_secs(3), "the stop took {took:?}");
    wait_for_entry(&own, "INFO", "the last heartbeat is sent");
}

#[test]
fn what_is_not_confirmed_in_time_at_a_stop_is_said_to_be_lost() {
    let (component, _) = source(NEVER_AGAIN, |_, _| Ok(()));
    let mut own = AtWork::silent(&component);
    own.wait_for(HEARTBEAT, 1);
    own.call_to_stop();
    own.wait_end();
    let said = captured::lines_with(&["1 messages for data/heartbeat were not confirmed in time"]);
    assert_eq!(said.len(), 1, "it was not said, or not once: {said:?}");
}

#[test]
fn a_message_that_is_nacked_is_said_again_until_it_is_taken() {
    let (component, ticks) = source(NEVER_AGAIN, |_, _| Ok(()));
    let own = AtWork::with_heartbeats(&component, OnPublish::Nack);
    wait_until("the refusal to be said", SOON, || {
        !captured::lines_with(&["[WARN]", "rejects messages on data/heartbeat"]).is_empty()
    });
    own.broker.on_publish(HEARTBEAT, OnPublish::Confirm);
    own.wait_for(HEARTBEAT, 1);
    assert_eq!((ticks.load(Ordering::SeqCst), own.sessions()), (1, 1));
}

#[test]
fn on_rabbitmq_it_is_told_that_nobody_listens_and_goes_on_over_a_lost_connection() {
    const CONTRACT: &str = "
channels:
  valawai/c1/real/control/registered: { subscribe: {} }
  valawai/c1/real/data/beat: { publish: {} }
";
    const BEAT: &str = "valawai/c1/real/data/beat";
    captured::start();
    let (node, folder) = (Node::shared(), tempfile::tempdir().unwrap());
    let vhost = node.vhost();
    let client = Client::connect(&vhost);
    let beat = |_: &Context| Ok(Some(json!({})));
    let component = Component::new("1.0.0", CONTRACT).every(OFTEN).publish("data/beat", beat);
    let url = format!(
        "amqp://{}:{}@{}:{}/{}",
        vhost.username,
        vhost.password,
        vhost.host,
        vhost.port,
        vhost.name.replace('/', "%2F")
    );
    let settings =
        Settings::read(&[("LOG_DIR", folder.path().to_str().unwrap()), ("RABBITMQ_URL", &url)]).expect("settings");
    let broker = settings.broker.clone();
    let connect = Arc::new(move |number| Ok(Box::new(amqp::connect(&broker, number)?) as Box<dyn Session>));
    let app = App::new(&component.check().unwrap(), &settings, connect);
    let (handle, shutdown) = shutdown::channel();
    let running = std::thread::spawn(move || app.run(&shutdown));
    wait_until("the warning", SOON, || !captured::lines_with(&["[WARN]", "nobody listens to", BEAT]).is_empty());
    client.declare(BEAT);
    wait_until("heartbeats", SOON, || client.depth(BEAT) > 2);
    wait_until("the end of the warning", SOON, || !captured::lines_with(&["somebody listens to", BEAT]).is_empty());
    node.close_connections_of(&vhost);
    let client = Client::connect(&vhost);
    let before = client.depth(BEAT);
    wait_until("heartbeats in another session", SOON, || client.depth(BEAT) > before + 2);
    drop(handle);
    assert!(matches!(running.join(), Ok(Ok(()))), "it did not stop in order");
}
