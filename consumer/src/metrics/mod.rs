//! The function's metrics.

pub mod emf;

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// The metrics of the current invocation. An environment handles one invocation at
/// a time; concurrent ones would share their counts.
#[derive(Debug, Default)]
pub struct Metrics(Mutex<Sample>);

/// The counts and times of one invocation.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Sample {
    /// Records in the batch.
    pub batch_size: u64,
    /// Records that were processed.
    pub processed: u64,
    /// Records reported as failed that may succeed in a retry.
    pub retryable: u64,
    /// Records reported as failed that no retry can process.
    pub poison: u64,
    /// Gets that returned an item.
    pub hits: u64,
    /// Gets that missed.
    pub misses: u64,
    /// Gets that returned the sentinel of an absent item.
    pub negative_hits: u64,
    /// Cached values that failed to decode.
    pub corrupt: u64,
    /// Calls that the open circuit breaker withheld.
    pub calls_withheld: u64,
    /// Cache calls that failed, by code.
    pub cache_errors: BTreeMap<String, u64>,
    /// Requests to DynamoDB, the SDK's retries included.
    pub store_reads: u64,
    /// Lookups that shared another lookup's read of the same key.
    pub shared_reads: u64,
    /// Items that could not be read from the table, by code.
    pub store_errors: BTreeMap<&'static str, u64>,
    /// Refreshes of the API key.
    pub key_refreshes: u64,
    /// Times that the circuit breaker opened.
    pub breaker_opened: u64,
    /// The circuit breaker after the last call, withheld ones included: 0 closed,
    /// 0.5 half-open, 1 open. `None` without a call.
    pub breaker_open: Option<f64>,
    /// Durations of successful gets.
    pub cache_get: Vec<Duration>,
    /// Durations of successful sets.
    pub cache_set: Vec<Duration>,
    /// Durations of failed cache calls.
    pub cache_failure: Vec<Duration>,
    /// Durations of reads of the table, the wait for `STORE_CONCURRENCY` included.
    pub store_read: Vec<Duration>,
    /// From the start of each record's lookup to its processed line.
    pub record: Vec<Duration>,
    /// From each record's `writeTime` to its processed line.
    pub write_to_read: Vec<Duration>,
    /// Durations of whole invocations.
    pub batch: Vec<Duration>,
}

impl Metrics {
    /// Changes the metrics.
    pub fn update(&self, change: impl FnOnce(&mut Sample)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Returns the metrics and resets them.
    pub fn take(&self) -> Sample {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Sample {
    /// Counts a cache call that failed with `code`.
    pub fn cache_failed(&mut self, code: String, took: Duration) {
        *self.cache_errors.entry(code).or_default() += 1;
        self.cache_failure.push(took);
    }
}
