//! Settings that an author declares, and parameters that change settings.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::Receiver;
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Value, json};

use valawai::internals::asyncapi::sample;
use valawai::{Component, Context, Failure};

use super::{ALARM, Running, TEMPERATURE, Temperature, alarm_contract};
use testkit::wait::SOON;
use testkit::{log_capture, wait_until};

#[derive(Deserialize)]
struct Limits {
    highest: f64,
    #[serde(default)]
    rooms: Vec<String>,
}

/// It says whether it is too hot. Nothing handles its parameters.
fn component() -> Component {
    let is_hot = |now: Temperature, context: &Context| {
        Ok(json!({ "is_hot": now.celsius > context.settings::<Limits>().highest }))
    };
    Component::new("1.0.0", alarm_contract()).settings::<Limits>().on(TEMPERATURE).reply(ALARM, is_hot)
}

fn is_hot<R: Running>(running: &R, celsius: f64) -> bool {
    running.publish(TEMPERATURE, &json!({ "celsius": celsius }));
    running.receive(ALARM)["is_hot"].as_bool().expect("an answer")
}

pub(super) fn a_handler_sees_a_changed_setting<R: Running>() {
    let running = R::run_with(&component(), &[("HIGHEST", "20")]);
    assert!(is_hot(&running, 21.0));
    running.change_settings(&[("HIGHEST", "25")]);
    assert!(!is_hot(&running, 21.0), "the handler has the old setting");
}

pub(super) fn sources_and_periods_see_changed_settings<R: Running>() {
    let contract = sample("c0/limits", &["publish data/source", "publish data/period"]);
    let limit = |limits: Arc<Limits>| json!({ "highest": limits.highest });
    let component = Component::new("1.0.0", contract)
        .settings::<Limits>()
        .source("data/source", move |publisher, shutdown| {
            while !shutdown.wait_for(Duration::from_millis(20)) {
                publisher.publish(&limit(publisher.settings()))?;
            }
            Ok(())
        })
        .every(Duration::from_millis(20))
        .publish("data/period", move |context| Ok(Some(limit(context.settings()))));
    let running = R::run_with(&component, &[("HIGHEST", "1")]);
    for channel in ["data/source", "data/period"] {
        assert_eq!(running.receive(channel)["highest"], 1.0, "on {channel}");
    }
    running.change_settings(&[("HIGHEST", "2")]);
    for channel in ["data/source", "data/period"] {
        wait_until(&format!("the new limit on {channel}"), SOON, || running.receive(channel)["highest"] == 2.0);
    }
}

/// What a listener was told: the old and the new limit, and the name of its thread.
type Told = (String, Option<String>);

fn with_listener(component: Component) -> (Component, Receiver<Told>) {
    let (sender, told) = crossbeam_channel::unbounded();
    let listener = move |old: &Limits, new: &Limits| {
        let thread = thread::current().name().map(str::to_owned);
        sender.send((format!("{} to {}", old.highest, new.highest), thread)).expect("the test waits for it");
    };
    (component.on_change(&["highest"], listener), told)
}

pub(super) fn a_change_is_told_on_a_thread_of_its_own_and_only_for_its_fields<R: Running>() {
    let (component, told) = with_listener(component());
    let running = R::run_with(&component, &[("HIGHEST", "20")]);
    running.change_settings(&[("ROOMS", "kitchen")]);
    running.change_settings(&[("HIGHEST", "20.0")]);
    running.change_settings(&[("HIGHEST", "21")]);
    let thread = Some("on-change".to_owned());
    assert_eq!(
        told.recv_timeout(SOON).expect("a change"),
        ("20 to 20".to_owned(), thread.clone()),
        "the text has changed"
    );
    assert_eq!(
        told.recv_timeout(SOON).expect("a change"),
        ("20 to 21".to_owned(), thread),
        "another field changed, or none"
    );
    assert!(told.is_empty());
}

pub(super) fn a_setting_that_is_empty_is_as_one_that_is_not_set<R: Running>() {
    let (sender, told) = crossbeam_channel::unbounded();
    let listener = move |_: &Limits, new: &Limits| sender.send(new.rooms.clone()).expect("the test waits for it");
    let running = R::run_with(&component().on_change(&["rooms"], listener), &[("HIGHEST", "20")]);
    running.change_settings(&[("ROOMS", "")]);
    running.change_settings(&[("ROOMS", "kitchen")]);
    assert_eq!(told.recv_timeout(SOON).expect("a change"), ["kitchen"], "nothing had changed before");
    running.change_settings(&[("ROOMS", "")]);
    assert_eq!(told.recv_timeout(SOON).expect("another change"), [""; 0]);
}

pub(super) fn a_listener_that_panics_is_called_again<R: Running>() {
    log_capture::start();
    let component = component().on_change(&["rooms"], |_: &Limits, new: &Limits| {
        assert!(new.rooms.len() == 1, "there are {} rooms", new.rooms.len());
    });
    let (component, told) = with_listener(component);
    let running = R::run_with(&component, &[("HIGHEST", "20")]);
    running.change_settings(&[("ROOMS", "kitchen,attic"), ("HIGHEST", "21")]);
    assert_eq!(told.recv_timeout(SOON).expect("the other listener").0, "20 to 21");
    running.change_settings(&[("HIGHEST", "22")]);
    assert_eq!(told.recv_timeout(SOON).expect("the next change").0, "21 to 22");
    let message =
        "the change of rooms was not taken up, because what is called on a change panicked: there are 2 rooms";
    wait_until("the panic in the log", SOON, || !log_capture::lines_containing(&[message]).is_empty());
}

#[derive(Deserialize)]
struct Siren {
    siren_token: String,
}

pub(super) fn a_token_is_never_printed<R: Running>() {
    log_capture::start();
    let knows = |_: Value, context: &Context| Ok(json!({ "token": context.settings::<Siren>().siren_token.len() }));
    let component = Component::new("1.0.0", alarm_contract()).settings::<Siren>().on(TEMPERATURE).reply(ALARM, knows);
    let running = R::run_with(&component, &[("SIREN_TOKEN", "hunter2")]);
    running.change_settings(&[("SIREN_TOKEN", "hunter22")]);
    running.publish("control/parameters", &json!({ "siren_token": "hunter222" }));
    running.wait_until_acknowledged("control/parameters");
    running.publish("control/parameters", &json!({ "siren_token": ["hunter2"], "workers": "hunter2" }));
    let refusal = running.wait_for_log("WORKERS: expected");
    assert!(!refusal.message.contains("hunter2"), "{refusal:?}");
    running.publish(TEMPERATURE, &json!({}));
    assert_eq!(running.receive(ALARM)["token"], "hunter222".len());
    assert!(!log_capture::lines_containing(&["SIREN_TOKEN is *** now"]).is_empty(), "the change is not logged");
    let lines = log_capture::lines_containing(&["hunter22"]);
    assert!(lines.is_empty(), "the token is in {lines:#?}");
}

pub(super) fn parameters_without_a_handler_change_settings<R: Running>() {
    let running = R::run_with(&component(), &[("HIGHEST", "20")]);
    running.publish(
        "control/parameters",
        &json!({ "highest": 25, "max_retries": 3, "channels": { TEMPERATURE: { "retries": 1 } } }),
    );
    running.wait_until_acknowledged("control/parameters");
    assert!(!is_hot(&running, 21.0), "the setting did not change");
    running.publish("control/parameters", &json!({ "HIGHEST": null }));
    running.wait_until_acknowledged("control/parameters");
    assert!(is_hot(&running, 21.0), "null did not undo the change");
    assert!(running.log().iter().all(|entry| entry.level != "ERROR"), "{:?}", running.log());
    for (parameters, error) in [
        (json!({ "highest": 1, "lowest": 2 }), "`lowest` is no setting of this component"),
        (json!({ "highest": "hunter2" }), "HIGHEST: expected a number"),
        (json!({ "highest": 1, "max_retries": -1 }), "MAX_RETRIES: expected a number from 0 to 1000"),
        (json!({ "rabbitmq_host": "elsewhere" }), "RABBITMQ_HOST cannot be changed by message"),
    ] {
        running.publish("control/parameters", &parameters);
        assert_eq!(running.wait_for_log(error).level, "ERROR");
    }
    running.wait_until_acknowledged("control/parameters");
    assert!(is_hot(&running, 21.0) && !is_hot(&running, 19.0), "parameters were taken up in part");
    let errors: Vec<_> = running.log().into_iter().filter(|entry| entry.level == "ERROR").collect();
    assert_eq!(errors.len(), 4, "not one error for each: {errors:#?}");
}

#[derive(Deserialize, Clone, Default)]
struct Model {
    #[serde(default)]
    name: String,
}

pub(super) fn parameters_are_for_the_handler_and_for_the_settings<R: Running>() {
    let model = Arc::new(Mutex::new(Model::default()));
    let current = Arc::clone(&model);
    let component = component().parameters(move |new: Model, _| {
        if new.name.is_empty() {
            return Err(Failure::refuse("there is no model"));
        }
        *current.lock() = new;
        Ok(())
    });
    let running = R::run_with(&component, &[("HIGHEST", "20")]);
    let publish = |parameters: Value| {
        running.publish("control/parameters", &parameters);
        running.wait_until_acknowledged("control/parameters");
    };
    publish(json!({ "highest": 25 }));
    assert!(is_hot(&running, 21.0), "the handler did not accept the message");
    publish(json!({ "name": "small", "highest": 25, "of_the_handler": { "also": 1 } }));
    assert_eq!(model.lock().name, "small");
    assert!(!is_hot(&running, 21.0), "the setting did not change");
    let errors = running.log().into_iter().filter(|entry| entry.level == "ERROR").count();
    assert_eq!(errors, 1, "{:?}", running.log());
}
