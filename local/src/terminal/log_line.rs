//! Reads a function's log line: JSON of tracing, Powertools, pino and the like, CloudWatch's
//! Embedded Metric Format, or text.

use serde_json::{Map, Value};

use super::{Level, metrics_line::metrics, plain_line, units::printable};

/// Where loggers put the level, the message and a stack trace.
const LEVELS: [&str; 6] = [
    "level",
    "severity",
    "levelname",
    "log_level",
    "lvl",
    "Level",
];
const MESSAGES: [&str; 4] = ["message", "msg", "Message", "event"];
const TRACES: [&str; 6] = [
    "exception",
    "stack_trace",
    "stackTrace",
    "stack",
    "traceback",
    "backtrace",
];

/// The line's own time: events have one.
pub(super) const TIMES: [&str; 5] = ["timestamp", "time", "ts", "@timestamp", "asctime"];

/// Bytes of a short value.
const SHORT: usize = 40;

/// What loggers add to each line, and what is rarely read.
const RARE: [&str; 18] = [
    "service",
    "location",
    "target",
    "cold_start",
    "function_name",
    "function_memory_size",
    "function_arn",
    "function_request_id",
    "functionName",
    "requestId",
    "request_id",
    "AWSRequestId",
    "xray_trace_id",
    "trace_id",
    "traceId",
    "span",
    "pid",
    "hostname",
];

/// Names and values.
pub type Fields = Vec<(String, String)>;

/// A log line in its parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogText {
    /// The level, if the line has one.
    pub level: Option<Level>,
    /// The message.
    pub message: String,
    /// The other fields: short ones, then long ones.
    pub fields: Fields,
    /// Fields that are rarely read, such as ids.
    pub rare: Fields,
    /// The lines of a stack trace.
    pub trace: Option<String>,
    /// Whether it holds metrics in the Embedded Metric Format: the message is empty, and the
    /// metrics are the first fields.
    pub metrics: bool,
}

/// Reads a line. What is not understood is the message as it is.
#[must_use]
pub fn parse(text: &str) -> LogText {
    let trimmed = text.trim_start();
    if trimmed.starts_with('{')
        && let Ok(Value::Object(object)) = serde_json::from_str(trimmed)
    {
        return if object.get("_aws").is_some_and(Value::is_object) {
            metrics(object)
        } else {
            structured(object)
        };
    }
    plain_line::parse(text)
}

/// The level of a line without reading all of it, and whether it holds metrics; enough to
/// count lines at a high rate.
#[must_use]
pub(super) fn glance(text: &str) -> (Option<Level>, bool) {
    if !text.starts_with('{') {
        return (plain_line::parse(text).level, false);
    }
    let metrics = text.contains(r#""_aws":{"#);
    let level = LEVELS.iter().find_map(|name| {
        let rest = text.split_once(&format!(r#""{name}":"#))?.1;
        let rest = rest.trim_start().trim_start_matches('"');
        let end = rest.find(|one: char| !one.is_ascii_alphanumeric())?;
        level_of(&rest[..end])
    });
    (level, metrics)
}

fn structured(mut object: Map<String, Value>) -> LogText {
    let level = take_level(&mut object);
    // `tracing` nests what an event holds, unless it is told to flatten it.
    if let Some(Value::Object(fields)) = object.remove("fields") {
        object.extend(fields);
    }
    let mut line = LogText {
        level,
        ..LogText::default()
    };
    let take =
        |object: &mut Map<_, _>, names: &[&str]| names.iter().find_map(|name| object.remove(*name));
    // The runtime of Node.js logs errors without a message.
    let error = [object.get("errorType"), object.get("errorMessage")];
    let error = error.map(|one| one.and_then(Value::as_str).map(str::to_owned));
    line.message = match (take(&mut object, &MESSAGES), error) {
        (Some(message), _) => shown(&message),
        (None, [Some(kind), Some(message)]) => {
            object.remove("errorType");
            object.remove("errorMessage");
            format!("{kind}: {message}")
        }
        (None, _) => String::new(),
    };
    line.trace = take(&mut object, &TRACES).and_then(trace);
    take(&mut object, &TIMES);
    object.remove("exception_name");
    (line.fields, line.rare) = fields(object);
    line
}

pub(super) fn take_level(object: &mut Map<String, Value>) -> Option<Level> {
    let (name, level) = LEVELS.iter().find_map(|name| {
        let level = object.get(*name)?;
        let level = match level {
            Value::String(text) => level_of(text)?,
            other => level_of(&other.to_string())?,
        };
        Some((*name, level))
    })?;
    object.remove(name);
    Some(level)
}

/// The level of a name, or of pino's and bunyan's numbers.
fn level_of(text: &str) -> Option<Level> {
    match text.parse::<u32>() {
        Err(_) => Level::of(text),
        Ok(number) if !number.is_multiple_of(10) => None,
        Ok(10) => Some(Level::Trace),
        Ok(20) => Some(Level::Debug),
        Ok(30) => Some(Level::Info),
        Ok(40) => Some(Level::Warn),
        Ok(50 | 60) => Some(Level::Error),
        Ok(_) => None,
    }
}

/// A stack trace: text, or a list of lines. Without lines there is none.
fn trace(value: Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text,
        Value::Array(lines) => {
            let lines: Vec<_> = lines.iter().map(shown).collect();
            lines.join("\n")
        }
        _ => return None,
    };
    let text = printable(text.trim_end());
    (!text.is_empty()).then_some(text)
}

/// The fields of a line, and those that are rarely read.
pub(super) fn fields(object: Map<String, Value>) -> (Fields, Fields) {
    let all = object
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (printable(&name), shown(&value)));
    let (rare, mut others): (Vec<_>, Vec<_>) =
        all.partition(|(name, _)| RARE.contains(&name.as_str()));
    // A long one would push the short ones off the screen.
    others.sort_by_key(|(_, value)| value.len() > SHORT);
    (others, rare)
}

pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => printable(text),
        other => printable(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Level, LogText, glance, parse};

    fn fields(line: &LogText) -> Vec<(&str, &str)> {
        let fields = line.fields.iter().chain(&line.rare);
        fields
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect()
    }

    #[test]
    fn a_line_of_tracing_has_its_message_and_its_fields() {
        for text in [
            r#"{"timestamp":"2026-01-01T00:00:00Z","level":"INFO","message":"processed","source":"cache","request_id":"1-2"}"#,
            r#"{"timestamp":"2026-01-01T00:00:00Z","level":"INFO","fields":{"message":"processed","source":"cache"},"request_id":"1-2"}"#,
        ] {
            let line = parse(text);
            assert_eq!(
                (line.level, line.message.as_str()),
                (Some(Level::Info), "processed")
            );
            assert_eq!(fields(&line), [("source", "cache"), ("request_id", "1-2")]);
            assert_eq!(glance(text), (Some(Level::Info), false));
        }
    }

    #[test]
    fn short_fields_come_before_long_ones_and_ids_at_the_end() {
        let line = parse(
            r#"{"message":"m","after":{"location":{"location":"Car","description":"Car description"}},"request_id":"1","source":"cache"}"#,
        );
        let names: Vec<_> = fields(&line).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["source", "after", "request_id"]);
    }

    #[test]
    fn a_line_of_powertools_has_its_exception_as_a_trace() {
        let line = parse(
            r#"{"level":"ERROR","location":"handler:12","message":{"order":7},"timestamp":"x","service":"orders","exception":"Traceback:\n  File a.py, line 1\n","exception_name":"KeyError"}"#,
        );
        assert_eq!(
            (line.level, line.message.as_str()),
            (Some(Level::Error), r#"{"order":7}"#)
        );
        assert_eq!(
            line.trace.as_deref(),
            Some("Traceback:\n  File a.py, line 1")
        );
        assert_eq!(
            fields(&line),
            [("location", "handler:12"), ("service", "orders")]
        );
    }

    #[test]
    fn metrics_are_names_and_values_in_one_line() {
        let text = r#"{"_aws":{"Timestamp":1,"CloudWatchMetrics":[{"Namespace":"n","Dimensions":[["function"]],"Metrics":[{"Name":"CacheHit","Unit":"Count"},{"Name":"Latency","Unit":"Milliseconds"}]}]},"function":"f","CacheHit":3,"Latency":[1,2]}"#;
        let line = parse(text);
        assert!(line.metrics);
        let expected = [
            ("CacheHit", "3"),
            ("Latency", "[1,2] ms"),
            ("function", "f"),
        ];
        assert_eq!(fields(&line), expected);
        assert_eq!(glance(text), (None, true));
    }

    #[test]
    fn an_error_of_the_node_runtime_has_its_type_and_message() {
        let line = parse(
            r#"{"timestamp":"x","level":"ERROR","requestId":"1","errorType":"TypeError","errorMessage":"x is undefined","stackTrace":["TypeError","  at a.js:1"]}"#,
        );
        assert_eq!(line.message, "TypeError: x is undefined");
        assert_eq!(line.trace.as_deref(), Some("TypeError\n  at a.js:1"));
    }

    #[test]
    fn pino_has_numbers_for_levels() {
        let line = parse(r#"{"level":40,"msg":"careful","pid":7}"#);
        assert_eq!(
            (line.level, line.message.as_str()),
            (Some(Level::Warn), "careful")
        );
    }

    #[test]
    fn json_that_is_no_object_is_text() {
        assert_eq!(parse(r#"["a"]"#).message, r#"["a"]"#);
        assert_eq!(parse("{not json").message, "{not json");
    }
}
