//! The rules of the MOV's asyncapi parser.

use serde_json::{Value, json};

use super::test_bed::{REGISTER, SOON, TestBed, registration};

/// The outcome of a registration with one channel.
enum Outcome {
    /// It is registered, and the channel subscribes to this schema.
    Schema(Value),
    /// It is registered, and the channel has no schema.
    NoSchema,
    /// It is refused, with a reason that contains this text.
    Refused(&'static str),
}

use Outcome::{NoSchema, Refused, Schema};

#[test]
fn payloads_are_read_or_refused() {
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
fn channels_are_read_or_refused() {
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
fn fields_of_info_count_only_as_texts() {
    let test_bed = TestBed::start();
    let described = |info: &str| {
        test_bed.register("C0", "c0_x", &format!("info: {info}\nchannels: {{}}"));
        test_bed.mov.registrations().last().and_then(|it| it.description.clone())
    };
    assert_eq!(described("{description: a nonce, version: 1.0.0}").as_deref(), Some("a nonce"));
    assert_eq!(described("{description: 5}"), None);
    assert_eq!(described("{description: ''}"), None);
    assert_eq!(described("none"), None);
    let page = |text: &str| {
        let id = test_bed.register("C0", "c0_x", text);
        test_bed.mov.get(&format!("/v1/components/{id}")).1
    };
    assert!(page("info: {version: 1.0.0}\nchannels: {}").contains(r#""apiVersion":"1.0.0""#));
    assert!(!page("info: {version: 1.0}\nchannels: {}").contains("apiVersion"));
}

#[test]
fn yaml_aliases_and_length_are_limited() {
    let aliases = |count: usize| {
        let scalars = "*text, ".repeat(100);
        let collections = "*map, ".repeat(count);
        format!("text: &text x\nmap: &map {{a: b}}\nlist: [{scalars}{collections}]\nchannels: {{}}")
    };
    // The limit counts characters, not bytes.
    let long = |length: usize| format!("channels: {{}}\nfiller: '{}'", "é".repeat(length));
    let test_bed = TestBed::start();
    test_bed.register("C1", "c1_x", &aliases(50));
    test_bed.register("C1", "c1_x", &long(2_900 * 1024));
    for (number, text) in [aliases(51), long(3_150 * 1024)].iter().enumerate() {
        test_bed.send(REGISTER, &registration("C1", "c1_x", text));
        test_bed.wait_refused(number + 1);
    }
    assert_eq!(test_bed.mov.live().len(), 2);
}

#[test]
fn only_a_registered_channel_of_the_right_level_gets_the_notice() {
    let test_bed = TestBed::start();
    let notified_channel = |kind: &str, channels: &str| {
        let registered = "properties: {id: {}, name: {}, description: {}, version: {}, api_version: {}, type: {}, since: {}, channels: {}}";
        let registered = registered.replace("{}", "{type: string}");
        let text = channels.replace("REGISTERED", &format!("subscribe: {{message: {{payload: {{{registered}}}}}}}"));
        test_bed.register(kind, "c1_x", &format!("channels: {{{text}}}"));
        test_bed.mov.registrations().last().and_then(|it| it.registered_channel.clone())
    };
    let channel = |name: &str| format!("{name}: {{REGISTERED}}");
    let own = "valawai/c1/anybody/control/registered";
    assert_eq!(notified_channel("C1", &channel(own)).as_deref(), Some(own));
    assert_eq!(notified_channel("C2", &channel(own)), None);
    assert_eq!(notified_channel("C1", &channel("valawai/c1/ec-ho/control/registered")), None);
    assert_eq!(notified_channel("C1", &channel("valawai/c1/x/data/registered")), None);
    assert_eq!(
        notified_channel(
            "C1",
            "valawai/c1/x/control/registered: {subscribe: {message: {payload: {properties: {id: {type: string}}}}}}"
        ),
        None
    );
    let two = format!("{}, {}", channel(own), channel("valawai/c1/x/control/registered"));
    assert_eq!(
        notified_channel("C1", &two).as_deref(),
        Some("valawai/c1/x/control/registered"),
        "the last of several channels is used"
    );
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
    // Anchors must precede their use. JSON texts, several documents and invalid YAML are used as they are.
    if text.starts_with(['{', 'a']) || text.contains("---") { text.to_owned() } else { format!("{definitions}{text}") }
}

fn check(rules: impl IntoIterator<Item = (String, Outcome)>) {
    let test_bed = TestBed::start();
    let (mut refused, mut registered) = (0, 0);
    for (text, outcome) in rules {
        test_bed.send(REGISTER, &registration("C1", "c1_x", &text));
        match outcome {
            Refused(reason) => {
                refused += 1;
                let actual = test_bed.wait_refused(refused);
                assert!(actual.contains(reason), "{text}: refused for {actual:?} instead of {reason:?}");
            }
            Schema(schema) => {
                registered += 1;
                assert_eq!(schema_of(&test_bed, registered), Some(schema), "{text}");
            }
            NoSchema => {
                registered += 1;
                assert_eq!(schema_of(&test_bed, registered), None, "{text}");
            }
        }
    }
    assert_eq!(test_bed.mov.live().len(), registered);
    let logged =
        test_bed.mov.logs_with("Received invalid register component payload, because The async API is not valid..");
    assert_eq!(logged.len(), refused);
}

fn schema_of(test_bed: &TestBed, count: usize) -> Option<Value> {
    let id = test_bed.mov.wait_until("the registration", SOON, |snapshot| {
        (snapshot.live.len() == count).then(|| snapshot.live[count - 1].id.clone())
    });
    let answer: Value = serde_json::from_str(&test_bed.mov.get(&format!("/v1/components/{id}")).1).expect("JSON");
    answer["channels"][0].get("subscribe").cloned()
}
