//! The text of a setting, as a value of the type that its field has.

use std::fmt;
use std::str::FromStr;

use serde::Deserializer;
use serde::de::value::{SeqDeserializer, StrDeserializer};
use serde::de::{self, Expected, IntoDeserializer, Unexpected, Visitor};
use serde_json::Value;
use serde_json::error::Category;

/// What was expected instead of the text. It does not contain the text, which may be a secret.
#[derive(Debug)]
pub(super) struct Invalid(pub(super) String);

impl fmt::Display for Invalid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Invalid {}

impl de::Error for Invalid {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self(expected.to_string())
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self(expected.to_string())
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        let expected: Vec<String> = expected.iter().map(|variant| format!("`{variant}`")).collect();
        Self(format!("one of {}", expected.join(", ")))
    }
}

/// What a text means as a setting that is on or off, in any case.
pub(crate) fn yes_or_no(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Some(true),
        "0" | "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// The text of a setting.
#[derive(Clone, Copy)]
pub(super) struct Text<'t>(pub(super) &'t str);

impl Text<'_> {
    fn parse<T: FromStr>(self, expected: &str) -> Result<T, Invalid> {
        self.0.trim().parse().map_err(|_| Invalid(expected.to_owned()))
    }

    fn to_json(self) -> Result<Value, Invalid> {
        json(serde_json::from_str(self.0))
    }

    fn is_json(self) -> bool {
        self.0.trim_start().starts_with(['{', '['])
    }
}

/// The errors of `serde_json` contain the values.
fn json<T>(result: serde_json::Result<T>) -> Result<T, Invalid> {
    result.map_err(|error| match error.classify() {
        Category::Data => Invalid("JSON of another form".to_owned()),
        _ => Invalid(format!("JSON; it is not valid at line {}, column {}", error.line(), error.column())),
    })
}

macro_rules! numbers {
    ($($method:ident $visit:ident $type:ty, $expected:literal;)*) => {
        $(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
                visitor.$visit(self.parse::<$type>($expected)?)
            }
        )*
    };
}

impl<'de> Deserializer<'de> for Text<'_> {
    type Error = Invalid;

    numbers! {
        deserialize_i8 visit_i64 i64, "a whole number";
        deserialize_i16 visit_i64 i64, "a whole number";
        deserialize_i32 visit_i64 i64, "a whole number";
        deserialize_i64 visit_i64 i64, "a whole number";
        deserialize_u8 visit_u64 u64, "a whole number that is not negative";
        deserialize_u16 visit_u64 u64, "a whole number that is not negative";
        deserialize_u32 visit_u64 u64, "a whole number that is not negative";
        deserialize_u64 visit_u64 u64, "a whole number that is not negative";
        deserialize_f32 visit_f64 f64, "a number";
        deserialize_f64 visit_f64 f64, "a number";
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        visitor.visit_bool(yes_or_no(self.0.trim()).ok_or_else(|| Invalid("true or false".to_owned()))?)
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        if self.is_json() {
            return json(self.to_json()?.deserialize_any(visitor));
        }
        visitor.visit_str(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Invalid> {
        visitor.visit_newtype_struct(self)
    }

    /// JSON, or words separated by commas.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        if self.is_json() {
            return json(self.to_json()?.deserialize_seq(visitor));
        }
        let words: Vec<Text<'_>> =
            self.0.split(',').map(|word| Text(word.trim())).filter(|word| !word.0.is_empty()).collect();
        visitor.visit_seq(SeqDeserializer::new(words.into_iter()))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        json(self.to_json()?.deserialize_map(visitor))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Invalid> {
        json(self.to_json()?.deserialize_struct(name, fields, visitor))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Invalid> {
        if self.is_json() {
            return json(self.to_json()?.deserialize_enum(name, variants, visitor));
        }
        let variant: StrDeserializer<'_, Invalid> = self.0.into_deserializer();
        variant.deserialize_enum(name, variants, visitor)
    }

    serde::forward_to_deserialize_any! {
        i128 u128 char str string bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

impl IntoDeserializer<'_, Invalid> for Text<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
