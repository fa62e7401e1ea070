//! Messages against the schema of their channel.

use serde_json::{Value, json};

use crate::asyncapi::validation::MessageSchemas;

const QUEUE: &str = "valawai/c1/shop/data/order";

fn violations(schema: &str, message: &Value) -> Vec<String> {
    let text = format!(
        "channels: {{ {QUEUE}: {{ subscribe: {{ message: {{ $ref: '#/components/messages/order' }} }} }} }}
components: {{ messages: {{ order: {{ payload: {schema} }} }},
  schemas: {{ price: {{ type: number, minimum: 0.5, exclusiveMaximum: 100 }},
             tree: {{ type: object, properties: {{ child: {{ $ref: '#/components/schemas/tree' }}, n: {{ type: integer }} }} }} }} }}"
    );
    let schemas = MessageSchemas::parse(&text).expect("YAML");
    assert!(schemas.has(QUEUE), "there is no schema in {text}");
    schemas.violations(QUEUE, message)
}

#[track_caller]
fn assert_violation(schema: &str, message: &Value, expected: &str) {
    let found = violations(schema, message);
    assert!(
        matches!(&found[..], [only] if only == expected),
        "{message} against {schema}: {found:?}, not {expected:?}"
    );
}

#[test]
fn types_required_fields_and_limits_are_checked() {
    let order = "{ type: object, required: [item], additionalProperties: false, properties: {
        item: { type: string, minLength: 2, maxLength: 5 }, price: { $ref: '#/components/schemas/price' },
        kind: { type: string, enum: [new, used] }, tags: { type: array, maxItems: 2, items: { type: string } },
        fixed: { const: 5 }, flag: { type: [boolean, 'null'] }, number: { type: integer } } }";
    let valid =
        json!({"item": "book", "price": 9.5, "kind": "new", "tags": ["a"], "fixed": 5, "flag": null, "number": 2.0});
    assert_eq!(violations(order, &valid), Vec::<String>::new());
    for (message, expected) in [
        (json!([]), "the message: expected the type object, found an array"),
        (json!({}), "item: is required"),
        (json!({"item": 5}), "item: expected the type string, found a number"),
        (json!({"item": "é"}), "item: expected at least 2 characters, found 1"),
        (json!({"item": "longer"}), "item: expected at most 5 characters, found 6"),
        (json!({"item": "book", "price": 0.25}), "price: expected at least 0.5, found 0.25"),
        (json!({"item": "book", "price": 100}), "price: expected less than 100, found 100"),
        (json!({"item": "book", "kind": "old"}), "kind: expected one of `new, used`"),
        (json!({"item": "book", "tags": ["a", 5]}), "tags.1: expected the type string, found a number"),
        (json!({"item": "book", "tags": ["a", "b", "c"]}), "tags: expected at most 2 items, found 3"),
        (json!({"item": "book", "fixed": 6}), "fixed: expected `5`"),
        (json!({"item": "book", "flag": "x"}), "flag: expected the type boolean or null, found a string"),
        (json!({"item": "book", "number": 2.5}), "number: expected the type integer, found a number"),
        (json!({"item": "book", "other": 1}), "other: is not a field of the schema"),
    ] {
        assert_violation(order, &message, expected);
    }
}

#[test]
fn combinations_are_checked() {
    let one = "{ oneOf: [{ type: string }, { type: string, maxLength: 3 }, { type: integer }] }";
    assert_eq!(violations(one, &json!(5)), Vec::<String>::new());
    assert_violation(one, &json!("ab"), "the message: matches 2 of the schemas of `oneOf`");
    let any = "{ anyOf: [{ type: string }, { type: integer }] }";
    assert_violation(any, &json!(true), "the message: matches none of the schemas of `anyOf`");
    let all = "{ allOf: [{ required: [a] }, { required: [b] }] }";
    assert_violation(all, &json!({"a": 1}), "b: is required");
}

#[test]
fn a_schema_that_contains_itself_ends_with_the_message() {
    let tree = "{ $ref: '#/components/schemas/tree' }";
    assert_violation(
        tree,
        &json!({"child": {"child": {"n": "x"}}}),
        "child.child.n: expected the type integer, found a string",
    );
    for keyword in ["allOf", "anyOf"] {
        let own = "{ $ref: '#/components/messages/order/payload' }";
        let endless = format!("{{ {keyword}: [{own}, {own}] }}");
        assert_eq!(violations(&endless, &json!({})), Vec::<String>::new(), "{keyword}");
    }
}

#[test]
fn a_channel_without_a_schema_accepts_everything() {
    let schemas = MessageSchemas::parse("channels: {}").unwrap();
    assert!(!schemas.has(QUEUE) && schemas.violations(QUEUE, &json!(5)).is_empty());
    assert!(MessageSchemas::parse("a: [").is_none());
}
