//! Several processes of one component: one registration, whoever dies.

use std::fs;

use crate::test_bed::{HEARD, NAME, REGISTERED, SAID, SOON, TestBed, assert_all_came_out, count_numbers};
use testkit::{Launch, Mov, Node, Process, Vhost, wait_until};

/// A test_bed with a MOV, and a launch for each replica: they share nothing but the broker.
fn scene() -> (TestBed, Mov, Vec<Launch>) {
    scene_at(Node::shared().vhost())
}

fn scene_at(vhost: Vhost) -> (TestBed, Mov, Vec<Launch>) {
    let test_bed = TestBed::at(vhost).env("REGISTER_TIMEOUT", 2);
    let mov = Mov::start(&test_bed.vhost);
    let test_bed = test_bed.env("MOV_URL", mov.url());
    let launches = (0..3).map(|_| test_bed.launch().clone().elsewhere()).collect();
    (test_bed, mov, launches)
}

/// Waits until each of `replicas` shows the one live registration that the MOV has, and returns it.
fn settled(mov: &Mov, replicas: &[&Process]) -> String {
    wait_until("one live registration, known to every replica", SOON, || {
        let live = mov.live_of(NAME);
        let id = live.first().filter(|_| live.len() == 1)?.id.clone();
        let knows = |replica: &&Process| fs::read_to_string(replica.health_file()).unwrap_or_default().contains(&id);
        replicas.iter().all(knows).then_some(id)
    })
}

/// The registrar among `replicas`: it says so in its log.
fn registrar<'r>(replicas: &[&'r Process], id: &str) -> &'r Process {
    let line = format!("registered at the MOV as {id}");
    replicas.iter().find(|replica| replica.output().contains(&line)).expect("a registrar")
}

#[test]
fn three_processes_are_one_registration_and_share_the_work() {
    let (test_bed, mov, launches) = scene();
    let replicas: Vec<Process> = launches.iter().map(Launch::start).collect();
    let replicas: Vec<&Process> = replicas.iter().collect();
    settled(&mov, &replicas);
    wait_until("three consumers", SOON, || test_bed.client.consumers(HEARD) == 3);
    test_bed.say_numbers(3000);
    let counts = count_numbers(&test_bed.client.expect(SAID, 3000, SOON));
    assert_eq!(assert_all_came_out(&counts, 3000), 0, "something came out twice");
    assert_eq!(mov.registrations().len(), 1, "more than one of them registered");

    mov.wait_until("the logs", SOON, |snapshot| snapshot.logs >= 6000);
    let nameless = mov.logs_with("Sent Echoed message").into_iter().filter(|entry| entry.component.is_none()).count();
    assert_eq!(nameless, 0, "some logs do not tell which component they are from");

    // Stopping one after the other: the registration stays until the last.
    for last in (0..replicas.len()).rev() {
        assert_eq!(replicas[last].stop(SOON).code(), Some(0), "{}", replicas[last].output());
        if last > 0 {
            settled(&mov, &replicas[..last]);
        }
    }
    mov.wait_until("it to be unregistered", SOON, |snapshot| snapshot.live.is_empty());
    assert_eq!(mov.refusals().len(), 0, "{:#?}", mov.refusals());
}

#[test]
fn a_registrar_that_is_killed_is_replaced() {
    replace_a_killed_registrar(scene());
}

#[test]
fn a_registrar_that_is_killed_is_replaced_on_quorum_queues_which_know_no_exclusive_consumers() {
    replace_a_killed_registrar(scene_at(Node::shared().quorum_vhost()));
}

fn replace_a_killed_registrar((test_bed, mov, launches): (TestBed, Mov, Vec<Launch>)) {
    let replicas: Vec<Process> = launches.iter().map(Launch::start).collect();
    let replicas: Vec<&Process> = replicas.iter().collect();
    let first = settled(&mov, &replicas);
    let dead = registrar(&replicas, &first);
    dead.kill();
    let left: Vec<&Process> = replicas.into_iter().filter(|replica| replica.pid() != dead.pid()).collect();
    let kept = format!("the MOV knows the component as {first}");
    wait_until("another registrar", SOON, || left.iter().any(|replica| replica.output().contains(&kept)));
    assert_eq!(settled(&mov, &left), first, "the registration was not kept");
    assert_eq!(mov.registrations().len(), 1, "it was registered anew, and what was connected by hand is lost");
    test_bed.assert_echoes("still here");
}

#[test]
fn a_process_that_starts_after_all_were_killed_keeps_the_registration() {
    let (test_bed, mov, launches) = scene();
    let replicas: Vec<Process> = launches.iter().take(2).map(Launch::start).collect();
    let first = settled(&mov, &replicas.iter().collect::<Vec<_>>());
    replicas.iter().for_each(Process::kill);
    // It starts with an empty folder, as a new container does.
    let next = launches[2].start();
    assert_eq!(settled(&mov, &[&next]), first);
    assert_eq!(mov.registrations().len(), 1, "it registered anew");
    assert_eq!(next.stop(SOON).code(), Some(0));
    mov.wait_until("it to be unregistered", SOON, |snapshot| snapshot.live.is_empty());
    assert_eq!(test_bed.client.depth(REGISTERED), 0);
}

#[test]
fn all_stopped_at_once_leave_no_registration() {
    let (_stage, mov, launches) = scene();
    let replicas: Vec<Process> = launches.iter().map(Launch::start).collect();
    settled(&mov, &replicas.iter().collect::<Vec<_>>());
    replicas.iter().for_each(Process::terminate);
    for replica in &replicas {
        assert_eq!(replica.wait_exit(SOON).code(), Some(0), "{}", replica.output());
    }
    mov.wait_until("it to be unregistered", SOON, |snapshot| snapshot.live.is_empty());
}

#[test]
fn of_two_registrations_that_nobody_remembers_one_is_kept_and_the_other_is_ended() {
    let (test_bed, mov, launches) = scene();
    // Both were registered, their notices were lost with the broker that was killed, and so nobody knows them.
    let register = serde_json::json!({"type": "C1", "name": NAME, "version": env!("CARGO_PKG_VERSION"),
        "asyncapi_yaml": include_str!("../asyncapi.yaml")});
    test_bed.client.declare(REGISTERED);
    for count in [1, 2] {
        test_bed.client.publish("valawai/component/register", &testkit::Message::json(&register));
        wait_until("the notice", SOON, || test_bed.client.depth(REGISTERED) == count);
    }
    test_bed.client.purge(REGISTERED);
    let oldest = mov.live_of(NAME)[0].id.clone();
    let echo = launches[0].start();
    assert_eq!(settled(&mov, &[&echo]), oldest);
    assert_eq!(mov.registrations().len(), 2, "it registered although two stood");
    assert_eq!(mov.refusals().len(), 0, "{:#?}", mov.refusals());
}

#[test]
fn three_processes_that_share_one_folder_keep_their_files_apart() {
    let (test_bed, mov, launches) = scene();
    let shared = launches[0].clone();
    let replicas: Vec<Process> = (0..3).map(|_| shared.start()).collect();
    let folder = shared.directory();
    let folders = [folder.to_owned(), folder.join("replica-2"), folder.join("replica-3")];
    let shows = |id: &str| {
        let healthy = |folder: &std::path::PathBuf| {
            fs::read_to_string(folder.join("component_id.json")).unwrap_or_default().contains(id)
        };
        folders.iter().filter(|folder| healthy(folder)).count()
    };
    wait_until("each of them to be healthy", SOON, || {
        let live = mov.live_of(NAME);
        live.len() == 1 && shows(&live[0].id) == 3
    });
    let health = || shared.clone().arg("health").start().wait_exit(SOON).code();
    assert_eq!(health(), Some(0));
    for folder in &folders {
        let log = fs::read_to_string(folder.join("log_messages.txt")).unwrap();
        assert_eq!(log.matches(" starts").count(), 1, "{} has the log of several", folder.display());
    }
    let id = mov.live_of(NAME)[0].id.clone();
    assert_eq!(replicas[1].stop(SOON).code(), Some(0));
    wait_until("one file less", SOON, || shows(&id) == 2);
    assert_eq!(health(), Some(0), "one that was stopped in order is not missed");
    test_bed.assert_echoes("two are left");
}
