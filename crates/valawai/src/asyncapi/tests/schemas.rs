//! Each row of the MOV's rules for schemas, and what matches.

use super::*;

/// A contract whose only channel has this payload in line 2.
fn channel(direction: &str, payload: &str) -> String {
    format!(
        "channels: {{ valawai/c1/a/data/x: {{ {direction}: {{ message: {{ payload:
  {payload} }} }} }} }}
text: {{ type: string }}
first: {{ $ref: '#/text' }}
tree: {{ properties: {{ children: {{ type: array, items: {{ $ref: '#/tree' }} }} }} }}
endless: {{ type: array, items: {{ $ref: '#/endless' }} }}
paths: {{ a/b: {{ type: string }} }}
"
    )
}

#[test]
fn a_schema_that_the_mov_does_not_understand_is_an_error() {
    for (schema, expected) in [
        ("{ type: object }", "an object without `properties`"),
        ("{ type: object, additionalProperties: true }", "an object without `properties`"),
        ("{ type: object, oneOf: [{ type: string }] }", "an object without `properties`"),
        ("{}", "a schema without a type"),
        ("{ description: anything }", "a schema without a type"),
        ("{ type: 'null' }", "the type `null` is unknown"),
        ("{ type: [string, 'null'] }", "a `type` that is not one name"),
        ("{ type: null }", "a `type` that is not one name"),
        ("{ const: 5 }", "a `const` that is not a text"),
        ("{ const: on }", "a `const` that is not a text"),
        ("{ enum: x }", "an `enum` that is not a list"),
        ("{ type: array, items: {} }", "a schema without a type"),
        ("{ oneOf: null }", "a `oneOf` that is not a list"),
        ("{ $ref: '#/nowhere' }", "the reference `#/nowhere` does not resolve"),
        ("{ $ref: 'other.yaml#/text' }", "define it in this file"),
        ("{ $ref: '#/paths/a~1b' }", "no escapes"),
        ("{ $ref: '#' }", "the reference `#` does not resolve"),
        ("{ properties: { on: { type: string } } }", "a field whose name is not a text"),
    ] {
        let text = channel("subscribe", &format!("{{ properties: {{ field: {schema} }} }}"));
        let (errors, _) = findings(&text);
        assert_only(&errors, 2, expected, schema);
        assert!(errors[0].text.contains("the MOV refuses the component"), "{errors:?}");
    }
    let (errors, _) = findings(&channel("subscribe", "{ $ref: '#/endless' }"));
    assert_only(&errors, 6, "contains itself", "an endless array");
}

#[test]
fn a_schema_that_the_mov_understands_is_no_error() {
    for schema in [
        "{ type: integer, minimum: 1 }",
        "{ const: x }",
        "{ const: null }",
        "{ type: string, enum: [b, 1, null] }",
        "{ type: object, properties: {} }",
        "{ properties: { a: { type: string } } }",
        "{ type: array }",
        "{ type: array, items: [{ type: string }, 5] }",
        "{ oneOf: [{ type: string }] }",
        "{ anyOf: { type: string } }",
        "{ allOf: [] }",
        "{ $ref: '#/text' }",
        "{ $ref: '#/first' }",
        "{ $ref: '#/tree' }",
    ] {
        let text = channel("subscribe", &format!("{{ properties: {{ field: {schema} }} }}"));
        assert_eq!(findings(&text), (Vec::new(), Vec::new()), "{schema}");
    }
}

#[test]
fn a_payload_that_cannot_be_forwarded_or_compared_is_an_error_of_the_publisher() {
    for (schema, expected, warning) in [
        ("{ type: string }", "ends the MOV's forwarding", "forwards only objects"),
        ("{ type: array }", "ends the MOV's forwarding", "forwards only objects"),
        ("{ oneOf: [{ properties: {} }, { const: x }] }", "ends the MOV's forwarding", "forwards only objects"),
        ("{ properties: { a: true } }", "the field `a` has no schema", "the field `a` has no schema"),
    ] {
        let (errors, _) = findings(&channel("publish", schema));
        assert_only(&errors, 2, expected, schema);
        let (errors, warnings) = findings(&channel("subscribe", schema));
        assert!(errors.is_empty(), "{schema}: {errors:#?}");
        assert_only(&warnings, 2, warning, schema);
    }
}

#[test]
fn a_payload_that_deserves_care_is_a_warning() {
    for (schema, expected) in [
        ("{ properties: {} }", "an object without fields"),
        ("{ properties: { id: { type: string }, since: { type: integer } } }", "`control/registered` of components"),
        ("{ properties: { _id: { type: string } } }", "rename it"),
        ("{ properties: { $a: { type: string } } }", "rename it"),
        ("{ properties: { a.b: { type: string } } }", "rename it"),
        ("{ properties: { a: { $ref: '#/nowhere', type: string } } }", "the MOV ignores it"),
        (
            "{ properties: { a: { properties: { x: { type: string } } }, b: { properties: { x: { type: number } } } } }",
            "reads this object as a reference",
        ),
    ] {
        let (errors, warnings) = findings(&channel("publish", schema));
        assert!(errors.is_empty(), "{schema}: {errors:#?}");
        assert_only(&warnings, 2, expected, schema);
    }
}

#[test]
fn a_publisher_matches_a_subscriber_that_has_all_of_its_fields() {
    for (publish, subscribe, expected) in [
        ("{ a: string }", "{ a: string }", true),
        ("{ a: string }", "{ a: string, b: string }", true),
        ("{ a: string, b: string }", "{ a: string }", false),
        ("{ a: integer }", "{ a: number }", false),
        ("{ a: { enum: [x, y] } }", "{ a: { enum: [y, x] } }", true),
        ("{ a: { enum: [x, y] } }", "{ a: string }", false),
        ("{ a: { const: x } }", "{ a: { const: y } }", false),
        ("{ a: { type: array, items: { const: x } } }", "{ a: { type: array } }", false),
        ("{ a: { oneOf: [{ const: x }, { const: y }] } }", "{ a: { oneOf: [{ const: y }, { const: x }] } }", true),
        ("{ a: { oneOf: [{ const: x }, { const: y }] } }", "{ a: { anyOf: [{ const: x }, { const: y }] } }", false),
        ("{ a: { properties: {} } }", "{ a: { properties: { b: { const: x } } } }", true),
        (
            "{ p: { properties: { n: { const: x } } }, q: { properties: { n: { const: x } } } }",
            "{ p: { properties: { n: { const: x } } }, q: { properties: { n: { const: x } } } }",
            true,
        ),
        // The ordinals of the references differ.
        (
            "{ p: { properties: { n: { const: x } } }, q: { properties: { n: { const: x } } } }",
            "{ o: { properties: { m: { const: x } } }, p: { properties: { n: { const: x } } },
               q: { properties: { n: { const: x } } } }",
            false,
        ),
    ] {
        let [publish, subscribe] = [publish, subscribe].map(|fields| {
            ["string", "integer", "number"].iter().fold(fields.to_owned(), |fields, basic| {
                fields.replace(&format!(": {basic}"), &format!(": {{ type: {basic} }}"))
            })
        });
        let text = format!(
            "channels:
  valawai/c1/a/data/in: {{ subscribe: {{ message: {{ payload: {{ properties: {subscribe} }} }} }} }}
  valawai/c1/a/data/out: {{ publish: {{ message: {{ payload: {{ properties: {publish} }} }} }} }}
"
        );
        let (errors, warnings) = findings(&text);
        assert!(errors.is_empty(), "{text}: {errors:#?}");
        let matched = warnings.iter().any(|warning| warning.text.contains("with itself"));
        assert_eq!(matched, expected, "{publish} to {subscribe}");
    }
}
