//! Attributes of spans, metrics and resources.

use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, any_value::Value};

/// A text.
pub(super) fn text(key: &str, value: impl Into<String>) -> KeyValue {
    of(key, Value::StringValue(value.into()))
}

/// A number. Beyond `i64` it is the largest one.
pub(super) fn number(key: &str, value: impl TryInto<i64>) -> KeyValue {
    of(key, Value::IntValue(value.try_into().unwrap_or(i64::MAX)))
}

/// A number with a fraction.
pub(super) fn fraction(key: &str, value: f64) -> KeyValue {
    of(key, Value::DoubleValue(value))
}

/// Yes or no.
pub(super) fn flag(key: &str, value: bool) -> KeyValue {
    of(key, Value::BoolValue(value))
}

/// Several texts.
pub(super) fn texts<'a>(key: &str, values: impl Iterator<Item = &'a str>) -> KeyValue {
    let values = values.map(|value| AnyValue {
        value: Some(Value::StringValue(value.to_owned())),
    });
    let values = values.collect();
    of(key, Value::ArrayValue(ArrayValue { values }))
}

fn of(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}
