//! What happened in one second, or in a part of one, for the page's charts.

use serde::Serialize;

/// One second. Counts are of that second.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// When the second ended, milliseconds since 1970.
    pub time: u64,
    /// Records put.
    pub put: u64,
    /// Records processed, by all mappings.
    pub processed: u64,
    /// Records that no filter matched.
    pub filtered: u64,
    /// Records discarded.
    pub discarded: u64,
    /// Invocations that have ended.
    pub invocations: u64,
    /// Those that failed.
    pub errors: u64,
    /// Invocations of mappings that retried records.
    pub retries: u64,
    /// Cache hits.
    pub hits: u64,
    /// Cache misses.
    pub misses: u64,
    /// Cache calls that were refused.
    pub cache_errors: u64,
    /// `GetItem` and `BatchGetItem` requests.
    pub store_reads: u64,
    /// Execution environments with an invocation, at the end of the second.
    pub in_flight: usize,
    /// Execution environments, at the end of the second.
    pub environments: usize,
    /// From a record's put until it was processed, milliseconds.
    pub latency: Option<Percentiles>,
    /// How long invocations took, milliseconds.
    pub invoke: Option<Percentiles>,
    /// The largest iterator age of all shards, milliseconds.
    pub iterator_age_ms: u64,
    /// Memory of this process, without the functions, MiB.
    #[serde(rename = "memoryMiB")]
    pub memory_mib: u64,
    /// Each shard that is listed.
    pub shards: Vec<ShardSample>,
    /// Events that the recorder missed.
    pub dropped: u64,
}

/// Percentiles of a second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Percentiles {
    /// The median.
    pub p50: f64,
    /// The 99th percentile.
    pub p99: f64,
}

/// One shard in one second.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShardSample {
    /// The stream's name.
    pub stream: String,
    /// The shard's id.
    pub shard: String,
    /// Records put.
    pub put: u64,
    /// Records processed, by all mappings.
    pub processed: u64,
    /// The largest iterator age of its mappings, milliseconds; 0 while nothing waits.
    pub iterator_age_ms: u64,
    /// Whether it takes records.
    pub open: bool,
    /// The shard that was split, or the first of two merged.
    pub parent: Option<String>,
    /// The second of two merged.
    pub adjacent_parent: Option<String>,
}
