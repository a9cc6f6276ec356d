//! The options of an event source mapping, as AWS names and bounds them
//! (Lambda API reference, `CreateEventSourceMapping`).

use std::time::Duration;

use time::OffsetDateTime;

use super::filter::Filters;

/// The options of one mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// `Enabled`: whether it reads at all.
    pub enabled: bool,
    /// `BatchSize`: the most records of one invocation, 1 to 10,000.
    pub batch_size: u32,
    /// `MaximumBatchingWindowInSeconds`: how long to wait for a full batch.
    pub batching_window: Duration,
    /// `StartingPosition`: where a shard without a checkpoint is read from.
    pub starting_position: StartingPosition,
    /// `MaximumRetryAttempts`: tries after the first one; none is without limit.
    pub maximum_retry_attempts: Option<u32>,
    /// `MaximumRecordAgeInSeconds`: older records are given up; none is without limit.
    pub maximum_record_age: Option<Duration>,
    /// `BisectBatchOnFunctionError`: halve a batch that failed.
    pub bisect_batch_on_function_error: bool,
    /// `FunctionResponseTypes: [ReportBatchItemFailures]`.
    pub report_batch_item_failures: bool,
    /// `ParallelizationFactor`: batches of one shard at once, 1 to 10.
    pub parallelization_factor: u32,
    /// `TumblingWindowInSeconds`: windows whose state goes from batch to batch.
    pub tumbling_window: Option<Duration>,
    /// `FilterCriteria`: the records that the function gets.
    pub filters: Filters,
    /// `DestinationConfig.OnFailure.Destination`: an ARN.
    pub on_failure: Option<String>,
}

/// `StartingPosition`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartingPosition {
    /// The oldest record that is kept.
    TrimHorizon,
    /// Records that come after the mapping.
    Latest,
    /// `StartingPositionTimestamp`: records that arrived then or later.
    AtTimestamp(OffsetDateTime),
}

impl Default for Settings {
    /// AWS's defaults. `StartingPosition` has none there; the oldest record
    /// loses nothing.
    fn default() -> Self {
        Self {
            enabled: true,
            batch_size: 100,
            batching_window: Duration::ZERO,
            starting_position: StartingPosition::TrimHorizon,
            maximum_retry_attempts: None,
            maximum_record_age: None,
            bisect_batch_on_function_error: false,
            report_batch_item_failures: false,
            parallelization_factor: 1,
            tumbling_window: None,
            filters: Filters::default(),
            on_failure: None,
        }
    }
}
