//! What the function counts and times, and how CloudWatch is told.

pub mod emf;

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Counts of the invocation under way. One environment has one invocation at a
/// time; were there more, each line would tell of some of each.
#[derive(Debug, Default)]
pub struct Metrics(Mutex<Sample>);

/// The counts and times of one invocation.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Sample {
    /// Records in the batch.
    pub batch_size: u64,
    /// Records that were processed.
    pub processed: u64,
    /// Records that were reported and may succeed next time.
    pub retryable: u64,
    /// Records that were reported and never will.
    pub poison: u64,
    /// Values that the cache had.
    pub hits: u64,
    /// Gets that the cache answered with a miss.
    pub misses: u64,
    /// Absences that the cache knew of.
    pub negative_hits: u64,
    /// Values that the cache had and that were none.
    pub corrupt: u64,
    /// Calls that the open breaker kept from the cache.
    pub calls_withheld: u64,
    /// Cache calls that failed, by code.
    pub cache_errors: BTreeMap<String, u64>,
    /// Requests to DynamoDB, the SDK's retries included.
    pub store_reads: u64,
    /// Records that waited for another's read of the same key.
    pub shared_reads: u64,
    /// Reads of the table that failed, by code.
    pub store_errors: BTreeMap<&'static str, u64>,
    /// How often the API key was read again.
    pub key_refreshes: u64,
    /// How often the breaker opened.
    pub breaker_opened: u64,
    /// The breaker after the last call, made or withheld: 0 closed, 0.5 half-open,
    /// 1 open. `None` without a call.
    pub breaker_open: Option<f64>,
    /// Gets that were answered.
    pub cache_get: Vec<Duration>,
    /// Sets that were answered.
    pub cache_set: Vec<Duration>,
    /// Cache calls that failed.
    pub cache_failure: Vec<Duration>,
    /// Reads of the table, the wait for a place included.
    pub store_read: Vec<Duration>,
    /// Records, from their turn to their item.
    pub record: Vec<Duration>,
    /// From the producer's `writeTime` to the processed line.
    pub write_to_read: Vec<Duration>,
    /// The whole invocation.
    pub batch: Vec<Duration>,
}

impl Metrics {
    /// Adds to the counts.
    pub fn note(&self, add: impl FnOnce(&mut Sample)) {
        add(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Takes the counts, and begins anew.
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
