//! Settings that change by a message on `control/parameters`, in all processes of a component.

use serde_json::{Value, json};
use testkit::{Message, Node, Process, wait_until};

use super::own::{Alarm, PARAMETERS};
use crate::test_bed::{MOV_LOG, SOON};

/// Starts two processes that hear of each other.
fn two_processes(alarm: &Alarm) -> [Process; 2] {
    let processes = [alarm.start(), alarm.start()];
    wait_until("both to answer", SOON, || {
        let ping = alarm.builder().clone().arg("ping").arg("--count").arg("2").arg("--timeout").arg("1s").arg("--json");
        ping.run(SOON).stdout.lines().count() == 2
    });
    processes
}

fn publish(alarm: &Alarm, parameters: &Value) {
    alarm.client.publish(PARAMETERS, &Message::json(parameters));
}

/// Says a word to both, and waits until they have heard it: what was said before is over.
fn assert_each_changed_once(alarm: &Alarm, processes: &[Process], change: &str) {
    for process in processes {
        process.wait_output(change, SOON);
    }
    publish(alarm, &json!({ "retry_ttl": 77 }));
    for process in processes {
        process.wait_output("RETRY_TTL is 77 now", SOON);
        let count = process.output().matches(change).count();
        assert_eq!(count, 1, "it was applied so often: {}", process.output());
    }
}

#[test]
fn one_message_changes_all_processes_once() {
    let alarm = Alarm::new();
    let processes = two_processes(&alarm);
    publish(&alarm, &json!({ "highest": 20, "log_file_level": "ERROR" }));
    assert_each_changed_once(&alarm, &processes, "HIGHEST is 20 now (an order)");
    for _ in 0..4 {
        alarm.assert_highest(20);
    }
    publish(&alarm, &json!({ "highest": null }));
    for process in &processes {
        process.wait_output("HIGHEST is not set any more", SOON);
    }
    let heard = |process: &Process| process.output().matches("passes on changes of").count();
    let followed: usize = processes.iter().map(heard).sum();
    assert_eq!(followed, 3, "each of three messages is passed on to one other process");
}

#[test]
fn parameters_that_are_no_settings_are_one_error_and_change_nothing() {
    let alarm = Alarm::new();
    let processes = two_processes(&alarm);
    publish(&alarm, &json!({ "highest": 20, "lowest": 1 }));
    let mut errors = Vec::new();
    wait_until("the error", SOON, || {
        errors.extend(alarm.client.drain(MOV_LOG).into_iter().map(|it| it.json()).filter(|it| it["level"] == "ERROR"));
        !errors.is_empty()
    });
    assert!(errors[0]["message"].as_str().unwrap().contains("`lowest` is no setting of this component"), "{errors:?}");
    alarm.assert_highest(30);
    assert!(processes.iter().all(|process| !process.output().contains("HIGHEST is")), "it was taken up in part");
    errors.extend(alarm.client.drain(MOV_LOG).into_iter().map(|it| it.json()).filter(|it| it["level"] == "ERROR"));
    assert_eq!(errors.len(), 1, "{errors:?}");
}

#[test]
fn without_the_service_parameters_change_one_process_and_that_is_said_once() {
    let alarm = Alarm::new().env("SERVICE_CONTROL", 0);
    let component = alarm.start();
    for highest in [20, 21] {
        publish(&alarm, &json!({ "highest": highest }));
        component.wait_output(&format!("HIGHEST is {highest} now"), SOON);
        alarm.assert_highest(highest);
    }
    let said = component.output().matches("in effect in this process only").count();
    assert_eq!(said, 1, "{}", component.output());
}

#[test]
fn without_the_permission_to_pass_them_on_parameters_change_one_process_and_no_session_is_lost() {
    let alarm = Alarm::new();
    let (vhost, write) = (&alarm.vhost, r"^(amq\.default$|valawai/|valawai\.service\.)");
    Node::shared().rabbitmqctl(&["set_permissions", "-p", &vhost.name, &vhost.username, ".*", write, ".*"]);
    let component = alarm.start();
    publish(&alarm, &json!({ "highest": 20 }));
    let said = component.wait_output("in effect in this process only", SOON);
    assert!(said.contains("permit its user to write '^valawai\\.service$'"), "it does not say what to permit: {said}");
    alarm.assert_highest(20);
    publish(&alarm, &json!({ "highest": 21 }));
    component.wait_output("HIGHEST is 21 now", SOON);
    alarm.assert_highest(21);
    let output = component.output();
    assert_eq!(output.matches("in effect in this process only").count(), 1, "{output}");
    assert!(!output.contains("reconnecting"), "a session was lost: {output}");
}
