use serde_json::{Value, json};

use super::*;
use crate::broker::memory::{MemoryBroker, with_link};
use crate::message::Message;

const CHANNEL: &str = "valawai/c2/comfort/control/sent_temperature";
const CONNECTION: &str = "75a0b1c2d3e4f5061728394a";

fn id() -> Id {
    "65a0b1c2d3e4f5061728394a".parse().unwrap()
}

/// A broker on which the queues of the MOV exist.
fn broker() -> MemoryBroker {
    let broker = MemoryBroker::default();
    for queue in [payloads::TOPOLOGY_QUERY, payloads::NOTIFICATION_CHANGE] {
        broker.declare(queue);
    }
    broker
}

/// The bodies of the messages in `queue`.
fn bodies(broker: &MemoryBroker, queue: &str) -> Vec<Value> {
    broker.messages(queue).iter().map(|message| serde_json::from_slice(&message.body).unwrap()).collect()
}

/// The notifications of a process that starts, after it has checked them for `seconds`. The MOV answers each query with one that
/// is disabled, if it `answers`.
fn checked_for(seconds: u64, broker: &MemoryBroker, done: Option<Id>, answers: bool) -> LateNotifications {
    let mov = broker.clone();
    with_link(broker, move |link| {
        let mut notifications = LateNotifications::new(vec![CHANNEL.into()]);
        let start = Instant::now();
        notifications.session_opened(done, start);
        for second in 0..=seconds {
            let now = start + Duration::from_secs(second);
            let mut check = |notifications: &mut LateNotifications| {
                notifications.check(link, &ComponentInfo::example(), &id(), now).unwrap();
            };
            check(&mut notifications);
            if answers && notifications.pending.is_some() {
                answer(&mov);
                while notifications.pending.is_some() {
                    check(&mut notifications);
                }
            }
        }
        notifications
    })
}

/// Answers the last query.
fn answer(broker: &MemoryBroker) {
    let query = bodies(broker, payloads::TOPOLOGY_QUERY).pop().expect("a query");
    let notification = json!({ "target": { "component_id": id(), "channel_name": CHANNEL }, "enabled": false });
    let connections = json!([{ "id": CONNECTION, "notifications": [notification] }]);
    let page = json!({ "query_id": query["id"], "total": 1, "connections": connections });
    broker.add(payloads::TOPOLOGY_PAGE, Message::from(&*page.to_string()));
}

#[test]
fn a_registration_that_is_kept_before_it_is_done_enables_its_notifications() {
    let broker = broker();
    let notifications = checked_for(20, &broker, None, true);
    let target = json!({ "component_id": id(), "channel_name": CHANNEL });
    let enable = json!({ "action": "ENABLE", "connection_id": CONNECTION, "target": target });
    assert_eq!(bodies(&broker, payloads::NOTIFICATION_CHANGE), vec![enable; QUERIES_AFTER.len()]);
    assert!(notifications.is_done(&id()), "it is not done after the last answer");
}

#[test]
fn a_registration_that_is_done_enables_nothing_again() {
    let broker = broker();
    let notifications = checked_for(60, &broker, Some(id()), true);
    assert_eq!(broker.depth(payloads::TOPOLOGY_QUERY), Some(0), "a notification that was disabled later is enabled");
    assert!(notifications.is_done(&id()), "it is not done any more");
}

#[test]
fn it_is_done_when_the_last_query_is_answered() {
    let early = checked_for(19, &broker(), None, true);
    assert!(!early.is_done(&id()), "it is done before the last query");
    let broker = broker();
    let mut unanswered = checked_for(60, &broker, None, false);
    assert!(!unanswered.is_done(&id()), "it is done without an answer");
    let queries = broker.depth(payloads::TOPOLOGY_QUERY);
    let now = Instant::now();
    unanswered.session_opened(None, now);
    with_link(&broker, move |link| unanswered.check(link, &ComponentInfo::example(), &id(), now).unwrap());
    assert_eq!(broker.depth(payloads::TOPOLOGY_QUERY), queries.map(|queries| queries + 1), "it gave up");
}
