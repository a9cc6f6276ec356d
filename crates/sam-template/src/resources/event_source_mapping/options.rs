//! The options of an event source mapping.

use std::time::Duration;

use event_source_mapping::{
    filter::{FilterError, Filters},
    settings::{Settings, StartingPosition},
};
use serde_json::Value as Json;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{Problem, properties::Properties};

/// The options of one mapping.
///
/// # Errors
///
/// An option has a wrong value, or does not go with another one.
pub(super) fn read(properties: &Properties) -> Result<Settings, Problem> {
    let defaults = Settings::default();
    let seconds = |number: u32| Duration::from_secs(number.into());
    let batch_size = properties
        .in_range("BatchSize", 1..=10_000)?
        .unwrap_or(defaults.batch_size);
    let batching_window = properties
        .in_range("MaximumBatchingWindowInSeconds", 0..=300)?
        .map_or(defaults.batching_window, seconds);
    let (parallelization_factor, tumbling_window) = lanes(properties)?;
    Ok(Settings {
        enabled: properties.boolean("Enabled")?.unwrap_or(true),
        batch_size,
        batching_window,
        parallelization_factor,
        tumbling_window,
        filters: filters(properties)?,
        starting_position: starting_position(properties)?,
        maximum_retry_attempts: or_unlimited(properties, "MaximumRetryAttempts", 0..=10_000)?,
        maximum_record_age: or_unlimited(properties, "MaximumRecordAgeInSeconds", 60..=604_800)?
            .map(seconds),
        bisect_batch_on_function_error: properties
            .boolean("BisectBatchOnFunctionError")?
            .unwrap_or(false),
        report_batch_item_failures: reports_failures(properties)?,
        on_failure: on_failure(properties)?,
    })
}

/// `ParallelizationFactor` and `TumblingWindowInSeconds`. A tumbling window has
/// one state for each shard, so concurrent batches cannot share it.
fn lanes(properties: &Properties) -> Result<(u32, Option<Duration>), Problem> {
    let factor = properties
        .in_range("ParallelizationFactor", 1..=10)?
        .unwrap_or(1);
    let window = properties
        .in_range("TumblingWindowInSeconds", 0..=900)?
        .filter(|seconds| *seconds > 0)
        .map(|seconds| Duration::from_secs(seconds.into()));
    if factor > 1 && window.is_some() {
        let what = format!("needs ParallelizationFactor 1, found {factor}");
        return Err(properties.wrong("TumblingWindowInSeconds", &what));
    }
    Ok((factor, window))
}

/// `FilterCriteria: {Filters: [{Pattern: JSON}]}`.
pub(super) fn filters(properties: &Properties) -> Result<Filters, Problem> {
    let Some(criteria) = properties.inside("FilterCriteria")? else {
        return Ok(Filters::default());
    };
    criteria.allow(&["Filters"], &[])?;
    let mut patterns = Vec::new();
    for filter in criteria.items("Filters")? {
        filter.allow(&["Pattern"], &[])?;
        // The text of a pattern; as a mapping it stands for its JSON.
        let pattern = match filter.json("Pattern")? {
            Some(Json::String(text)) => text,
            Some(json @ Json::Object(_)) => json.to_string(),
            Some(_) | None => filter.required("Pattern")?,
        };
        // Each alone first, so that an error has the line of its filter.
        Filters::parse([pattern.as_str()])
            .map_err(|error| wrong_filter(properties, filter.line(), &error))?;
        patterns.push(pattern);
    }
    Filters::parse(patterns.iter().map(String::as_str))
        .map_err(|error| wrong_filter(properties, criteria.line(), &error))
}

fn wrong_filter(properties: &Properties, line: usize, error: &FilterError) -> Problem {
    properties.problem(line, &format!("property FilterCriteria: {error}"))
}

/// A number within `range`; -1, the default, means "without limit" in AWS.
fn or_unlimited(
    properties: &Properties,
    name: &str,
    range: std::ops::RangeInclusive<u32>,
) -> Result<Option<u32>, Problem> {
    if properties.number(name)? == Some(-1) {
        return Ok(None);
    }
    properties.in_range(name, range)
}

fn starting_position(properties: &Properties) -> Result<StartingPosition, Problem> {
    let known = ["TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"];
    let position = properties.one_of("StartingPosition", &known)?;
    match position.as_deref() {
        None => Err(properties.missing("StartingPosition")),
        Some("TRIM_HORIZON") => Ok(StartingPosition::TrimHorizon),
        Some("LATEST") => Ok(StartingPosition::Latest),
        Some(_) => {
            let text = properties.required("StartingPositionTimestamp")?;
            timestamp(&text)
                .map(StartingPosition::AtTimestamp)
                .ok_or_else(|| {
                    let what = format!("is {text:?}; expected Unix seconds or an RFC 3339 time");
                    properties.wrong("StartingPositionTimestamp", &what)
                })
        }
    }
}

fn timestamp(text: &str) -> Option<OffsetDateTime> {
    match text.parse::<f64>() {
        #[allow(clippy::cast_possible_truncation)] // milliseconds, far below 2^52
        Ok(seconds) => {
            OffsetDateTime::from_unix_timestamp_nanos((seconds * 1e3) as i128 * 1_000_000).ok()
        }
        Err(_) => OffsetDateTime::parse(text, &Rfc3339).ok(),
    }
}

pub(super) fn reports_failures(properties: &Properties) -> Result<bool, Problem> {
    let types = properties
        .texts("FunctionResponseTypes")?
        .unwrap_or_default();
    match types.iter().find(|name| *name != "ReportBatchItemFailures") {
        None => Ok(!types.is_empty()),
        Some(other) => {
            let what = format!("has {other:?}; expected ReportBatchItemFailures");
            Err(properties.wrong("FunctionResponseTypes", &what))
        }
    }
}

/// The ARN of the on-failure destination.
fn on_failure(properties: &Properties) -> Result<Option<String>, Problem> {
    let Some(config) = properties.inside("DestinationConfig")? else {
        return Ok(None);
    };
    config.allow(&["OnFailure", "OnSuccess"], &[])?;
    let Some(on_failure) = config.inside("OnFailure")? else {
        return Ok(None);
    };
    // SAM's `Type` says what kind of resource the destination is.
    on_failure.allow(&["Destination", "Type"], &[])?;
    match on_failure.text("Destination")? {
        // Lambda sends discarded batches to standard queues and topics only
        // ("Retain discarded batch records").
        Some(arn) if arn.strip_suffix(".fifo").is_some() => {
            let what = format!("is {arn}; expected a standard queue");
            Err(on_failure.wrong("Destination", &what))
        }
        other => Ok(other),
    }
}
