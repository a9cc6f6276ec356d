//! Reads a line in CloudWatch's Embedded Metric Format.

use serde_json::{Map, Value};

use super::{
    LogText,
    log_line::{TIMES, fields, shown, take_level},
};

/// Reads a line that has the member `_aws`.
pub(super) fn metrics(mut object: Map<String, Value>) -> LogText {
    let meta = object.remove("_aws").unwrap_or_default();
    let directives = meta.get("CloudWatchMetrics").and_then(Value::as_array);
    let metrics = directives
        .into_iter()
        .flatten()
        .filter_map(|one| one.get("Metrics")?.as_array());
    let mut values: Vec<(String, String)> = Vec::new();
    for metric in metrics.flatten() {
        let Some(name) = metric.get("Name").and_then(Value::as_str) else {
            continue;
        };
        if let Some(value) = object.remove(name) {
            let unit = metric.get("Unit").and_then(Value::as_str);
            values.push((name.to_owned(), with_unit(&value, unit)));
        }
    }
    let level = take_level(&mut object);
    for name in TIMES {
        object.remove(name);
    }
    let (others, rare) = fields(object);
    values.extend(others);
    LogText {
        level,
        fields: values,
        rare,
        metrics: true,
        ..LogText::default()
    }
}

fn with_unit(value: &Value, unit: Option<&str>) -> String {
    let text = shown(value);
    match unit {
        Some("Milliseconds") => format!("{text} ms"),
        Some("Microseconds") => format!("{text} µs"),
        Some("Seconds") => format!("{text} s"),
        Some("Bytes") => format!("{text} B"),
        Some("Percent") => format!("{text} %"),
        _ => text,
    }
}
