//! Each rule of the MOV's asyncapi parser, as its contract lists them.

use serde_json::{Value, json};

use super::components::{REGISTER, SOON, Scene, registration};

/// What becomes of a registration whose only channel subscribes to this payload.
enum Outcome {
    /// It is registered, and the channel has this schema (or none).
    Schema(Value),
    NoSchema,
    Refused(&'static str),
}

use Outcome::{NoSchema, Refused, Schema};

#[test]
fn each_kind_of_payload_has_its_fate() {
    let basic = |format: &str| Schema(json!({"type": "BASIC", "format": format}));
    let string = || json!({"type": "BASIC", "format": "STRING"});
    let rules: Vec<(&str, Outcome)> = vec![
        ("{type: integer, minimum: 1}", basic("INTEGER")),
        ("{type: number, format: double}", basic("NUMBER")),
        ("{type: string, pattern: x}", basic("STRING")),
        ("{type: boolean, default: true}", basic("BOOLEAN")),
        ("{const: x}", Schema(json!({"type": "CONST", "value": "x"}))),
        ("{const: null}", Schema(json!({"type": "CONST"}))),
        ("{const: 5}", Refused("`const`")),
        (
            "{type: string, enum: [b, 1, null, a, b]}",
            Schema(json!({"type": "ENUM", "values": ["1", "a", "b", "null"]})),
        ),
        ("{enum: x}", Refused("`enum`")),
        ("{type: object, properties: {}}", Schema(json!({"type": "OBJECT"}))),
        ("{properties: {a: {type: string}}}", Schema(json!({"type": "OBJECT", "properties": {"a": string()}}))),
        ("{type: object}", Refused("without `properties`")),
        ("{type: object, additionalProperties: true}", Refused("without `properties`")),
        ("{}", Refused("without `properties`")),
        ("{description: any}", Refused("without `properties`")),
        ("{type: 'null'}", Refused("without `properties`")),
        ("{type: [string, 'null']}", Refused("`type`")),
        ("{type: null}", Refused("`type`")),
        ("{type: object, oneOf: [{type: string}]}", Refused("without `properties`")),
        ("{properties: {a: null, b: true}}", Schema(json!({"type": "OBJECT", "properties": {"a": null, "b": null}}))),
        ("{type: array, items: {type: string}}", Schema(json!({"type": "ARRAY", "items": [string()]}))),
        ("{type: array, items: [{type: string}, 5]}", Schema(json!({"type": "ARRAY", "items": [string()]}))),
        ("{type: array}", Schema(json!({"type": "ARRAY"}))),
        ("{type: array, items: {}}", Refused("without `properties`")),
        ("{oneOf: [{type: string}]}", basic("STRING")),
        ("{anyOf: {type: string}}", basic("STRING")),
        ("{oneOf: [{type: string}, {type: string}]}", Schema(json!({"type": "ONE_OF", "items": [string(), string()]}))),
        ("{anyOf: []}", Schema(json!({"type": "ANY_OF"}))),
        (
            "{allOf: [{type: string}, {const: x}]}",
            Schema(json!({"type": "ALL_OF", "items": [string(), {"type": "CONST", "value": "x"}]})),
        ),
        ("{allOf: null}", Refused("`allOf`")),
        ("{$ref: '#/text'}", basic("STRING")),
        ("{$ref: '#/nowhere'}", Refused("without `properties`")),
        ("{$ref: 'other.yaml#/text'}", Refused("without `properties`")),
        ("{$ref: '#/nowhere', type: string}", basic("STRING")),
        (
            "{$ref: '#/tree'}",
            Schema(json!({"type": "OBJECT", "id": 0, "properties": {"child": {"type": "REF", "identifier": 0}}})),
        ),
        ("{$ref: '#/endless'}", Refused("contains itself")),
        (
            "{properties: {a: {properties: {x: {type: string}}}, b: {properties: {x: {type: integer}}}}}",
            Schema(json!({"type": "OBJECT", "properties": {
                "a": {"type": "OBJECT", "id": 1, "properties": {"x": string()}},
                "b": {"type": "REF", "identifier": 1},
            }})),
        ),
    ];
    check(
        rules
            .into_iter()
            .map(|(payload, outcome)| (channel(&format!("subscribe: {{message: {{payload: {payload}}}}}")), outcome)),
    );
}

#[test]
fn each_kind_of_channel_has_its_fate() {
    let basic = |format: &str| Schema(json!({"type": "BASIC", "format": format}));
    let rules = [
        ("{}", Refused("`channels`")),
        ("channels:", Refused("`channels`")),
        ("channels: [a]", Refused("`channels`")),
        ("a: [", Refused("not YAML")),
        ("channels: {}\n---\nchannels: {}", Refused("one YAML document")),
        ("channels: {q: 5}", Refused("not a map")),
        ("channels: {5: {}}", Refused("name")),
        ("channels: {q: null}", NoSchema),
        ("channels: {q: {$ref: '#/components/channels/q'}}", NoSchema),
        (
            "channels: {q: {subscribe: {message: {oneOf: [{payload: {type: string}}, {payload: {type: string}}]}}}}",
            NoSchema,
        ),
        ("channels: {q: {subscribe: {message: {$ref: '#/nowhere'}}}}", NoSchema),
        ("channels: {q: {subscribe: {message: {$ref: '#/first'}}}}", NoSchema),
        ("channels: {q: {subscribe: {message: {$ref: '#/second'}}}}", basic("STRING")),
        ("channels: {q: {subscribe: {message: &m {payload: {<<: *text, description: merged}}}}}", basic("STRING")),
        (
            "{\"channels\": {\"q\": {\"subscribe\": {\"message\": {\"payload\": {\"type\": \"integer\"}}}}}}",
            basic("INTEGER"),
        ),
        ("asyncapi: 3.0.0\nchannels: {q: {address: a, messages: {m: {payload: {type: object}}}}}", NoSchema),
    ];
    check(rules.map(|(text, outcome)| (with_definitions(text), outcome)));
}

#[test]
fn what_info_says_counts_only_as_text() {
    let scene = Scene::set();
    let described = |info: &str| {
        scene.register("C0", "c0_x", &format!("info: {info}\nchannels: {{}}"));
        scene.mov.registrations().last().and_then(|it| it.description.clone())
    };
    assert_eq!(described("{description: a nonce, version: 1.0.0}").as_deref(), Some("a nonce"));
    assert_eq!(described("{description: 5}"), None);
    assert_eq!(described("{description: ''}"), None);
    assert_eq!(described("none"), None);
    let page = |text: &str| {
        let id = scene.register("C0", "c0_x", text);
        scene.mov.get(&format!("/v1/components/{id}")).1
    };
    assert!(page("info: {version: 1.0.0}\nchannels: {}").contains(r#""apiVersion":"1.0.0""#));
    assert!(!page("info: {version: 1.0}\nchannels: {}").contains("apiVersion"));
}

#[test]
fn the_yaml_library_has_limits() {
    let aliases = |count: usize| {
        let scalars = "*text, ".repeat(100);
        let collections = "*map, ".repeat(count);
        format!("text: &text x\nmap: &map {{a: b}}\nlist: [{scalars}{collections}]\nchannels: {{}}")
    };
    // The limit counts characters, not bytes.
    let long = |length: usize| format!("channels: {{}}\nfiller: '{}'", "é".repeat(length));
    let scene = Scene::set();
    scene.register("C1", "c1_x", &aliases(50));
    scene.register("C1", "c1_x", &long(2_900 * 1024));
    for (number, text) in [aliases(51), long(3_150 * 1024)].iter().enumerate() {
        scene.send(REGISTER, &registration("C1", "c1_x", text));
        scene.wait_refused(number + 1);
    }
    assert_eq!(scene.mov.live().len(), 2);
}

#[test]
fn only_a_registered_channel_of_the_right_level_is_told() {
    let scene = Scene::set();
    let told = |kind: &str, channels: &str| {
        let registered = "properties: {id: {}, name: {}, description: {}, version: {}, api_version: {}, type: {}, since: {}, channels: {}}";
        let registered = registered.replace("{}", "{type: string}");
        let text = channels.replace("REGISTERED", &format!("subscribe: {{message: {{payload: {{{registered}}}}}}}"));
        scene.register(kind, "c1_x", &format!("channels: {{{text}}}"));
        scene.mov.registrations().last().and_then(|it| it.registered_channel.clone())
    };
    let channel = |name: &str| format!("{name}: {{REGISTERED}}");
    let own = "valawai/c1/anybody/control/registered";
    assert_eq!(told("C1", &channel(own)).as_deref(), Some(own));
    assert_eq!(told("C2", &channel(own)), None);
    assert_eq!(told("C1", &channel("valawai/c1/ec-ho/control/registered")), None);
    assert_eq!(told("C1", &channel("valawai/c1/x/data/registered")), None);
    assert_eq!(
        told(
            "C1",
            "valawai/c1/x/control/registered: {subscribe: {message: {payload: {properties: {id: {type: string}}}}}}"
        ),
        None
    );
    let two = format!("{}, {}", channel(own), channel("valawai/c1/x/control/registered"));
    assert_eq!(told("C1", &two).as_deref(), Some("valawai/c1/x/control/registered"), "the last one wins");
}

fn channel(definition: &str) -> String {
    with_definitions(&format!("channels: {{q: {{{definition}}}}}"))
}

fn with_definitions(text: &str) -> String {
    let definitions = "
text: &text {type: string}
tree: {properties: {child: {$ref: '#/tree'}}}
endless: {type: array, items: {$ref: '#/endless'}}
first: {$ref: '#/second'}
second: {payload: {type: string}}
";
    // In front, so that anchors are known; a text in JSON, or not in YAML, stands alone.
    if text.starts_with(['{', 'a']) || text.contains("---") { text.to_owned() } else { format!("{definitions}{text}") }
}

fn check(rules: impl IntoIterator<Item = (String, Outcome)>) {
    let scene = Scene::set();
    let (mut refused, mut registered) = (0, 0);
    for (text, outcome) in rules {
        scene.send(REGISTER, &registration("C1", "c1_x", &text));
        match outcome {
            Refused(reason) => {
                refused += 1;
                let told = scene.wait_refused(refused);
                assert!(told.contains(reason), "{text}: {told:?} instead of {reason:?}");
            }
            Schema(schema) => {
                registered += 1;
                assert_eq!(schema_of(&scene, registered), Some(schema), "{text}");
            }
            NoSchema => {
                registered += 1;
                assert_eq!(schema_of(&scene, registered), None, "{text}");
            }
        }
    }
    assert_eq!(scene.mov.live().len(), registered);
    assert!(
        scene.mov.logs_with("Received invalid register component payload, because The async API is not valid..").len()
            == refused
    );
}

fn schema_of(scene: &Scene, count: usize) -> Option<Value> {
    let id = scene.mov.wait_until("the registration", SOON, |snapshot| {
        (snapshot.live.len() == count).then(|| snapshot.live[count - 1].id.clone())
    });
    let answer: Value = serde_json::from_str(&scene.mov.get(&format!("/v1/components/{id}")).1).expect("JSON");
    answer["channels"][0].get("subscribe").cloned()
}
