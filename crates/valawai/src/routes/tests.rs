use super::*;
use serde_json::{Value, json};

/// The sample of the documentation.
const SAMPLE: &str = r#"{"queue_config": [
  {"name": "requests", "type": "consumer", "exchange": {"name": "managed", "type": "topic", "durable": true, "create": true,
   "arguments": {}}, "queue": "requests_for_echo", "binding_key": "requested.\u0023", "handler": "data/received_message",
   "host": "other-mq", "port": "5672", "auth": {"user": "me", "password": "hunter2"}},
  {"name": "done", "type": "producer", "exchange": {"name": "events", "type": "topic"}, "binding_key": "echo.done", "of": ["reply"]},
  {"name": "error", "type": "producer", "exchange": {"name": "events"}, "binding_key": "echo.failed", "of": ["dead-letter"]},
  {"name": "store", "type": "producer", "queue": "store", "of": ["received", "reply", "retry", "dead-letter"]}]}"#;

fn handlers(names: &[&str]) -> Vec<HandlerChannel> {
    let handler = |name: &&str| HandlerChannel {
        channel: format!("valawai/c1/echo/{name}").parse().unwrap(),
        has_state: name.ends_with("state"),
    };
    names.iter().map(handler).collect()
}

fn consumer(change: impl FnOnce(&mut Value)) -> Value {
    let mut route = json!({"name": "a", "type": "consumer", "queue": "q"});
    change(&mut route);
    route
}

fn producer(change: impl FnOnce(&mut Value)) -> Value {
    let mut route = json!({"name": "a", "type": "producer", "queue": "q"});
    change(&mut route);
    route
}

/// The problems of these routes, for a component with one data handler.
fn problems(routes: &Value) -> Vec<String> {
    let problems = parse(&routes.to_string(), Some(&handlers(&["data/in"]))).expect_err("it has no problem");
    problems.iter().map(ToString::to_string).collect()
}

#[track_caller]
fn assert_problem(route: &Value, path: &str, expected: &str) {
    let problems = problems(&json!([route]));
    let [problem] = &problems[..] else { panic!("not one problem: {problems:?}") };
    assert!(problem.starts_with(&format!("queue_config[0]{path}: expected ")), "{problem} is not about {path}");
    assert!(problem.contains(expected), "{problem} does not contain {expected:?}");
}

#[test]
fn the_sample_of_the_documentation_is_read() {
    let routes = parse(SAMPLE, Some(&handlers(&["data/received_message", "control/parameters"]))).unwrap();
    let [requests] = &routes.consumers[..] else { panic!("{routes:?}") };
    assert_eq!((&*requests.queue, &*requests.handler), ("requests_for_echo", "data/received_message"));
    let binding = requests.binding.as_ref().unwrap();
    assert_eq!((&*binding.exchange.name, &*binding.key, binding.exchange.create), ("managed", "requested.#", true));
    let broker = requests.broker.as_ref().unwrap();
    assert_eq!((broker.host.as_deref(), broker.port, &broker.vhost), (Some("other-mq"), Some(5672), &None));
    assert_eq!(broker.auth.as_ref().unwrap().1.reveal(), "hunter2");
    let forms: Vec<_> = routes.producers.iter().map(|it| (&*it.name, it.events.form(), it.confirm)).collect();
    assert_eq!(forms, [("done", Form::Reply, true), ("error", Form::Report, true), ("store", Form::Envelope, true)]);
    assert_eq!(routes, parse(SAMPLE, Some(&handlers(&["data/received_message"]))).unwrap(), "reading is repeatable");
}

#[test]
fn all_problems_are_reported_together_with_their_paths() {
    let routes = json!([
        {"name": "a b", "type": "consumer", "queue": 7, "handler": "data/other", "port": "0"},
        {"name": "x", "type": "sender"},
        {"name": "y", "type": "producer", "of": ["replies"], "confirm": "yes"},
        {"name": "y", "type": "producer", "queue": "q", "exchange": {"name": "e", "type": "tropic"}, "queu": 1},
    ]);
    let paths: Vec<String> = problems(&routes)
        .iter()
        .map(|problem| problem.split_once(':').unwrap().0.replace("queue_config", ""))
        .collect();
    let expected = [
        "[0].name",
        "[0].queue",
        "[0].handler",
        "[0].port",
        "[1].type",
        "[2]",
        "[2].of",
        "[2].confirm",
        "[3]",
        "[3].name",
        "[3].exchange.type",
        "[3].binding_key",
        "[3]",
    ];
    assert_eq!(paths, expected);
}

#[test]
fn a_password_is_never_printed_whatever_the_field() {
    let mut fields = vec!["name", "type", "queue", "binding_key", "handler", "host", "port", "auth", "vhost", "of"];
    fields.extend(["exchange", "confirm", "tls", "no_such_field", "hunter2"]);
    for field in fields {
        for value in [json!("amqp://me:hunter2@mq"), json!({"hunter2": "hunter2"}), json!(["hunter2\u{1b}"])] {
            for mut route in [consumer(|_| ()), producer(|_| ())] {
                route[field] = value.clone();
                if let Err(problems) = parse(&json!([route]).to_string(), Some(&handlers(&["data/in"]))) {
                    let text = format!("{problems:?} {}", problems.iter().map(Problem::to_string).collect::<String>());
                    assert!(!text.contains("hunter2"), "{field}: {text}");
                }
            }
        }
    }
    let text = format!("{:?}", parse(SAMPLE, None).unwrap());
    assert!(!text.contains("hunter2") && text.contains("***"), "{text}");
    assert!(!masked(SAMPLE).contains("hunter2") && masked(SAMPLE).contains("requests_for_echo"), "{}", masked(SAMPLE));
    assert_eq!(masked(r#"[{"pasword": "hunter2"}]"#), "***");
    for text in ["hunter2", r#"{"queue_config": [hunter2]}"#, r#""hunter2""#] {
        let problems = parse(text, None).unwrap_err();
        assert!(!format!("{problems:?}").contains("hunter2"), "{problems:?}");
    }
}

#[test]
fn queues_and_exchanges_of_the_platform_are_refused() {
    for queue in ["valawai/component/register", "valawai/c1/other/data/x", "valawai/c1/echo/retry/x", "amq.gen-x", ""] {
        assert_problem(&consumer(|it| it["queue"] = json!(queue)), ".queue", "");
        assert_problem(&producer(|it| it["queue"] = json!(queue)), ".queue", "");
    }
    for name in ["add_log", "register_component", "valawai.service", "valawai/x", "amq.default", "", "amq.rabbitmq.log"]
    {
        let exchange = json!({"name": name, "type": "fanout"});
        assert_problem(&consumer(|it| it["exchange"] = exchange.clone()), ".exchange.name", "");
    }
    let created = |name| json!({"name": name, "type": "fanout", "create": true});
    assert_problem(&consumer(|it| it["exchange"] = created("amq.topic")), ".exchange.name", "no `create`");
}

#[test]
fn names_ports_and_numbers_are_bounded() {
    let long = "x".repeat(256);
    assert_problem(&consumer(|it| it["queue"] = json!(long)), ".queue", "255");
    assert_problem(&consumer(|it| it["queue"] = json!("a\nb")), ".queue", "control characters");
    assert_problem(&consumer(|it| it["name"] = json!("x".repeat(65))), ".name", "64");
    for port in [json!(0), json!(65536), json!("5672."), json!(-1), json!(true)] {
        assert_problem(&consumer(|it| it["port"] = port), ".port", "65535");
    }
    for host in ["a:1", "amqp://mq", "a b", ""] {
        assert_problem(&consumer(|it| it["host"] = json!(host)), ".host", "host");
    }
    assert_problem(&consumer(|it| it["auth"] = json!({"user": "me"})), ".auth.password", "");
    let many: Vec<Value> = (0..65).map(|number| producer(|it| it["name"] = json!(format!("{number}")))).collect();
    assert!(problems(&json!(many))[0].contains("at most 64 routes"));
    let text = format!("[{}]", " ".repeat(300_000));
    assert!(parse(&text, None).unwrap_err()[0].to_string().contains("64 KiB"));
    let nested = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(parse(&nested, None).is_err());
}

#[test]
fn a_consumer_feeds_the_only_data_handler_or_the_one_it_names() {
    let parse = |handler: Option<&str>, handlers: &[HandlerChannel]| {
        let routes = json!([consumer(|it| it["handler"] = json!(handler))]).to_string();
        parse(&routes, Some(handlers)).map(|routes| routes.consumers[0].handler.clone()).map_err(|it| it[0].to_string())
    };
    let one = handlers(&["control/parameters", "data/in"]);
    let several = handlers(&["data/in", "data/out", "control/in", "data/with_state"]);
    assert_eq!(parse(None, &one).as_deref(), Ok("data/in"));
    assert_eq!(parse(Some("valawai/c1/echo/control/parameters"), &one).as_deref(), Ok("control/parameters"));
    assert_eq!(parse(Some("out"), &several).as_deref(), Ok("data/out"));
    for (handler, expected) in [(None, "one channel"), (Some("in"), "one channel"), (Some("no"), "data/in, data/out")] {
        let problem = parse(handler, &several).unwrap_err();
        assert!(problem.starts_with("queue_config[0].handler: ") && problem.contains(expected), "{problem}");
    }
    assert!(parse(Some("with_state"), &several).unwrap_err().contains("without a state"));
}

#[test]
fn an_exchange_that_delays_needs_a_type_that_every_broker_has() {
    let kind = |arguments: Value| {
        let exchange = json!({"name": "e", "type": "x-delayed-message", "arguments": arguments});
        let routes = json!([consumer(|it| {
            it["exchange"] = exchange;
            it["binding_key"] = json!("k");
        })]);
        parse(&routes.to_string(), None).map(|routes| routes.consumers[0].binding.clone().unwrap().exchange.kind)
    };
    assert_eq!(kind(json!({})), Ok(ExchangeKind::Delayed(PlainKind::Topic)));
    assert_eq!(kind(json!({"x-delayed-type": "fanout"})), Ok(ExchangeKind::Delayed(PlainKind::Fanout)));
    assert!(kind(json!({"x-delayed-type": "x-delayed-message"})).is_err());
    assert!(kind(json!({"x-delayed-type": 1})).is_err());
}

#[test]
fn what_differs_in_one_field_is_another_route() {
    let read = |route: Value| parse(&json!([route]).to_string(), None).unwrap();
    let base = read(consumer(|_| ()));
    assert_eq!(base, read(consumer(|_| ())));
    for (field, value) in [("queue", json!("r")), ("host", json!("mq")), ("handler", json!("data/x"))] {
        assert_ne!(base, read(consumer(|it| it[field] = value)), "{field}");
    }
}
