//! What an outage of the broker does to the MOV simulator: its forwarding survives, but not a component that registers anew.

use serde_json::{Value, json};

use super::components::{SOON, Scene, asyncapi};
use testkit::{Client, Message, Mov, Node, wait_until};

const SAID: &str = "valawai/c0/source/data/out";
const HEARD: &str = "valawai/c1/target/data/in";
const OTHER: &str = "valawai/c0/other/data/out";
const CHANGE: &str = "valawai/topology/change";

/// A C0 that says what a C1 hears.
struct Pair {
    source: String,
    target: String,
}

impl Pair {
    fn register(scene: &Scene) -> Self {
        scene.client.declare(HEARD);
        let pair = Self { source: register_source(scene, "source"), target: register_target(scene) };
        scene.wait_enabled(1);
        wait_until("the MOV to listen", SOON, || scene.client.consumers(SAID) == 1);
        pair
    }
}

fn register_source(scene: &Scene, name: &str) -> String {
    scene.register("C0", &format!("c0_{name}"), &asyncapi("c0", name, "unused_a", "word"))
}

fn register_target(scene: &Scene) -> String {
    scene.register("C1", "c1_target", &asyncapi("c1", "target", "word", "unused_b"))
}

/// Closes all connections to the broker, waits until the MOV is back, and connects anew.
fn interrupt(scene: &mut Scene) {
    let before = scene.mov.snapshot().reconnects;
    Node::shared().close_connections_of(&scene.vhost);
    scene.mov.wait_until("the MOV to be back", SOON, |snapshot| snapshot.connected && snapshot.reconnects > before);
    scene.client = Client::connect(&scene.vhost);
    wait_until("the MOV to listen again", SOON, || scene.client.consumers(SAID) == 1);
}

fn change(scene: &Scene, action: &str, connection: &str) {
    scene.send(CHANGE, &json!({"action": action, "connection_id": connection}));
    scene.mov.wait_until(&format!("{connection} to obey {action}"), SOON, |snapshot| {
        snapshot.connections.iter().any(|it| it.id == connection && it.enabled == (action == "ENABLE"))
    });
}

#[track_caller]
fn assert_forwards(scene: &Scene, queue: &str, copies: usize) {
    scene.client.publish(queue, &Message::json(&json!({"word": "passes"})));
    assert!(scene.client.expect(HEARD, copies, SOON).iter().all(|it| it.json() == json!({"word": "passes"})));
}

/// Everything looks as it should, and nothing is forwarded.
#[track_caller]
fn assert_deaf(scene: &Scene, queue: &str) {
    let snapshot = scene.mov.wait_until(&format!("{queue} to be dead"), SOON, |snapshot| {
        snapshot.dead_taps.contains_key(queue).then(|| snapshot.clone())
    });
    wait_until("the MOV's consumer to go", SOON, || scene.client.consumers(queue) == 0);
    let enabled = snapshot.connections.iter().filter(|it| it.enabled && !it.deleted && it.source.channel_name == queue);
    assert!(enabled.count() > 0, "no connection from {queue} reads enabled: {:#?}", snapshot.connections);
    assert_eq!(scene.mov.get("/q/health").0, 200, "the MOV's health tells of it");
    scene.client.publish(queue, &Message::json(&json!({"word": "stays"})));
    assert_eq!((scene.client.depth(queue), scene.client.depth(HEARD)), (1, 0), "{queue} is consumed");
    scene.client.purge(queue);
}

#[test]
fn forwarding_goes_on_after_a_restart_of_the_broker_when_nobody_registers_anew() {
    let node = Node::start();
    let mut scene = Scene::on(&node);
    let pair = Pair::register(&scene);
    // In order: a broker that is killed forgets what was declared in its last moments.
    node.stop_gracefully();
    scene.mov.wait_until("the loss to be noticed", SOON, |snapshot| !snapshot.connected);
    node.start_again();
    scene.mov.wait_until("the broker to be found again", SOON, |snapshot| snapshot.connected);
    // Nobody is forgotten. There may be more than before: the broker may have lost what it was told of messages taken.
    assert!(scene.mov.live().len() >= 2, "an outage of the broker made the MOV forget somebody");
    scene.client = Client::connect(&scene.vhost);
    wait_until("the MOV to listen again", SOON, || scene.client.consumers(SAID) == 1);
    assert_forwards(&scene, SAID, 1);

    // A component that was not there before does no harm.
    scene.register("C1", "c1_late", &asyncapi("c1", "late", "word", "unused_c"));
    scene.wait_enabled(2);
    assert_forwards(&scene, SAID, 1);

    // One that was does.
    scene.unregister(&pair.target);
    register_target(&scene);
    scene.wait_enabled(2);
    assert_deaf(&scene, SAID);
}

#[test]
fn nothing_is_forwarded_any_more_when_a_component_unregisters_and_registers_after_a_reconnect() {
    let mut scene = Scene::set();
    let pair = Pair::register(&scene);
    register_source(&scene, "other");
    scene.wait_enabled(2);
    interrupt(&mut scene);
    assert_forwards(&scene, SAID, 1);
    scene.unregister(&pair.source);
    register_source(&scene, "source");
    scene.wait_enabled(2);
    assert_deaf(&scene, SAID);
    // Nor from the queues of others: they share the client.
    assert_deaf(&scene, OTHER);

    // Disabling and enabling mends the one queue; a new registration does not.
    let newest = register_source(&scene, "source");
    scene.wait_enabled(3);
    assert_deaf(&scene, SAID);
    scene.unregister(&newest);
    scene.wait_enabled(2);
    let connection = |queue: &str| {
        let live =
            scene.mov.connections().into_iter().find(|it| it.enabled && !it.deleted && it.source.channel_name == queue);
        live.expect("an enabled connection").id
    };
    let mended = connection(SAID);
    change(&scene, "DISABLE", &mended);
    change(&scene, "ENABLE", &mended);
    wait_until("the MOV to listen again", SOON, || scene.client.consumers(SAID) == 1);
    assert_forwards(&scene, SAID, 1);
    assert_deaf(&scene, OTHER);
}

#[test]
fn nothing_is_forwarded_any_more_when_a_component_registers_before_it_unregisters_after_a_reconnect() {
    let mut scene = Scene::set();
    let pair = Pair::register(&scene);
    interrupt(&mut scene);
    register_target(&scene);
    scene.wait_enabled(2);
    scene.unregister(&pair.target);
    scene.wait_enabled(1);
    assert_deaf(&scene, SAID);
}

#[test]
fn a_restarted_mov_forwards_again() {
    let mut scene = Scene::set();
    let pair = Pair::register(&scene);
    interrupt(&mut scene);
    scene.unregister(&pair.target);
    scene.mov.wait_until("the queue to be dead", SOON, |snapshot| snapshot.dead_taps.contains_key(SAID));
    scene.mov.restart();
    assert!(scene.mov.snapshot().dead_taps.is_empty());
    Pair::register(&scene);
    assert_forwards(&scene, SAID, 1);
}

/// The status that a health page gives to the check of this name.
fn check(scene: &Scene, page: &str, name: &str) -> String {
    let answer: Value = serde_json::from_str(&scene.mov.get(page).1).expect("JSON");
    let checks = answer["checks"].as_array().expect("a list of checks");
    let found = checks.iter().find(|check| check["name"] == name);
    found.map_or("none", |check| check["status"].as_str().expect("a status")).to_owned()
}

#[test]
fn a_mov_that_has_given_up_registers_and_tells_nobody() {
    let node = Node::start();
    let vhost = node.vhost();
    let mov = Mov::start_with(Mov::launch(&vhost).env("GIVE_UP_AFTER_MS", 1));
    let mut scene = Scene::at(vhost, mov);
    let pair = Pair::register(&scene);
    node.stop_gracefully();
    scene.mov.wait_until("the MOV to give up", SOON, |snapshot| snapshot.given_up);
    node.start_again();
    scene.mov.wait_until("the MOV to consume again", SOON, |snapshot| snapshot.connected);
    scene.client = Client::connect(&scene.vhost);
    let registered = "valawai/c1/target/control/registered";
    scene.client.declare(registered);

    assert_eq!((scene.mov.get("/q/health/live").0, scene.mov.get("/q/health/ready").0), (503, 200));
    assert_eq!(check(&scene, "/q/health/live", "RabbitMQ service"), "DOWN");
    assert_eq!(check(&scene, "/q/health/live", "SmallRye Reactive Messaging - liveness check"), "UP");

    let silent = register_target(&scene);
    let error = format!("/Cannot notify to the component {silent} .*that it has been registered/");
    wait_until("the error in the log", SOON, || !scene.mov.logs_with(&error).is_empty());
    assert_eq!(scene.mov.live_of("c1_target").len(), 2, "each message makes one more live registration");
    // A page goes another way; its answer comes after whatever the MOV did before.
    scene.client.declare("valawai/component/page");
    scene.send("valawai/component/query", &json!({"id": "q", "pattern": "c1_target", "limit": 5}));
    assert_eq!(scene.client.expect("valawai/component/page", 1, SOON)[0].json()["total"], 2);
    scene.client.publish(SAID, &Message::json(&json!({"word": "stays"})));
    assert_eq!((scene.client.consumers(SAID), scene.client.depth(SAID), scene.client.depth(registered)), (0, 1, 0));
    scene.unregister(&pair.target);

    scene.mov.restart();
    assert_eq!(scene.mov.get("/q/health/live").0, 200);
    register_target(&scene);
    scene.client.expect(registered, 1, SOON);
}

#[test]
fn a_short_outage_is_not_long_enough_to_give_up() {
    let vhost = Node::shared().vhost();
    let mov = Mov::start_with(Mov::launch(&vhost).env("RECONNECT_MS", 1500));
    let scene = Scene::at(vhost, mov);
    Node::shared().close_connections_of(&scene.vhost);
    scene.mov.wait_until("the shared client to be back first", SOON, |snapshot| {
        snapshot.reconnects == 1 && !snapshot.connected
    });
    scene.mov.wait_until("the consumers of the MOV's queues to follow", SOON, |snapshot| snapshot.connected);
    assert!(!scene.mov.snapshot().given_up);
    assert_eq!(scene.mov.get("/q/health").0, 200);
}
