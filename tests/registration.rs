//! Registrations when the MOV or the component starts late, restarts or crashes: one stays, and it is the right one.

use serde_json::json;
use testkit::{Message, Mov, Node, wait_until};

use crate::lifecycle::assert_nothing_refused;
use crate::test_bed::{NAME, REGISTERED, SOON, TestBed, registration, wait_registered};

fn test_bed() -> TestBed {
    TestBed::on(Node::shared()).env("REGISTER_TIMEOUT", 2)
}

#[test]
fn it_works_before_the_mov_is_up_and_registers_when_it_is() {
    let test_bed = test_bed();
    let component = test_bed.start();
    test_bed.assert_echoes("before the registration");
    assert!(!component.is_healthy(), "it is healthy without a registration");
    let mov = Mov::start(&test_bed.vhost);
    wait_registered(&mov, &component);
    assert_eq!(mov.registrations().len(), 1, "it registered more than once");
    assert_nothing_refused(&mov);
}

#[test]
fn it_registers_again_at_a_restarted_mov() {
    let test_bed = test_bed();
    let mut mov = Mov::start(&test_bed.vhost);
    let component = test_bed.start();
    let first = wait_registered(&mov, &component);
    mov.stop();
    component.wait_output("the MOV is down", SOON);
    test_bed.assert_echoes("while the MOV is down");
    mov.start_again();
    let second = wait_registered(&mov, &component);
    assert_ne!(first, second, "the restarted MOV has no registrations to keep");
}

#[test]
fn with_the_address_of_the_mov_it_notices_that_its_registration_ended() {
    let test_bed = test_bed();
    let mov = Mov::start(&test_bed.vhost);
    let test_bed = test_bed.env("MOV_URL", mov.url());
    let component = test_bed.start();
    let first = wait_registered(&mov, &component);
    // Another process ends the registration.
    let unregister = json!({ "component_id": first });
    test_bed.client.publish("valawai/component/unregister", &Message::json(&unregister));
    mov.wait_until("the registration to end", SOON, |snapshot| snapshot.live.is_empty());
    let second = wait_registered(&mov, &component);
    assert_ne!(first, second, "the ended registration was kept");
}

#[test]
fn a_process_started_after_a_crash_keeps_the_registration() {
    let test_bed = test_bed();
    let mov = Mov::start(&test_bed.vhost);
    let component = test_bed.start();
    let first = wait_registered(&mov, &component);
    component.kill();
    assert!(component.is_healthy(), "a killed process removed its health file");
    let component = test_bed.start();
    component.wait_output("keeping that registration", SOON);
    assert_eq!(wait_registered(&mov, &component), first);
    assert_eq!(mov.registrations().len(), 1, "it registered again, so connections made by operators are lost");
    assert_nothing_refused(&mov);
}

#[test]
fn a_new_version_registers_and_then_ends_the_old_registration() {
    let test_bed = test_bed();
    let mov = Mov::start(&test_bed.vhost);
    test_bed.client.declare(REGISTERED);
    test_bed.client.publish("valawai/component/register", &Message::json(&registration("0.0.1")));
    let old = mov.wait_registered(NAME, SOON).id;
    let component = test_bed.start();
    component.wait_output("registered with the MOV as", SOON);
    let new = wait_registered(&mov, &component);
    assert_ne!(new, old);
    assert_nothing_refused(&mov);
}

#[test]
fn a_registration_whose_notice_waits_in_the_queue_is_kept() {
    let test_bed = test_bed();
    let mov = Mov::start(&test_bed.vhost);
    test_bed.client.declare(REGISTERED);
    // As if a process had registered and crashed before it consumed the notice.
    let registration = registration(env!("CARGO_PKG_VERSION"));
    test_bed.client.publish("valawai/component/register", &Message::json(&registration));
    wait_until("the notice", SOON, || test_bed.client.depth(REGISTERED) == 1);
    let waiting = mov.wait_registered(NAME, SOON).id;
    let component = test_bed.start();
    assert_eq!(wait_registered(&mov, &component), waiting);
    assert_nothing_refused(&mov);
}

#[test]
fn a_forged_notice_neither_replaces_nor_ends_a_registration() {
    let test_bed = test_bed();
    let mov = Mov::start(&test_bed.vhost);
    let component = test_bed.start();
    let own = wait_registered(&mov, &component);
    let victim = json!({"type": "C0", "name": "c0_victim", "version": "1.0.0",
        "asyncapi_yaml": r#"{"channels": {}}"#});
    test_bed.client.publish("valawai/component/register", &Message::json(&victim));
    let victim = mov.wait_registered("c0_victim", SOON).id;
    let forged = json!({"id": victim, "name": NAME, "type": "C1", "version": "1.0.0"});
    test_bed.client.publish(REGISTERED, &Message::json(&forged));
    wait_until("the query that verifies the notice", SOON, || !mov.logs_with("/Found the page.*/").is_empty());
    wait_until("the notice to be acknowledged", SOON, || test_bed.client.depth(REGISTERED) == 0);
    assert_eq!(wait_registered(&mov, &component), own);
    assert_eq!(component.stop(SOON).code(), Some(0));
    mov.wait_until("only the registration of the victim to be live", SOON, |snapshot| {
        snapshot.live.iter().map(|it| &it.id).eq([&victim])
    });
    assert_nothing_refused(&mov);
}
