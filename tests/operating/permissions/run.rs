//! What `permissions` prints is what a running component needs, and no more.

use serde_json::{Value, json};
use testkit::{Finished, Message, Mov, Node, Process, ProcessBuilder, Vhost};

use super::document::{patterns, rows};
use super::refusals;
use crate::operating::{objects, wait_until_it_answers};
use crate::test_bed::{DEAD_LETTERS, INPUT, LONG, SOON, TestBed, wait_registered};

/// A user for a component, beside that of the tests, with what its program prints as its permissions.
pub(super) struct ComponentUser {
    pub(super) name: String,
}

impl ComponentUser {
    /// Adds a user without permissions.
    pub(super) fn add(node: &Node, vhost: &Vhost) -> Self {
        let name = format!("component-{}", vhost.name);
        node.rabbitmqctl(&["add_user", &name, "secret"]);
        Self { name }
    }

    pub(super) fn grant(&self, node: &Node, vhost: &Vhost, [configure, write, read]: &[String; 3]) {
        node.rabbitmqctl(&["set_permissions", "-p", &vhost.name, &self.name, configure, write, read]);
    }

    /// Grants what the program of `builder` prints.
    fn grant_printed(&self, node: &Node, vhost: &Vhost, builder: ProcessBuilder) {
        self.grant(node, vhost, &printed(&builder.arg("--json").arg("permissions").run(LONG)));
    }

    /// The program with the login of this user.
    pub(super) fn logged_in(&self, builder: ProcessBuilder) -> ProcessBuilder {
        builder.env("RABBITMQ_USERNAME", &self.name).env("RABBITMQ_PASSWORD", "secret")
    }
}

/// The patterns that `permissions` has printed.
#[track_caller]
pub(super) fn printed(finished: &Finished) -> [String; 3] {
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let object = objects(&finished.stdout).remove(0);
    ["configure", "write", "read"].map(|field| object[field].as_str().expect("a pattern").to_owned())
}

/// A test bed whose messages all fail once, so that it needs all of its queues.
pub(super) fn failing(test_bed: TestBed) -> TestBed {
    let test_bed = test_bed.env("CHAOS_PERCENTAGE_SIMULATE_FAILURES", 1).env("MAX_RETRIES", 1).env("RETRY_TTL", 50);
    test_bed.env("LOG_MOV_LEVEL", "ERROR")
}

#[test]
fn the_document_lists_what_the_program_prints() {
    let rows = rows();
    let names = [0, 1, 2].map(|kind| rows.iter().filter(|row| row.is_permitted[kind]).map(|row| &*row.name).collect());
    let vhost = Node::shared().vhost();
    let finished = ProcessBuilder::component(&vhost).arg("--json").arg("permissions").run(SOON);
    assert_eq!(patterns(names), printed(&finished), "docs/permissions.md and `permissions` differ");
}

#[test]
fn the_printed_line_is_what_rabbitmqctl_takes() {
    let node = Node::shared();
    let vhost = node.vhost();
    let user = ComponentUser::add(node, &vhost);
    let arguments = ["permissions", "--user", &user.name];
    let builder = arguments.iter().fold(ProcessBuilder::component(&vhost), ProcessBuilder::arg);
    let line = builder.run(SOON).stdout;
    let words: Vec<&str> = line.trim().split('\'').collect();
    let [command, vhost_name, _, name, _, configure, _, write, _, read, _] = words[..] else { panic!("{line}") };
    assert_eq!((command, vhost_name, name), ("rabbitmqctl set_permissions --vhost ", &*vhost.name, &*user.name));
    user.grant(node, &vhost, &[configure, write, read].map(str::to_owned));
    let granted = node.rabbitmqctl(&["list_user_permissions", &user.name, "--formatter", "json"]);
    let granted: Value = serde_json::from_str(&granted).expect("JSON");
    assert_eq!(granted[0]["configure"], configure, "the broker has taken another pattern");
}

#[test]
fn with_the_printed_permissions_a_component_can_do_everything() {
    let node = Node::shared();
    let test_bed = TestBed::on(node);
    let mov = Mov::start(&test_bed.vhost);
    let user = ComponentUser::add(node, &test_bed.vhost);
    user.grant_printed(node, &test_bed.vhost, ProcessBuilder::component(&test_bed.vhost));
    let test_bed = failing(test_bed).env("CHAOS_SEED", 1).env("CHAOS_PERCENTAGE_SIMULATE_FAILURES", 0.5);
    let component = user.logged_in(test_bed.builder().clone()).start();
    wait_registered(&mov, &component);
    wait_until_it_answers(&test_bed.vhost);
    test_bed.publish_numbered(20);
    test_bed.client.publish(INPUT, &Message::bare("not JSON"));
    component.wait_until("replies and dead letters for all", LONG, || {
        let dead = test_bed.client.queue_info(DEAD_LETTERS).map_or(0, |info| info.messages);
        dead > 1 && dead + test_bed.client.depth(crate::test_bed::OUTPUT) == 21
    });
    // Another replica reads the identity queue, and takes over.
    let replica = user.logged_in(test_bed.builder().clone().in_new_directory()).start();
    replica.wait_healthy();
    component.kill();
    replica.wait_output("keeping that registration", LONG);
    replica.wait_healthy();
    assert_eq!(replica.stop(LONG).code(), Some(0));
    assert_eq!(mov.live().len(), 0, "it could not unregister");
    assert_eq!(refusals(node, &user.name), Vec::<String>::new(), "more permissions are needed");
}

#[test]
fn components_of_the_other_levels_work_with_the_printed_permissions() {
    let node = Node::shared();
    let vhost = node.vhost();
    let mov = Mov::start(&vhost);
    let user = ComponentUser::add(node, &vhost);
    for example in ["c0_thermometer", "c1_changes", "c2_treatment_values"] {
        let builder = || ProcessBuilder::example(example, &vhost);
        user.grant_printed(node, &vhost, builder());
        let component = user.logged_in(builder()).start();
        component.wait_healthy();
        component.wait_until("the MOV to know it", SOON, || mov.live().len() == 1);
        assert_eq!(component.stop(LONG).code(), Some(0), "{example}");
        assert_eq!(refusals(node, &user.name), Vec::<String>::new(), "{example} needs more permissions");
    }
}

#[test]
fn routes_work_with_the_printed_permissions() {
    let node = Node::shared();
    let test_bed = TestBed::on(node);
    let user = ComponentUser::add(node, &test_bed.vhost);
    let managed = json!({"name": "managed", "type": "topic", "create": true});
    let routes = json!([
        {"name": "requests", "type": "consumer", "exchange": managed, "queue": "a.queue", "binding_key": "#"},
        {"name": "failed", "type": "producer", "queue": "failed", "of": ["dead-letter"]},
        {"name": "done", "type": "producer", "exchange": {"name": "events"}, "binding_key": "done", "of": ["retry"]},
    ]);
    test_bed.client.declare_exchange("events", "topic");
    test_bed.client.bind("done", "events", "done");
    let builder = || ProcessBuilder::component(&test_bed.vhost).env("QUEUE_CONFIG", &routes);
    user.grant_printed(node, &test_bed.vhost, builder());
    let test_bed = failing(test_bed).env("QUEUE_CONFIG", &routes);
    let component: Process = user.logged_in(test_bed.builder().clone()).start();
    component.wait_output("route requests is connected", SOON);
    test_bed.client.publish_to("managed", "any", &Message::json(&json!({"content": "x"})));
    component.wait_until("all events", LONG, || {
        test_bed.client.queue_info("failed").is_some_and(|info| info.messages == 1)
            && test_bed.client.depth("done") == 1
    });
    assert_eq!(refusals(node, &user.name), Vec::<String>::new(), "routes need more permissions");
}

#[test]
fn a_route_to_another_broker_has_a_line_of_its_own_without_its_login() {
    let vhost = Node::shared().vhost();
    let routes = json!([{"name": "requests", "type": "consumer", "queue": "q", "host": "other-mq", "vhost": "theirs",
                         "auth": {"user": "hunter1", "password": "hunter2"}}]);
    let finished = ProcessBuilder::component(&vhost).env("QUEUE_CONFIG", &routes).arg("permissions").run(SOON);
    let lines: Vec<&str> = finished.stdout.lines().collect();
    assert_eq!(lines[1], "# on another broker: other-mq, virtual host theirs", "{finished:?}");
    let beginning =
        "rabbitmqctl set_permissions --vhost 'theirs' 'USER' '^(valawai/c1/echo_example_with_rust_and_amiquip/";
    assert!(lines[2].starts_with(beginning), "{finished:?}");
    assert!(!lines[0].contains("|q") && lines[2].contains("|q)$'"), "{finished:?}");
    assert!(!finished.stdout.contains("hunter"), "a part of the login was printed: {finished:?}");
}
