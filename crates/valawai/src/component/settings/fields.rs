//! Reads a struct field by field, from texts that are looked up by the names of its fields.

use std::cell::RefCell;

use serde::Deserializer;
use serde::de::value::{BorrowedStrDeserializer, MapDeserializer};
use serde::de::{DeserializeOwned, DeserializeSeed, MapAccess, Visitor};

use super::text::{Invalid, Text};
use super::{Lookup, Mistake};

/// The names of the fields of `S`; none if it is no struct, or has fields that are flattened.
pub(super) fn of<S: DeserializeOwned>() -> &'static [&'static str] {
    let found = RefCell::new(&[][..]);
    // It fails or succeeds; what matters is what it asks for.
    let _ = S::deserialize(Fields { names: Some(&found), ..Fields::new(&|_| Ok(None), &[]) });
    found.into_inner()
}

/// Reads `S`.
pub(super) fn read<S: DeserializeOwned>(lookup: &Lookup<'_>) -> Result<S, Vec<Mistake>> {
    let mut mistakes: Vec<Mistake> = Vec::new();
    loop {
        let without: Vec<String> = mistakes.iter().map(|(field, _)| field.clone()).collect();
        let failed = RefCell::new(None);
        let fields = Fields { failed: Some(&failed), ..Fields::new(lookup, &without) };
        match (S::deserialize(fields), failed.into_inner()) {
            (Ok(settings), _) if mistakes.is_empty() => return Ok(settings),
            // The next round goes without this field, to find the mistakes behind it.
            (Err(Invalid(expected)), Some(field)) => mistakes.push((field, expected)),
            (Err(Invalid(expected)), None) if mistakes.is_empty() => return Err(vec![(missing(&expected), expected)]),
            // Without the mistakes, nothing else is wrong, or nothing else can be told.
            (Ok(_), _) | (Err(_), None) => return Err(mistakes),
        }
    }
}

/// The field of which serde says that it is missing.
fn missing(expected: &str) -> String {
    expected.split('`').nth(1).unwrap_or("the settings").to_owned()
}

#[derive(Clone, Copy)]
struct Fields<'l> {
    lookup: &'l Lookup<'l>,
    /// Fields that are read as if they were not set.
    without: &'l [String],
    /// Where the names of the fields are put.
    names: Option<&'l RefCell<&'static [&'static str]>>,
    /// The field whose value is invalid.
    failed: Option<&'l RefCell<Option<String>>>,
}

impl<'l> Fields<'l> {
    fn new(lookup: &'l Lookup<'l>, without: &'l [String]) -> Self {
        Self { lookup, without, names: None, failed: None }
    }

    fn fail(&self, field: &str) {
        if let Some(failed) = self.failed {
            *failed.borrow_mut() = Some(field.to_owned());
        }
    }
}

impl<'de> Deserializer<'de> for Fields<'_> {
    type Error = Invalid;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Invalid> {
        if let Some(found) = self.names {
            *found.borrow_mut() = fields;
        }
        visitor.visit_map(FieldAccess { source: self, fields: fields.iter(), value: None })
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        visitor.visit_map(MapDeserializer::new(std::iter::empty::<((), ())>()))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

struct FieldAccess<'l> {
    source: Fields<'l>,
    fields: std::slice::Iter<'static, &'static str>,
    value: Option<(&'static str, String)>,
}

impl<'de> MapAccess<'de> for FieldAccess<'_> {
    type Error = Invalid;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Invalid> {
        for field in self.fields.by_ref() {
            if self.source.without.iter().any(|without| without == field) {
                continue;
            }
            let text = (self.source.lookup)(field).map_err(|expected| {
                self.source.fail(field);
                Invalid(expected)
            })?;
            if let Some(text) = text {
                self.value = Some((field, text));
                return seed.deserialize(BorrowedStrDeserializer::new(field)).map(Some);
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Invalid> {
        let Some((field, text)) = self.value.take() else { return Err(Invalid("a value".to_owned())) };
        seed.deserialize(Text(&text)).inspect_err(|_| self.source.fail(field))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize, Debug, PartialEq)]
    struct Limits {
        model: String,
        #[serde(default)]
        highest: f64,
        #[serde(default)]
        names: Vec<String>,
        mode: Option<Mode>,
        #[serde(default)]
        range: Range,
        #[serde(default)]
        is_strict: bool,
    }

    #[derive(Deserialize, Debug, PartialEq, Default)]
    struct Range {
        from: u8,
        to: u8,
    }

    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Mode {
        Fast,
        Slow,
    }

    fn read_from(texts: &[(&str, &str)]) -> Result<Limits, Vec<Mistake>> {
        read(&|field| Ok(texts.iter().find(|(name, _)| *name == field).map(|(_, text)| (*text).to_owned())))
    }

    #[test]
    fn the_fields_of_a_type_are_known() {
        assert_eq!(of::<Limits>(), ["model", "highest", "names", "mode", "range", "is_strict"]);
        assert!(of::<u8>().is_empty());
    }

    #[test]
    fn texts_become_values() {
        let texts = [
            ("model", ""),
            ("highest", "30.5"),
            ("names", "a, b"),
            ("mode", "slow"),
            ("range", r#"{"from": 1, "to": 2}"#),
            ("is_strict", "yes"),
        ];
        let limits = read_from(&texts).unwrap();
        let expected = Limits {
            model: String::new(),
            highest: 30.5,
            names: vec!["a".into(), "b".into()],
            mode: Some(Mode::Slow),
            range: Range { from: 1, to: 2 },
            is_strict: true,
        };
        assert_eq!(limits, expected);
        let json = read_from(&[("model", "m"), ("names", r#"["a", "b"]"#)]).unwrap();
        assert_eq!((json.names, json.mode), (vec!["a".to_owned(), "b".to_owned()], None));
    }

    #[test]
    fn all_mistakes_are_reported_together_without_the_values() {
        let secret = "hunter2";
        let mistakes = read_from(&[
            ("model", "m"),
            ("highest", secret),
            ("mode", secret),
            ("range", r#"{"from": 1, "to": "hunter2"}"#),
            ("is_strict", secret),
        ])
        .unwrap_err();
        let fields: Vec<&str> = mistakes.iter().map(|(field, _)| &**field).collect();
        assert_eq!(fields, ["highest", "mode", "range", "is_strict"]);
        assert!(mistakes[1].1.contains("`fast`"), "{mistakes:?}");
        assert!(!format!("{mistakes:?}").contains(secret), "{mistakes:?}");
    }

    #[test]
    fn a_missing_field_is_named() {
        let mistakes = read_from(&[]).unwrap_err();
        assert_eq!(mistakes[0].0, "model");
    }
}
