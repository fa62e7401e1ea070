//! The values of headers as JSON, and back.

use amiquip::{AmqpValue, FieldTable};
use serde_json::{Map, Value, json};

/// The deepest nesting that is shown. A hostile header has thousands of levels, and what serializes them is recursive.
const DEEPEST: usize = 16;

pub(super) fn to_json(value: &AmqpValue) -> Value {
    within(value, DEEPEST)
}

pub(super) fn table_to_json(table: &FieldTable) -> Map<String, Value> {
    table_within(table, DEEPEST)
}

pub(super) fn table_from_json(map: &Map<String, Value>) -> FieldTable {
    map.iter().map(|(name, value)| (name.clone(), from_json(value))).collect()
}

fn within(value: &AmqpValue, levels: usize) -> Value {
    match value {
        AmqpValue::FieldArray(_) | AmqpValue::FieldTable(_) if levels == 0 => "(nested too deeply)".into(),
        AmqpValue::FieldArray(values) => values.iter().map(|value| within(value, levels - 1)).collect(),
        AmqpValue::FieldTable(table) => table_within(table, levels - 1).into(),
        AmqpValue::Boolean(value) => (*value).into(),
        AmqpValue::ShortShortInt(value) => (*value).into(),
        AmqpValue::ShortShortUInt(value) => (*value).into(),
        AmqpValue::ShortInt(value) => (*value).into(),
        AmqpValue::ShortUInt(value) => (*value).into(),
        AmqpValue::LongInt(value) => (*value).into(),
        AmqpValue::LongUInt(value) => (*value).into(),
        AmqpValue::LongLongInt(value) => (*value).into(),
        AmqpValue::Timestamp(value) => (*value).into(),
        AmqpValue::Float(value) => f64::from(*value).into(),
        AmqpValue::Double(value) => (*value).into(),
        AmqpValue::DecimalValue(decimal) => json!({ "scale": decimal.scale, "value": decimal.value }),
        AmqpValue::LongString(text) => text.as_str().into(),
        AmqpValue::ByteArray(bytes) => json!({ "bytes": bytes.len() }),
        AmqpValue::Void => Value::Null,
    }
}

fn table_within(table: &FieldTable, levels: usize) -> Map<String, Value> {
    table.iter().map(|(name, value)| (name.clone(), within(value, levels))).collect()
}

fn from_json(value: &Value) -> AmqpValue {
    match value {
        Value::Null => AmqpValue::Void,
        Value::Bool(value) => AmqpValue::Boolean(*value),
        Value::Number(number) => match number.as_i64() {
            Some(number) => AmqpValue::LongLongInt(number),
            None => AmqpValue::Double(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => AmqpValue::LongString(text.clone()),
        Value::Array(values) => AmqpValue::FieldArray(values.iter().map(from_json).collect()),
        Value::Object(map) => AmqpValue::FieldTable(table_from_json(map)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_is_nested_too_deeply_is_cut() {
        let mut value = AmqpValue::Boolean(true);
        for _ in 0..100 {
            value = AmqpValue::FieldArray(vec![value]);
        }
        let text = to_json(&value).to_string();
        assert!(text.len() < 100 && text.contains("nested too deeply"), "{text}");
    }
}
