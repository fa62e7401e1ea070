//! The registration is kept when the broker or the MOV fails: if a component registers again after a reconnect of the MOV,
//! the MOV stops forwarding.

use std::time::Duration;

use testkit::{Mov, Node, Vhost};

use crate::peer;
use crate::test_bed::{NAME, SOON, TestBed, wait_registered};

fn test_bed(vhost: Vhost) -> TestBed {
    TestBed::in_vhost(vhost).env("REGISTER_TIMEOUT", 2)
}

/// Asserts that the MOV forwards after `restart` of the broker. With `mov_url` the component queries the MOV over REST.
fn assert_forwarding_survives(restart: impl Fn(&Node), mov_url: bool) {
    let node = Node::start();
    let vhost = node.vhost();
    let mov = Mov::start(&vhost);
    let mut test_bed = test_bed(vhost);
    if mov_url {
        test_bed = test_bed.env("MOV_URL", mov.url());
    }
    let component = test_bed.start();
    let first = wait_registered(&mov, &component);
    peer::register(&test_bed.client, &mov);
    peer::assert_forwarded(&test_bed.vhost, "before the restart");
    let reconnects = mov.snapshot().reconnects;
    restart(&node);
    mov.wait_until("the MOV to reconnect", SOON, |snapshot| snapshot.connected && snapshot.reconnects > reconnects);
    component.wait_output("keeping that registration", SOON);
    assert_eq!(wait_registered(&mov, &component), first);
    peer::assert_forwarded(&test_bed.vhost, "after the restart");
    let snapshot = mov.snapshot();
    assert_eq!(snapshot.dead_source_queues.len(), 0, "the MOV stopped forwarding: {:?}", snapshot.dead_source_queues);
    assert_eq!(snapshot.registrations.len(), 2, "a component registered again");
    assert_eq!(snapshot.counts.unregisters, 0, "a component unregistered");
    // One query after the registration, one after the restart. Over REST they are no messages.
    let most = if mov_url { 0 } else { 2 };
    assert!(
        snapshot.counts.component_queries <= most,
        "the MOV received {} queries",
        snapshot.counts.component_queries
    );
}

#[test]
fn forwarding_continues_after_a_restart_of_the_broker() {
    assert_forwarding_survives(
        |node| {
            node.stop_gracefully();
            node.start_again();
        },
        false,
    );
}

#[test]
fn forwarding_continues_after_the_broker_was_killed_with_queries_over_rest() {
    assert_forwarding_survives(
        |node| {
            node.kill();
            node.start_again();
        },
        true,
    );
}

/// Starts a MOV that has given up reconnecting its shared client: it registers components, but sends no notices.
fn start_mov_that_gave_up(node: &Node, vhost: &Vhost) -> Mov {
    let mov = Mov::start_with(Mov::builder(vhost).env("GIVE_UP_AFTER_MS", 1));
    node.stop_gracefully();
    mov.wait_until("the MOV to give up", SOON, |snapshot| snapshot.given_up);
    node.start_again();
    mov.wait_until("the MOV to consume again", SOON, |snapshot| snapshot.connected);
    mov
}

#[test]
fn at_a_mov_that_sends_no_notices_it_registers_once() {
    let node = Node::start();
    let vhost = node.vhost();
    let mov = start_mov_that_gave_up(&node, &vhost);
    let test_bed = test_bed(vhost);
    let component = test_bed.start();
    // The id comes from a query, since there is no notice.
    let id = wait_registered(&mov, &component);
    component.wait_output(&format!("the MOV knows the component as {id}"), SOON);
    assert_eq!(mov.registrations().len(), 1, "it registered again");
    test_bed.assert_echoes("registered without a notice");
}

#[test]
fn while_the_liveness_of_the_mov_is_down_registering_waits() {
    let node = Node::start();
    let vhost = node.vhost();
    let mut mov = start_mov_that_gave_up(&node, &vhost);
    let test_bed = test_bed(vhost).env("MOV_URL", mov.url());
    let component = test_bed.start();
    component.wait_output("waiting to register until it does", SOON);
    test_bed.assert_echoes("while registering waits");
    assert_eq!(mov.snapshot().counts.registers, 0, "it registered at a MOV whose liveness is down");
    assert!(!component.is_healthy());
    mov.restart();
    wait_registered(&mov, &component);
    assert_eq!(mov.registrations().len(), 1);
}

#[test]
fn at_a_mov_that_answers_no_queries_it_registers_once_and_not_again_after_a_reconnect() {
    let node = Node::start();
    let vhost = node.vhost();
    let mov = Mov::start_with(Mov::builder(&vhost).env("ANSWER_QUERIES", false));
    let test_bed = test_bed(vhost);
    let component = test_bed.start();
    let first = wait_registered(&mov, &component);
    node.stop_gracefully();
    component.wait_unhealthy(SOON);
    node.start_again();
    mov.wait_until("the MOV to reconnect", SOON, |snapshot| snapshot.connected);
    let before = mov.snapshot().counts.component_queries;
    mov.wait_until("two more queries", Duration::from_secs(60), |snapshot| {
        snapshot.counts.component_queries >= before + 2
    });
    assert_eq!(mov.registrations().len(), 1, "it registered again without an answer");
    assert_eq!(mov.live_of(NAME)[0].id, first);
    assert!(!component.is_healthy(), "it is healthy although its registration is not confirmed");
}
