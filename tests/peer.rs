//! A C0 component, made of messages only, that the MOV connects with the echo in both directions.

use serde_json::json;
use testkit::{Client, Message, Mov, Vhost, wait_until};

use crate::test_bed::SOON;

const PUBLISHED: &str = "valawai/c0/peer/data/published";
const SUBSCRIBED: &str = "valawai/c0/peer/data/subscribed";

/// Registers the peer, and waits until the MOV has connected it with the echo.
pub(crate) fn register(client: &Client, mov: &Mov) {
    let text = json!({"type": "string"});
    let published = json!({"type": "object", "properties": {"content": text}});
    let subscribed = json!({"type": "object", "properties": {"content": text, "extra": text}});
    let asyncapi = json!({"channels": {
        PUBLISHED: {"publish": {"message": {"payload": published}}},
        SUBSCRIBED: {"subscribe": {"message": {"payload": subscribed}}},
    }});
    client.declare(SUBSCRIBED);
    let register = json!({"type": "C0", "name": "c0_peer", "version": "1.0.0", "asyncapi_yaml": asyncapi.to_string()});
    client.publish("valawai/component/register", &Message::json(&register));
    mov.wait_until("two enabled connections", SOON, |snapshot| {
        snapshot.connections.iter().filter(|connection| connection.enabled).count() == 2
    });
}

/// Asserts that the MOV forwards a message of the peer to the echo, and the reply to the peer, once.
#[track_caller]
pub(crate) fn assert_forwarded(vhost: &Vhost, content: &str) {
    let client = Client::connect(vhost);
    wait_until("the MOV to consume the peer's queue", SOON, || client.consumers(PUBLISHED) == 1);
    client.publish(PUBLISHED, &Message::json(&json!({ "content": content })));
    let reply = client.receive(SUBSCRIBED, 1, SOON).remove(0);
    assert_eq!(reply.json(), json!({ "content": content }), "the peer received another message");
}
