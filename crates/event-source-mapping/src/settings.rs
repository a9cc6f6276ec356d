//! The options of an event source mapping, as AWS names and bounds them
//! (Lambda API reference, `CreateEventSourceMapping`).

use std::time::Duration;

use super::filter::Filters;
pub use super::source::StartingPosition;

/// The options of one mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// `Enabled`: whether the mapping reads at all.
    pub enabled: bool,
    /// `BatchSize`: the most records of one invocation, 1 to 10,000.
    pub batch_size: u32,
    /// `MaximumBatchingWindowInSeconds`, the batching window: how long to wait for a full
    /// batch.
    pub batching_window: Duration,
    /// `StartingPosition`: where a shard without a checkpoint is read from.
    pub starting_position: StartingPosition,
    /// `MaximumRetryAttempts`: attempts after the first one; `None` has no limit.
    pub maximum_retry_attempts: Option<u32>,
    /// `MaximumRecordAgeInSeconds`: older records are discarded; `None` has no limit.
    pub maximum_record_age: Option<Duration>,
    /// `BisectBatchOnFunctionError`: split a failed batch in two.
    pub bisect_batch_on_function_error: bool,
    /// `FunctionResponseTypes: [ReportBatchItemFailures]`: read a partial batch
    /// response.
    pub report_batch_item_failures: bool,
    /// `ParallelizationFactor`: concurrent batches per shard, 1 to 10.
    pub parallelization_factor: u32,
    /// `TumblingWindowInSeconds`: the length of windows whose state goes from batch to
    /// batch.
    pub tumbling_window: Option<Duration>,
    /// `FilterCriteria`: the records that the function gets.
    pub filters: Filters,
    /// `DestinationConfig.OnFailure.Destination`, the on-failure destination: an ARN.
    pub on_failure: Option<String>,
}

impl Default for Settings {
    /// AWS's defaults. AWS has no default `StartingPosition`; `TRIM_HORIZON` loses no
    /// record.
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
