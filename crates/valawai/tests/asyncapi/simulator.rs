//! The same files at the MOV's simulator, which reads them with code of its own.

use serde_json::{Value, json};

use testkit::mov::{Connection, MovSnapshot};
use testkit::wait::SOON;
use testkit::{Client, Message, Mov, Node, Vhost};

use super::{BROKEN, GOOD, NotConnected, NotForwarded, NotNotified, NotSent, Refused, read};

const REGISTER: &str = "valawai/component/register";
const UNREGISTER: &str = "valawai/component/unregister";

/// A C0 that subscribes to texts, so that the MOV connects a channel that publishes them.
const READER: &str = "
channels: { valawai/c0/reader/data/texts: { subscribe: { message: { payload: { type: string } } } } }
";

/// A MOV with the good C0, which asks questions and shows answers, and the good C2, which is notified of the questions.
struct TestBed {
    _vhost: Vhost,
    client: Client,
    mov: Mov,
    sensor: String,
    watcher: String,
}

impl TestBed {
    fn start() -> Self {
        let vhost = Node::shared().vhost();
        let (mov, client) = (Mov::start(&vhost), Client::connect(&vhost));
        let mut test_bed = Self { _vhost: vhost, client, mov, sensor: String::new(), watcher: String::new() };
        test_bed.sensor = test_bed.register("c0_sensor", &read("good", "c0_sensor"));
        test_bed.watcher = test_bed.register("c2_watches", &read("good", "c2_watches"));
        test_bed
    }

    fn send_registration(&self, name: &str, text: &str) {
        let level = name[..2].to_ascii_uppercase();
        let payload = json!({"type": level, "name": name, "version": "1.0.0", "asyncapi_yaml": text});
        self.client.publish(REGISTER, &Message::json(&payload));
    }

    /// Registers a component that the MOV accepts, and returns its id.
    fn register(&self, name: &str, text: &str) -> String {
        let before = self.mov.registrations().len();
        self.send_registration(name, text);
        let registered = |snapshot: &MovSnapshot| snapshot.registrations.get(before).map(|it| it.id.clone());
        self.mov.wait_until(&format!("the registration of {name}"), SOON, registered)
    }

    fn unregister(&self, id: &str) {
        self.client.publish(UNREGISTER, &Message::json(&json!({ "component_id": id })));
        let is_finished = |snapshot: &MovSnapshot| snapshot.live.iter().all(|registration| registration.id != id);
        self.mov.wait_until(&format!("{id} to be unregistered"), SOON, is_finished);
    }

    /// Waits for an enabled connection from a channel of `source` to one of `target`.
    fn wait_connected(&self, (source, from): (&str, &str), (target, to): (&str, &str)) -> Connection {
        let what = format!("a connection from {source} {from} to {target} {to}");
        self.mov.wait_until(&what, SOON, |snapshot| {
            let mut connections = snapshot.connections.iter().filter(|connection| connection.enabled);
            let is_it = |it: &&Connection| is_end(&it.source, source, from) && is_end(&it.target, target, to);
            connections.find(is_it).cloned()
        })
    }

    /// Registers the good C1 and waits for its connections. All connections that were requested before exist then.
    /// Returns the one with the questions.
    fn connect_good(&self) -> Connection {
        let id = self.register("c1_answers", &read("good", "c1_answers"));
        self.wait_connected((&id, "answer"), (&self.sensor, "shown"));
        let questions = self.wait_connected((&self.sensor, "asked"), (&id, "question"));
        self.unregister(&id);
        questions
    }

    fn wait_refused(&self, name: &str, text: &str) -> String {
        let before = self.mov.refusals().len();
        self.send_registration(name, text);
        let refused = |snapshot: &MovSnapshot| snapshot.refusals.get(before).map(|refusal| refusal.reason.clone());
        self.mov.wait_until(&format!("the refusal of {text}"), SOON, refused)
    }

    fn registered_channel(&self, id: &str) -> Option<String> {
        let registration = self.mov.registrations().into_iter().find(|registration| registration.id == id);
        registration.expect("the registration").registered_channel
    }

    /// The channels of the component that have no schema.
    fn channels_without_schema(&self, id: &str) -> Vec<String> {
        let (_, body) = self.mov.get(&format!("/v1/components/{id}"));
        let component: Value = serde_json::from_str(&body).expect("a component");
        let channels = component["channels"].as_array().expect("channels").iter();
        let without = channels.filter(|channel| channel.get("subscribe").or(channel.get("publish")).is_none());
        without.map(|channel| channel["name"].as_str().expect("a name").to_owned()).collect()
    }
}

fn is_end(endpoint: &testkit::mov::Endpoint, id: &str, operation: &str) -> bool {
    endpoint.component_id == id && endpoint.channel_name.ends_with(operation)
}

#[test]
fn the_simulator_agrees_on_each_defect() {
    let test_bed = TestBed::start();
    for broken in BROKEN {
        let (file, text) = (broken.file, read("broken", broken.file));
        let name = if text.contains("valawai/c2/") { "c2_x" } else { "c1_x" };
        if let Refused(expected) = broken.outcome {
            let reason = test_bed.wait_refused(name, &text);
            assert!(reason.contains(expected), "{file}.yaml is refused because {reason}, not because {expected}");
            continue;
        }
        let id = test_bed.register(name, &text);
        match broken.outcome {
            NotNotified => assert_eq!(test_bed.registered_channel(&id), None, "{file}.yaml: a notice is sent"),
            NotConnected => assert_not_connected(&test_bed, file, &id),
            NotForwarded => assert_not_forwarded(&test_bed, &id),
            NotSent => assert_not_sent(&test_bed, file, &id),
            Refused(_) => unreachable!("a refused component was registered"),
        }
        test_bed.unregister(&id);
    }
    assert_eq!(test_bed.mov.poisoned(), [""; 0]);
}

fn assert_not_connected(test_bed: &TestBed, file: &str, id: &str) {
    let question = "valawai/c1/x/data/question".to_owned();
    assert_eq!(test_bed.channels_without_schema(id), [question], "{file}.yaml: the channels without schema");
    test_bed.connect_good();
    let connections = test_bed.mov.connections();
    let connected = connections.iter().find(|connection| is_end(&connection.target, id, "question"));
    assert!(connected.is_none(), "{file}.yaml: the MOV has connected {connected:?}");
}

fn assert_not_forwarded(test_bed: &TestBed, id: &str) {
    let reader = test_bed.register("c0_reader", READER);
    let queue = test_bed.wait_connected((id, "answer"), (&reader, "texts")).source.channel_name;
    test_bed.client.publish(&queue, &Message::json(&json!("a text")));
    let is_discarding = |snapshot: &MovSnapshot| snapshot.discarding_queues.contains_key(&queue);
    test_bed.mov.wait_until(&format!("the MOV to stop forwarding {queue}"), SOON, is_discarding);
    test_bed.unregister(&reader);
}

/// The good C2 is notified of a connection, this one is not.
fn assert_not_sent(test_bed: &TestBed, file: &str, id: &str) {
    let connection = test_bed.connect_good();
    let notified: Vec<&str> = connection.notifications.iter().map(|it| it.target.component_id.as_str()).collect();
    assert!(notified.contains(&test_bed.watcher.as_str()), "{file}.yaml: the good C2 is not notified");
    assert!(!notified.contains(&id), "{file}.yaml: it is notified");
}

#[test]
fn the_simulator_notifies_and_connects_the_good_files() {
    let test_bed = TestBed::start();
    for file in GOOD {
        let id = test_bed.register(file, &read("good", file));
        assert!(test_bed.registered_channel(&id).is_some(), "{file}.yaml: no notice is sent");
        assert_eq!(test_bed.channels_without_schema(&id), [""; 0], "{file}.yaml: channels without schema");
        if file.starts_with("c1") {
            test_bed.wait_connected((&test_bed.sensor, "asked"), (&id, "question"));
        }
        if file == "c1_echo" {
            let own = |snapshot: &MovSnapshot| {
                let mut connections = snapshot.connections.iter();
                connections.find(|it| is_end(&it.source, &id, "answer") && is_end(&it.target, &id, "question")).cloned()
            };
            let own = test_bed.mov.wait_until("the connection of the echo with itself", SOON, own);
            assert!(!own.enabled, "the connection of a component with itself is enabled");
        }
        test_bed.unregister(&id);
    }
    let connection = test_bed.connect_good();
    let notified = connection.notifications.iter().any(|it| it.target.component_id == test_bed.watcher);
    assert!(notified, "c2_watches.yaml is not notified");
}
