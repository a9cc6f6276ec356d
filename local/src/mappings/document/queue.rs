//! The options of a queue's mapping as JSON, and back within AWS's bounds.

use std::time::Duration;

use event_source_mapping::queue::settings::{MOST_STANDARD, QueueSettings};
use serde_json::{Map, Value, json};

use super::options::{Unsuited, boolean, filters, given, in_range, reports_failures};

/// Options that mappings of other event sources have.
const OF_OTHERS: [&str; 16] = [
    "AmazonManagedKafkaEventSourceConfig",
    "BisectBatchOnFunctionError",
    "DestinationConfig",
    "DocumentDBEventSourceConfig",
    "MaximumRecordAgeInSeconds",
    "MaximumRetryAttempts",
    "ParallelizationFactor",
    "Queues",
    "SelfManagedEventSource",
    "SelfManagedKafkaEventSourceConfig",
    "SourceAccessConfigurations",
    "StartingPosition",
    "StartingPositionTimestamp",
    "Topics",
    "TumblingWindowInSeconds",
    "ProvisionedPollerConfig",
];

/// The options, as the API reports them.
pub(super) fn options(settings: &QueueSettings) -> Map<String, Value> {
    let reports = settings.report_batch_item_failures;
    let types: Vec<_> = reports
        .then_some("ReportBatchItemFailures")
        .into_iter()
        .collect();
    let window = settings.batching_window.as_secs();
    let mut members: Map<_, _> = [
        ("BatchSize", json!(settings.batch_size)),
        ("MaximumBatchingWindowInSeconds", json!(window)),
        ("FunctionResponseTypes", json!(types)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into_iter()
    .collect();
    let most = settings.maximum_concurrency;
    let scaling = most.map(|most| json!({ "MaximumConcurrency": most }));
    members.extend(scaling.map(|scaling| ("ScalingConfig".to_owned(), scaling)));
    members
}

/// Changes the options that `members` has, and leaves the others.
///
/// # Errors
///
/// A value is outside AWS's bounds, or does not go with another option or with a queue of
/// that kind.
pub fn update_queue(
    settings: &mut QueueSettings,
    members: &Map<String, Value>,
    is_fifo: bool,
) -> Result<(), Unsuited> {
    if let Some(name) = OF_OTHERS.iter().find(|name| given(members, name).is_some()) {
        let what = format!("{name} is not supported for SQS event sources");
        return Err(Unsuited::invalid(what));
    }
    if let Some(enabled) = boolean(members, "Enabled")? {
        settings.enabled = enabled;
    }
    if let Some(size) = in_range(members, "BatchSize", 1..=MOST_STANDARD)? {
        settings.batch_size = size;
    }
    if let Some(window) = in_range(members, "MaximumBatchingWindowInSeconds", 0..=300)? {
        settings.batching_window = Duration::from_secs(window.into());
    }
    if let Some(types) = given(members, "FunctionResponseTypes") {
        settings.report_batch_item_failures = reports_failures(types)?;
    }
    if let Some(criteria) = given(members, "FilterCriteria") {
        settings.filters = filters(criteria)?;
    }
    if let Some(scaling) = given(members, "ScalingConfig") {
        // An empty one removes the limit.
        let scaling = scaling.as_object().cloned().unwrap_or_default();
        settings.maximum_concurrency = in_range(&scaling, "MaximumConcurrency", 2..=1000)?;
    }
    let checked = settings.check(is_fifo);
    checked.map_err(|error| Unsuited::invalid(error.to_string()))
}
