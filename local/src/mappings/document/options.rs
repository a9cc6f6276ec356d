//! Reads the options of a stream's mapping, within AWS's bounds.

use std::{ops::RangeInclusive, time::Duration};

use event_source_mapping::{
    filter::Filters,
    settings::{Settings, StartingPosition},
};
use serde_json::{Map, Value};
use time::OffsetDateTime;

/// Options that mappings of other event sources have.
const OF_OTHERS: [&str; 9] = [
    "AmazonManagedKafkaEventSourceConfig",
    "DocumentDBEventSourceConfig",
    "ProvisionedPollerConfig",
    "Queues",
    "ScalingConfig",
    "SelfManagedEventSource",
    "SelfManagedKafkaEventSourceConfig",
    "SourceAccessConfigurations",
    "Topics",
];

/// Options that AWS refuses, with the code and the message of its reply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Unsuited {
    /// `ValidationException` for a value outside the bounds of the API's model,
    /// `InvalidParameterValueException` otherwise.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
}

impl Unsuited {
    pub(super) fn missing(name: &str) -> Self {
        let constraint = "Member must not be null.";
        Self::invalid(format!(
            "1 validation error detected: Value null at '{}' failed to satisfy constraint: {constraint}",
            lower(name)
        ))
    }

    /// A value that does not suit the mapping.
    #[must_use]
    pub fn invalid(message: impl Into<String>) -> Self {
        Self {
            code: "InvalidParameterValueException",
            message: message.into(),
        }
    }

    fn outside(name: &str, value: &Value, constraint: &str) -> Self {
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        Self {
            code: "ValidationException",
            message: format!(
                "1 validation error detected: Value '{value}' at '{}' failed to satisfy constraint: {constraint}",
                lower(name)
            ),
        }
    }
}

/// The name of a member as AWS's messages write it.
fn lower(name: &str) -> String {
    let mut characters = name.chars();
    let first = characters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(characters).collect()
}

/// Reads `StartingPosition` and `StartingPositionTimestamp`.
///
/// # Errors
///
/// They are missing, unknown, or do not go together.
pub fn starting_position(members: &Map<String, Value>) -> Result<StartingPosition, Unsuited> {
    let at = given(members, "StartingPositionTimestamp");
    let position = given(members, "StartingPosition");
    let position = position.ok_or_else(|| Unsuited::missing("StartingPosition"))?;
    match (position.as_str(), at) {
        (Some("TRIM_HORIZON"), None) => Ok(StartingPosition::TrimHorizon),
        (Some("LATEST"), None) => Ok(StartingPosition::Latest),
        (Some("TRIM_HORIZON" | "LATEST"), Some(_)) => Err(Unsuited::invalid(
            "Timestamp only valid with StartingPosition AT_TIMESTAMP",
        )),
        (Some("AT_TIMESTAMP"), Some(at)) => {
            let at = moment(at).ok_or_else(|| {
                let what = format!("StartingPositionTimestamp is {at}; expected Unix seconds");
                Unsuited::invalid(what)
            })?;
            Ok(StartingPosition::AtTimestamp(at))
        }
        (Some("AT_TIMESTAMP"), None) => Err(Unsuited::invalid(
            "StartingPosition AT_TIMESTAMP needs StartingPositionTimestamp",
        )),
        _ => Err(Unsuited::outside(
            "StartingPosition",
            position,
            "Member must satisfy enum value set: [LATEST, AT_TIMESTAMP, TRIM_HORIZON]",
        )),
    }
}

/// Changes the options that `members` has, and leaves the others.
///
/// # Errors
///
/// A value is outside AWS's bounds, or does not go with another option.
pub fn update(settings: &mut Settings, members: &Map<String, Value>) -> Result<(), Unsuited> {
    if let Some(name) = OF_OTHERS.iter().find(|name| given(members, name).is_some()) {
        let what = format!("{name} is not supported for Kinesis event sources");
        return Err(Unsuited::invalid(what));
    }
    let seconds = |number: u32| Duration::from_secs(number.into());
    if let Some(enabled) = boolean(members, "Enabled")? {
        settings.enabled = enabled;
    }
    if let Some(size) = in_range(members, "BatchSize", 1..=10_000)? {
        settings.batch_size = size;
    }
    if let Some(window) = in_range(members, "MaximumBatchingWindowInSeconds", 0..=300)? {
        settings.batching_window = seconds(window);
    }
    if let Some(factor) = in_range(members, "ParallelizationFactor", 1..=10)? {
        settings.parallelization_factor = factor;
    }
    if let Some(window) = in_range(members, "TumblingWindowInSeconds", 0..=900)? {
        settings.tumbling_window = (window > 0).then(|| seconds(window));
    }
    if let Some(most) = or_unlimited(members, "MaximumRetryAttempts", 0..=10_000)? {
        settings.maximum_retry_attempts = most;
    }
    if let Some(most) = or_unlimited(members, "MaximumRecordAgeInSeconds", 0..=604_800)? {
        if most.is_some_and(|age| age < 60) {
            let what = "MaximumRecordAgeInSeconds must be -1 or between 60 and 604800";
            return Err(Unsuited::invalid(what));
        }
        settings.maximum_record_age = most.map(seconds);
    }
    if let Some(bisect) = boolean(members, "BisectBatchOnFunctionError")? {
        settings.bisect_batch_on_function_error = bisect;
    }
    if let Some(types) = given(members, "FunctionResponseTypes") {
        settings.report_batch_item_failures = reports_failures(types)?;
    }
    if let Some(criteria) = given(members, "FilterCriteria") {
        settings.filters = filters(criteria)?;
    }
    if let Some(config) = given(members, "DestinationConfig") {
        settings.on_failure = on_failure(config)?;
    }
    // One state for each shard: concurrent batches cannot share it.
    if settings.parallelization_factor > 1 && settings.tumbling_window.is_some() {
        let what = "TumblingWindowInSeconds needs a ParallelizationFactor of 1";
        return Err(Unsuited::invalid(what));
    }
    Ok(())
}

/// A member that is there and not null.
pub(super) fn given<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    members.get(name).filter(|value| !value.is_null())
}

pub(super) fn boolean(members: &Map<String, Value>, name: &str) -> Result<Option<bool>, Unsuited> {
    let Some(value) = given(members, name) else {
        return Ok(None);
    };
    let read = value.as_bool().map(Some);
    read.ok_or_else(|| Unsuited::invalid(format!("{name} is {value}; expected true or false")))
}

pub(super) fn in_range(
    members: &Map<String, Value>,
    name: &str,
    range: RangeInclusive<u32>,
) -> Result<Option<u32>, Unsuited> {
    let Some(value) = given(members, name) else {
        return Ok(None);
    };
    let number = value
        .as_i64()
        .ok_or_else(|| Unsuited::invalid(format!("{name} is {value}; expected a whole number")))?;
    let least = format!(
        "Member must have value greater than or equal to {}",
        range.start()
    );
    let most = format!(
        "Member must have value less than or equal to {}",
        range.end()
    );
    match u32::try_from(number) {
        Ok(number) if range.contains(&number) => Ok(Some(number)),
        Ok(number) if number < *range.start() => Err(Unsuited::outside(name, value, &least)),
        Err(_) if number < 0 => Err(Unsuited::outside(name, value, &least)),
        _ => Err(Unsuited::outside(name, value, &most)),
    }
}

/// A number within `range`; -1 means "without limit".
#[allow(
    clippy::option_option,
    reason = "the outer one is absent, the inner one is without limit"
)]
fn or_unlimited(
    members: &Map<String, Value>,
    name: &str,
    range: RangeInclusive<u32>,
) -> Result<Option<Option<u32>>, Unsuited> {
    match given(members, name).and_then(Value::as_i64) {
        Some(-1) => Ok(Some(None)),
        Some(number) if number < -1 => Err(Unsuited::outside(
            name,
            &number.into(),
            "Member must have value greater than or equal to -1",
        )),
        _ => Ok(in_range(members, name, range)?.map(Some)),
    }
}

pub(super) fn reports_failures(types: &Value) -> Result<bool, Unsuited> {
    let wrong = || {
        let constraint = "Member must satisfy enum value set: [ReportBatchItemFailures]";
        Unsuited::outside("FunctionResponseTypes", types, constraint)
    };
    let types = types.as_array().ok_or_else(wrong)?;
    if types.iter().all(|one| one == "ReportBatchItemFailures") {
        Ok(!types.is_empty())
    } else {
        Err(wrong())
    }
}

/// `{"Filters": [{"Pattern": JSON}]}`; an empty one removes the filters.
pub(super) fn filters(criteria: &Value) -> Result<Filters, Unsuited> {
    let filters = criteria["Filters"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let patterns = filters
        .iter()
        .map(|filter| filter["Pattern"].as_str().unwrap_or_default());
    Filters::parse(patterns)
        .map_err(|error| Unsuited::invalid(format!("Invalid filter pattern definition. {error}")))
}

/// `{"OnFailure": {"Destination": ARN}}`; without an ARN there is no destination.
fn on_failure(config: &Value) -> Result<Option<String>, Unsuited> {
    match config["OnFailure"]["Destination"].as_str() {
        None | Some("") => Ok(None),
        // Lambda sends discarded batches to standard queues and topics only ("Retain
        // discarded batch records").
        Some(arn) if arn.strip_suffix(".fifo").is_some() => Err(Unsuited::invalid(format!(
            "Unsupported destination {arn}: expected a standard queue"
        ))),
        Some(arn) if arn.strip_prefix("arn:").is_some() => Ok(Some(arn.to_owned())),
        Some(other) => Err(Unsuited::invalid(format!(
            "The destination {other} is not an ARN"
        ))),
    }
}

/// Unix seconds.
fn moment(value: &Value) -> Option<OffsetDateTime> {
    let seconds = value.as_f64().filter(|seconds| *seconds >= 0.0)?;
    #[allow(clippy::cast_possible_truncation)] // milliseconds are far below 2^52
    let milliseconds = (seconds * 1e3).round() as i128;
    OffsetDateTime::from_unix_timestamp_nanos(milliseconds * 1_000_000).ok()
}
