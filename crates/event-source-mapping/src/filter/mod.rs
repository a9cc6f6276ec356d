//! Filter criteria (`FilterCriteria`): which records reach the function.
//!
//! A filter is an `EventBridge` pattern over the record's metadata and its
//! decoded `data`; a record passes when any filter matches it. Of a message in a queue, a
//! filter sees the `body`. (Lambda developer guide, "Control which events Lambda sends to
//! your function", "Using event filtering with a Kinesis event source" and "Using event
//! filtering with an Amazon SQS event source".)

mod message;
mod pattern;
mod rule;
mod wildcard;

use serde_json::{Map, Value, json};

use self::{
    message::BODY,
    pattern::{Forms, Pattern},
};
use super::{
    event::{Origin, ROLE_ARN},
    source::Record,
};

/// Filters that one mapping may have: 5, or 10 with a raised quota (Lambda
/// quotas).
const MOST_FILTERS: usize = 10;

/// Characters that one pattern may have (API reference, `Filter`).
const LONGEST_PATTERN: usize = 4096;

/// The key of a record's decoded data.
const DATA: &str = "data";

/// The filters of one mapping. Without a filter every record passes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filters(Vec<Filter>);

#[derive(Debug, Clone, PartialEq)]
struct Filter {
    /// As it was written.
    text: String,
    pattern: Pattern,
    /// A record whose data is not JSON cannot pass then.
    reads_data: bool,
    /// What it expects of a message's body.
    body: Forms,
}

/// Why filters are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// More than AWS allows.
    #[error("there are {0} filters; at most {MOST_FILTERS} are allowed")]
    TooMany(usize),
    /// A pattern over 4,096 characters.
    #[error("the pattern has {0} characters; at most {LONGEST_PATTERN} are allowed")]
    TooLong(usize),
    /// A pattern is not JSON.
    #[error("the pattern is not valid JSON: {0}")]
    NotJson(String),
    /// A pattern is JSON but not an `EventBridge` pattern.
    #[error("at {path}: {what}")]
    Malformed {
        /// The position in the pattern.
        path: String,
        /// What was found there, and what is expected.
        what: String,
    },
}

impl Filters {
    /// Reads the patterns' JSON.
    ///
    /// # Errors
    ///
    /// There are too many, or one is not a pattern.
    pub fn parse<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<Self, FilterError> {
        let filters: Vec<_> = patterns
            .into_iter()
            .map(Filter::parse)
            .collect::<Result<_, _>>()?;
        if filters.len() > MOST_FILTERS {
            return Err(FilterError::TooMany(filters.len()));
        }
        Ok(Self(filters))
    }

    /// The patterns as they were written.
    #[must_use]
    pub fn patterns(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(|filter| filter.text.as_str())
    }

    /// Whether any filter matches the record.
    #[must_use]
    pub(crate) fn pass(&self, record: &Record, origin: &Origin) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let data = serde_json::from_slice(&record.data).ok();
        let has_data = data.is_some();
        let event = event(record, origin, data);
        self.0
            .iter()
            .any(|filter| (has_data || !filter.reads_data) && filter.pattern.matches(Some(&event)))
    }
}

impl Filter {
    fn parse(text: &str) -> Result<Self, FilterError> {
        let length = text.chars().count();
        if length > LONGEST_PATTERN {
            return Err(FilterError::TooLong(length));
        }
        let json: Value =
            serde_json::from_str(text).map_err(|error| FilterError::NotJson(error.to_string()))?;
        let pattern = Pattern::parse(&json)?;
        Ok(Self {
            text: text.to_owned(),
            reads_data: pattern.mentions(DATA),
            body: pattern.forms_of(BODY),
            pattern,
        })
    }
}

/// The object that patterns match: a record's metadata, and its data where that is
/// JSON.
fn event(record: &Record, origin: &Origin, data: Option<Value>) -> Value {
    let milliseconds = record.arrived.unix_timestamp_nanos() / 1_000_000;
    #[allow(clippy::cast_precision_loss)] // milliseconds are far below 2^52
    let arrived = milliseconds as f64 / 1e3;
    let mut event: Map<_, _> = [
        ("kinesisSchemaVersion", json!("1.0")),
        ("partitionKey", json!(record.partition_key)),
        ("sequenceNumber", json!(record.sequence_number)),
        ("approximateArrivalTimestamp", json!(arrived)),
        ("eventSource", json!("aws:kinesis")),
        ("eventVersion", json!("1.0")),
        (
            "eventID",
            json!(format!("{}:{}", origin.shard_id, record.sequence_number)),
        ),
        ("eventName", json!("aws:kinesis:record")),
        ("invokeIdentityArn", json!(ROLE_ARN)),
        ("awsRegion", json!(origin.region)),
        ("eventSourceARN", json!(origin.stream_arn)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into_iter()
    .collect();
    if let Some(data) = data {
        event.insert(DATA.to_owned(), data);
    }
    Value::Object(event)
}

#[cfg(test)]
mod tests;
