//! Changes of settings, without a store and without a process.

use serde::Deserialize;
use serde_json::json;

use super::*;
use crate::asyncapi::sample;
use crate::component::Component;
use crate::operations::configure::Configure;

#[derive(Deserialize)]
struct Limits {
    #[serde(default)]
    highest: u8,
    #[serde(default)]
    api_token: String,
}

fn configuration(environment: &'static [(&str, &str)]) -> Configuration {
    let asyncapi = sample("c1/echo", &["subscribe data/in"]);
    let component = Component::new("1.0.0", asyncapi).settings::<Limits>().on("data/in");
    let component = component.consume(|_: serde_json::Value, _| Ok(())).check().unwrap();
    let layers = Layers::read(Arc::new(environment), Document::default()).unwrap();
    let configuration = Configuration::new(&component, layers).unwrap();
    configuration.start();
    configuration
}

fn set_store<const N: usize>(configuration: &Configuration, values: [(&str, &str); N]) -> Vec<String> {
    configuration.set_store("Consul", &values.map(|(path, text)| (path.to_owned(), text.to_owned())).into())
}

/// The changes that wait: the settings, and the problems.
fn taken(configuration: &Configuration) -> (Vec<Arc<Settings>>, Vec<Problem>) {
    let (mut settings, mut problems) = (Vec::new(), Vec::new());
    for change in configuration.changes().try_iter() {
        match change {
            Change::Settings { settings: changed, .. } => settings.push(changed),
            Change::Problem(problem) => problems.push(problem),
        }
    }
    (settings, problems)
}

#[test]
fn a_change_of_the_store_is_passed_on_once() {
    let configuration = configuration(&[("WORKERS", "2")]);
    let values = [("workers", "3"), ("channels/data/in/prefetch", "7")];
    let changed = set_store(&configuration, values);
    assert_eq!(changed, ["WORKERS is 3 now (Consul)", "CHANNEL_DATA_IN_PREFETCH is 7 now (Consul)"]);
    let (settings, problems) = taken(&configuration);
    assert_eq!((settings.len(), settings[0].workers, problems.len()), (1, 3, 0));
    assert_eq!(settings[0].channels["data/in"].prefetch, Some(7));
    assert!(set_store(&configuration, values).is_empty() && taken(&configuration).0.is_empty());
    assert_eq!(set_store(&configuration, []).len(), 2);
    assert_eq!(configuration.settings().workers, 2, "the environment counts again");
}

#[test]
fn a_bad_value_keeps_the_old_one_is_reported_once_and_hinders_no_other() {
    let configuration = configuration(&[]);
    set_store(&configuration, [("workers", "3")]);
    let _ = taken(&configuration);
    set_store(&configuration, [("workers", "hunter2"), ("max_retries", "1")]);
    let (settings, problems) = taken(&configuration);
    assert_eq!((settings[0].workers, settings[0].retry.max_retries), (3, 1));
    assert_eq!(problems[0].severity, Severity::Error);
    let text = &problems[0].text;
    assert!(text.starts_with("WORKERS: expected a number from 1 to 64") && !text.contains("hunter2"), "{text}");
    set_store(&configuration, [("workers", "hunter2"), ("max_retries", "2")]);
    assert!(taken(&configuration).1.is_empty(), "it was reported twice");
    set_store(&configuration, [("workers", "4")]);
    assert_eq!(configuration.settings().workers, 4);
    set_store(&configuration, [("workers", "0")]);
    assert_eq!(taken(&configuration).1.len(), 1, "a new bad value is a new error");
}

#[test]
fn all_problems_of_the_routes_keep_the_old_routes() {
    let configuration = configuration(&[]);
    set_store(
        &configuration,
        [("queue_config", r#"[{"name": "a", "type": "producer", "queue": "q", "of": ["reply"]}]"#)],
    );
    assert_eq!(configuration.settings().routes.producers.len(), 1);
    let _ = taken(&configuration);
    set_store(&configuration, [("queue_config", r#"[{"name": "a", "type": "sender"}, {"name": "b", "type": "x"}]"#)]);
    assert_eq!(taken(&configuration).1.len(), 2);
    assert_eq!(configuration.settings().routes.producers.len(), 1);
}

#[test]
fn a_setting_that_needs_a_restart_stays_and_is_a_warning() {
    let configuration = configuration(&[]);
    set_store(&configuration, [("register_timeout", "20")]);
    let (settings, problems) = taken(&configuration);
    assert!(settings.is_empty() && configuration.settings().register_timeout.as_secs() == 10);
    assert_eq!(
        problems,
        [Problem::warning("REGISTER_TIMEOUT has changed, which needs a restart; until then it stays as it was".into())]
    );
}

#[test]
fn settings_that_contradict_each_other_within_a_source_stay_as_they_were() {
    let configuration = configuration(&[]);
    set_store(&configuration, [("rabbitmq_url", "amqp://mq:1"), ("rabbitmq_port", "2"), ("workers", "3")]);
    let broker = &configuration.settings().broker;
    assert_eq!((broker.hosts[0].to_string(), configuration.settings().workers), ("mq:1".to_owned(), 3));
    assert!(taken(&configuration).1[0].text.starts_with("RABBITMQ_PORT: expected the same as in RABBITMQ_URL"));
}

#[test]
fn the_authors_settings_change_and_their_secrets_are_masked() {
    let configuration = configuration(&[]);
    let changed = set_store(&configuration, [("highest", "30"), ("api_token", "hunter2")]);
    assert_eq!(changed, ["HIGHEST is 30 now (Consul)", "API_TOKEN is *** now (Consul)"]);
    let current = configuration.shared.own.as_ref().unwrap().current().unwrap().downcast::<Limits>().unwrap();
    assert_eq!((current.highest, &*current.api_token), (30, "hunter2"));
    set_store(&configuration, [("highest", "hunter2")]);
    let problems = taken(&configuration).1;
    assert!(
        problems[0].text.starts_with("HIGHEST: expected a whole number")
            && !format!("{problems:?}").contains("hunter2")
    );
}

#[test]
fn an_order_counts_before_the_store_until_it_is_undone() {
    let configuration = configuration(&[]);
    set_store(&configuration, [("workers", "3")]);
    let order = |changes: Value| configuration.order(changes.as_object().unwrap());
    assert_eq!(order(json!({ "workers": 5 })), Ok("WORKERS is 5 now (an order)".to_owned()));
    assert_eq!(order(json!({ "WORKERS": 5 })), Ok("nothing has changed".to_owned()));
    assert_eq!(order(json!({ "workers": null })), Ok("WORKERS is 3 now (Consul)".to_owned()));
    let refused = order(json!({ "workers": "many", "max_retries": 1 })).unwrap_err();
    assert!(refused.contains("WORKERS: expected a number"), "{refused}");
    assert_eq!(configuration.settings().workers, 3);
    assert_eq!(configuration.settings().retry.max_retries, 5, "a part of a refused order was carried out");
}

#[test]
fn an_order_cannot_send_the_login_elsewhere_or_change_what_is_fixed() {
    let configuration = configuration(&[]);
    for (path, reason) in [
        ("rabbitmq_host", "could send the component's login elsewhere"),
        ("RABBITMQ_URL", "could send"),
        ("queue_config", "could send"),
        ("log_dir", "cannot be changed while"),
        ("consul_host", "cannot be changed while"),
        ("mov_url", "cannot be changed while"),
        ("no_such", "is no setting"),
    ] {
        let refused = configuration.order(json!({ "workers": 2, (path): "x" }).as_object().unwrap()).expect_err(path);
        assert!(refused.contains(reason), "{path}: {refused}");
    }
    assert_eq!(configuration.settings().workers, 1, "a part of a refused order was carried out");
}

#[test]
fn an_unknown_setting_of_the_store_is_a_warning() {
    let configuration = configuration(&[]);
    set_store(&configuration, [("workerz", "2"), ("logging_config/valawai::mov", "DEBUG"), ("highest", "1")]);
    let problems = taken(&configuration).1;
    assert_eq!(problems, [Problem::warning("`workerz` is no setting of this component".into())]);
}

#[test]
fn the_settings_of_the_author_are_shown_without_secrets() {
    let configuration = configuration(&[("API_TOKEN", "hunter2")]);
    let settings = configuration.settings();
    let shown = |name: &str| {
        let found = settings.effective.iter().find(|it| it.name == name).unwrap_or_else(|| panic!("no {name}"));
        (found.value.clone(), found.origin.clone())
    };
    assert_eq!(shown("API_TOKEN"), ("***".into(), "the environment".into()));
    assert_eq!(shown("HIGHEST"), (String::new(), "default".into()));
    assert!(!format!("{settings:?}").contains("hunter2"));
}
