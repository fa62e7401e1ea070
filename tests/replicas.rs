//! Several processes of one component share one registration, whichever of them ends.

use std::fs;
use std::path::PathBuf;

use testkit::{Message, Mov, Node, Process, ProcessBuilder, Vhost, wait_until};

use crate::test_bed::{
    INPUT, NAME, OUTPUT, REGISTERED, SOON, TestBed, assert_none_lost, count_by_number, registration,
};

/// A test bed with a MOV, and three replicas that share nothing but the broker.
fn with_replicas() -> (TestBed, Mov, Vec<ProcessBuilder>) {
    with_replicas_in(Node::shared().vhost())
}

fn with_replicas_in(vhost: Vhost) -> (TestBed, Mov, Vec<ProcessBuilder>) {
    let test_bed = TestBed::in_vhost(vhost).env("REGISTER_TIMEOUT", 2);
    let mov = Mov::start(&test_bed.vhost);
    let test_bed = test_bed.env("MOV_URL", mov.url());
    let builders = (0..3).map(|_| test_bed.builder().clone().in_new_directory()).collect();
    (test_bed, mov, builders)
}

/// Waits until the component has one live registration, and all of `replicas` have its id in their health files.
#[track_caller]
fn wait_all_registered(mov: &Mov, replicas: &[&Process]) -> String {
    wait_until("one live registration in all health files", SOON, || {
        let live = mov.live_of(NAME);
        let id = live.first().filter(|_| live.len() == 1)?.id.clone();
        let has_id = |replica: &&Process| fs::read_to_string(replica.health_file()).unwrap_or_default().contains(&id);
        replicas.iter().all(has_id).then_some(id)
    })
}

/// The registrar among `replicas`, by its log.
fn registrar<'r>(replicas: &[&'r Process], id: &str) -> &'r Process {
    let line = format!("registered with the MOV as {id}");
    replicas.iter().find(|replica| replica.output().contains(&line)).expect("a registrar")
}

#[test]
fn three_replicas_have_one_registration_and_share_the_messages() {
    let (test_bed, mov, builders) = with_replicas();
    let replicas: Vec<Process> = builders.iter().map(ProcessBuilder::start).collect();
    let replicas: Vec<&Process> = replicas.iter().collect();
    wait_all_registered(&mov, &replicas);
    wait_until("three consumers", SOON, || test_bed.client.consumers(INPUT) == 3);
    test_bed.publish_numbered(3000);
    let counts = count_by_number(&test_bed.client.receive(OUTPUT, 3000, SOON));
    assert_eq!(assert_none_lost(&counts, 3000), 0, "a message has two replies");
    assert_eq!(mov.registrations().len(), 1, "more than one replica registered");

    mov.wait_until("a log entry for each message and reply", SOON, |snapshot| snapshot.logs >= 6000);
    let without_component =
        mov.logs_with("Sent Echoed message").into_iter().filter(|entry| entry.component.is_none()).count();
    assert_eq!(without_component, 0, "some log entries have no component");

    // The registration is live until the last replica has stopped.
    for last in (0..replicas.len()).rev() {
        assert_eq!(replicas[last].stop(SOON).code(), Some(0), "{}", replicas[last].output());
        if last > 0 {
            wait_all_registered(&mov, &replicas[..last]);
        }
    }
    mov.wait_until("the component to be unregistered", SOON, |snapshot| snapshot.live.is_empty());
    assert_eq!(mov.refusals().len(), 0, "{:#?}", mov.refusals());
}

#[test]
fn a_killed_registrar_is_replaced() {
    assert_killed_registrar_is_replaced(with_replicas());
}

#[test]
fn a_killed_registrar_is_replaced_on_quorum_queues_which_have_no_exclusive_consumers() {
    assert_killed_registrar_is_replaced(with_replicas_in(Node::shared().quorum_vhost()));
}

fn assert_killed_registrar_is_replaced((test_bed, mov, builders): (TestBed, Mov, Vec<ProcessBuilder>)) {
    let replicas: Vec<Process> = builders.iter().map(ProcessBuilder::start).collect();
    let replicas: Vec<&Process> = replicas.iter().collect();
    let first = wait_all_registered(&mov, &replicas);
    let killed = registrar(&replicas, &first);
    killed.kill();
    let left: Vec<&Process> = replicas.into_iter().filter(|replica| replica.pid() != killed.pid()).collect();
    let kept = format!("the MOV knows the component as {first}");
    wait_until("another registrar", SOON, || left.iter().any(|replica| replica.output().contains(&kept)));
    assert_eq!(wait_all_registered(&mov, &left), first, "the registration was not kept");
    assert_eq!(mov.registrations().len(), 1, "it registered again, so connections made by operators are lost");
    test_bed.assert_echoes("after the registrar was killed");
}

#[test]
fn a_replica_started_after_all_were_killed_keeps_the_registration() {
    let (test_bed, mov, builders) = with_replicas();
    let replicas: Vec<Process> = builders.iter().take(2).map(ProcessBuilder::start).collect();
    let first = wait_all_registered(&mov, &replicas.iter().collect::<Vec<_>>());
    replicas.iter().for_each(Process::kill);
    // It starts with an empty directory, as a new container does.
    let next = builders[2].start();
    assert_eq!(wait_all_registered(&mov, &[&next]), first);
    assert_eq!(mov.registrations().len(), 1, "it registered again");
    assert_eq!(next.stop(SOON).code(), Some(0));
    mov.wait_until("the component to be unregistered", SOON, |snapshot| snapshot.live.is_empty());
    assert_eq!(test_bed.client.depth(REGISTERED), 0);
}

#[test]
fn replicas_stopped_at_the_same_time_leave_no_registration() {
    let (_test_bed, mov, builders) = with_replicas();
    let replicas: Vec<Process> = builders.iter().map(ProcessBuilder::start).collect();
    wait_all_registered(&mov, &replicas.iter().collect::<Vec<_>>());
    replicas.iter().for_each(Process::terminate);
    for replica in &replicas {
        assert_eq!(replica.wait_exit(SOON).code(), Some(0), "{}", replica.output());
    }
    mov.wait_until("the component to be unregistered", SOON, |snapshot| snapshot.live.is_empty());
}

#[test]
fn of_two_live_registrations_whose_notices_were_lost_the_older_is_kept() {
    let (test_bed, mov, builders) = with_replicas();
    let register = Message::json(&registration(env!("CARGO_PKG_VERSION")));
    test_bed.client.declare(REGISTERED);
    for count in [1, 2] {
        test_bed.client.publish("valawai/component/register", &register);
        wait_until("the notice", SOON, || test_bed.client.depth(REGISTERED) == count);
    }
    test_bed.client.purge(REGISTERED);
    let oldest = mov.live_of(NAME)[0].id.clone();
    let component = builders[0].start();
    assert_eq!(wait_all_registered(&mov, &[&component]), oldest);
    assert_eq!(mov.registrations().len(), 2, "it registered although two registrations were live");
    assert_eq!(mov.refusals().len(), 0, "{:#?}", mov.refusals());
}

#[test]
fn replicas_that_share_a_directory_have_separate_files() {
    let (test_bed, mov, builders) = with_replicas();
    let shared = builders[0].clone();
    let replicas: Vec<Process> = (0..3).map(|_| shared.start()).collect();
    let directory = shared.directory();
    let directories = [directory.to_owned(), directory.join("replica-2"), directory.join("replica-3")];
    let health_files_with = |id: &str| {
        let has_id = |directory: &&PathBuf| {
            fs::read_to_string(directory.join("component_id.json")).unwrap_or_default().contains(id)
        };
        directories.iter().filter(has_id).count()
    };
    wait_until("three healthy replicas", SOON, || {
        let live = mov.live_of(NAME);
        live.len() == 1 && health_files_with(&live[0].id) == 3
    });
    let health = || shared.clone().arg("health").start().wait_exit(SOON).code();
    assert_eq!(health(), Some(0));
    for directory in &directories {
        let log = fs::read_to_string(directory.join("log_messages.txt")).unwrap();
        assert_eq!(log.matches(" starts").count(), 1, "{} has the log of several replicas", directory.display());
    }
    let id = mov.live_of(NAME)[0].id.clone();
    assert_eq!(replicas[1].stop(SOON).code(), Some(0));
    wait_until("the health file of the stopped replica to be removed", SOON, || health_files_with(&id) == 2);
    assert_eq!(health(), Some(0), "a stopped replica makes the others unhealthy");
    test_bed.assert_echoes("two replicas are left");
}
