//! The options of a queue's mapping, as AWS names and bounds them (Lambda developer
//! guide, "Lambda parameters for Amazon SQS event source mappings"; API reference,
//! `CreateEventSourceMapping`).

use std::time::Duration;

use crate::filter::Filters;

/// The largest `BatchSize` of a standard queue.
pub const MOST_STANDARD: u32 = 10_000;

/// The largest `BatchSize` of a FIFO queue, and the largest without a batching window. It
/// is also the most messages that one `ReceiveMessage` returns.
pub const MOST_WITHOUT_WINDOW: u32 = 10;

/// The options of one mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueSettings {
    /// `Enabled`: whether the mapping reads at all.
    pub enabled: bool,
    /// `BatchSize`: the most messages of one invocation, 1 to 10,000; of a FIFO queue 1
    /// to 10.
    pub batch_size: u32,
    /// `MaximumBatchingWindowInSeconds`, the batching window: how long to wait for a full
    /// batch. A FIFO queue has none.
    pub batching_window: Duration,
    /// `FunctionResponseTypes: [ReportBatchItemFailures]`: read a partial batch response.
    pub report_batch_item_failures: bool,
    /// `ScalingConfig.MaximumConcurrency`: the most concurrent batches, 2 to 1000; `None`
    /// for AWS's limit of 1000.
    pub maximum_concurrency: Option<u32>,
    /// `FilterCriteria`: the messages that the function gets. The others are deleted.
    pub filters: Filters,
}

impl Default for QueueSettings {
    /// AWS's defaults.
    fn default() -> Self {
        Self {
            enabled: true,
            batch_size: 10,
            batching_window: Duration::ZERO,
            report_batch_item_failures: false,
            maximum_concurrency: None,
            filters: Filters::default(),
        }
    }
}

/// An option does not go with another one, or with the kind of queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QueueSettingsError {
    /// The batch size of a FIFO queue.
    #[error("BatchSize is {0}; a FIFO queue allows at most {MOST_WITHOUT_WINDOW}")]
    FifoBatchSize(u32),
    /// A batching window of a FIFO queue.
    #[error("a FIFO queue allows no MaximumBatchingWindowInSeconds")]
    FifoWindow,
    /// A large batch without a batching window.
    #[error(
        "BatchSize is {0}; above {MOST_WITHOUT_WINDOW} it needs a MaximumBatchingWindowInSeconds of at least 1"
    )]
    NeedsWindow(u32),
}

impl QueueSettings {
    /// Checks the options against each other ("Related setting" of `BatchSize` in
    /// `CreateEventSourceMapping`), for a queue of that kind.
    ///
    /// # Errors
    ///
    /// AWS refuses the combination.
    pub fn check(&self, is_fifo: bool) -> Result<(), QueueSettingsError> {
        let size = self.batch_size;
        match (is_fifo, size > MOST_WITHOUT_WINDOW) {
            (true, true) => Err(QueueSettingsError::FifoBatchSize(size)),
            (true, false) if !self.batching_window.is_zero() => Err(QueueSettingsError::FifoWindow),
            (false, true) if self.batching_window < Duration::from_secs(1) => {
                Err(QueueSettingsError::NeedsWindow(size))
            }
            _ => Ok(()),
        }
    }
}
