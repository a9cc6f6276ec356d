//! The end-to-end report.

mod text;

use std::time::Duration;

use hdrhistogram::Histogram;
use momento_offline::counters::Counts;
use serde::Serialize;

use super::{
    Written,
    conditions::{Checked, Condition, with_defaults},
    error_lines::ErrorLines,
    site::Seen,
    tally::{FirstFailure, LatencyFrom, MappingTotals, Tally},
};

/// The version of the report's JSON. It changes when a field changes or goes.
const VERSION: u32 = 1;

/// What only the run itself knows.
pub(super) struct Run {
    /// What Kinesis acknowledged and refused.
    pub written: Written,
    /// Time from the start until everything was ready.
    pub startup: Duration,
    /// From the first record's writing to the last one's end.
    pub elapsed: Duration,
    /// Whether the run was interrupted before every record was settled.
    pub partial: bool,
    /// Whether records were written as fast as possible.
    pub flat_out: bool,
    /// The seed of the records' random values.
    pub seed: Option<u64>,
}

/// The result of a run. Its JSON is a contract: docs/design.md, "End-to-end
/// report".
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The version of this form.
    pub version: u32,
    /// Whether the run met every condition and was not interrupted.
    pub passed: bool,
    /// Which backend ran.
    pub backend: &'static str,
    /// Which cache.
    pub cache: String,
    /// Whether the run was interrupted before every record was settled.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// Until everything was ready, without building, milliseconds.
    pub startup_ms: f64,
    /// From the first record's writing to the last one's end, milliseconds.
    pub elapsed_ms: f64,
    /// Processed records per second.
    pub throughput: f64,
    /// Records.
    pub records: Records,
    /// The seed of the records' random values; `None` if a program wrote them.
    pub seed: Option<u64>,
    /// Requests to the cache; `None` for Momento itself.
    pub cache_requests: Option<CacheRequests>,
    /// Reads of DynamoDB; `None` where nothing counts them.
    pub store_reads: Option<u64>,
    /// Invocations of the functions.
    pub invocations: u64,
    /// Execution environments started; `None` where nothing counts them.
    pub cold_starts: Option<u64>,
    /// What the stream's shards refused; `None` without `--enforce-limits`.
    pub throttled: Option<Throttled>,
    /// Latencies, milliseconds.
    pub latency_ms: Latencies,
    /// What `write_to_read` counts from, in numbers of records.
    pub latency_from: LatencyFrom,
    /// Each mapping of the stream.
    pub mappings: Vec<MappingTotals>,
    /// The conditions, and whether the run met them.
    pub conditions: Vec<Checked>,
    /// The first record that could not be processed.
    pub first_failure: Option<FirstFailure>,
    /// Whether records were written as fast as possible. Latencies then include the
    /// time that a record waits for those before it, and the text says so.
    #[serde(skip)]
    pub flat_out: bool,
}

/// Records by outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Records {
    /// Acknowledged by Kinesis.
    pub produced: u64,
    /// Processed, each counted once.
    pub processed: u64,
    /// Filtered out by every mapping.
    pub filtered: u64,
    /// Records that some mapping neither processed, filtered out nor discarded.
    pub lost: u64,
    /// The retries, by their first name.
    pub duplicates: u64,
    /// Times that a function took a record again.
    pub retries: u64,
    /// Discarded by some mapping.
    pub discarded: u64,
    /// Refused by Kinesis.
    pub refused: u64,
    /// Discarded or refused.
    pub failed: u64,
}

/// Requests to the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[allow(missing_docs)] // they are what their names say
pub struct CacheRequests {
    pub get: u64,
    pub hit: u64,
    pub miss: u64,
    pub set: u64,
    pub error: u64,
}

/// Records that the stream's shards refused, beyond what AWS's shards take. The writer puts
/// them again, and one that is refused again counts again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Throttled {
    /// Open shards of the stream.
    pub shards: usize,
    /// Beyond 1,000 records a second.
    pub by_records: u64,
    /// Beyond 1 MiB a second.
    pub by_bytes: u64,
}

impl Throttled {
    /// All of them.
    pub(super) fn records(self) -> u64 {
        self.by_records + self.by_bytes
    }
}

/// Latencies.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Latencies {
    /// From a record's writing, or its arrival in the stream, to the end of its invocation.
    pub write_to_read: Percentiles,
    /// Invocations.
    pub invoke: Percentiles,
}

/// Percentiles, milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[allow(missing_docs)] // they are what their names say
pub struct Percentiles {
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub max: f64,
}

impl Report {
    pub(super) fn new(seen: &Seen, tally: &Tally, run: &Run) -> Self {
        let Written { written, refused } = run.written;
        let totals = tally.totals(written);
        let lost = totals.mappings.iter().map(|mapping| mapping.lost).max();
        let seconds = run.elapsed.as_secs_f64();
        #[allow(clippy::cast_precision_loss)] // a count of records is far below 2^52
        let throughput = totals.processed as f64 / seconds.max(1e-6);
        let report = Self {
            version: VERSION,
            passed: false,
            backend: seen.backend,
            cache: seen.cache.clone(),
            partial: run.partial,
            startup_ms: milliseconds(run.startup),
            elapsed_ms: milliseconds(run.elapsed),
            throughput: throughput.round(),
            records: Records {
                produced: written,
                processed: totals.processed,
                filtered: totals.filtered,
                lost: lost.unwrap_or(written),
                duplicates: totals.retries,
                retries: totals.retries,
                discarded: totals.discarded,
                refused,
                failed: totals.discarded + refused,
            },
            seed: run.seed,
            cache_requests: seen.cache_requests.map(CacheRequests::from),
            store_reads: seen.store_reads,
            invocations: totals.invocations,
            cold_starts: seen.cold_starts,
            throttled: seen.throttled,
            latency_ms: Latencies {
                write_to_read: Percentiles::of(&totals.latency_us),
                invoke: Percentiles::of(&totals.invoke_us),
            },
            latency_from: totals.latency_from,
            mappings: totals.mappings,
            conditions: Vec::new(),
            first_failure: totals.first_failure,
            flat_out: run.flat_out,
        };
        report.judged(&[])
    }

    /// The report with these conditions checked, and every run's that they do not
    /// replace.
    #[must_use]
    pub fn judged(mut self, conditions: &[Condition]) -> Self {
        let conditions = with_defaults(conditions);
        let checked = conditions.iter().map(|one| one.check(&self)).collect();
        self.conditions = checked;
        self.passed = !self.partial && self.conditions.iter().all(|one| one.passed);
        self
    }

    /// The report with the function's own log line where the first failure has no error:
    /// a partial batch response names a record and not what is wrong with it.
    #[must_use]
    pub fn explained_by(mut self, errors: &ErrorLines) -> Self {
        if let Some(failure) = &mut self.first_failure
            && failure.error.is_none()
        {
            failure.error = errors.about(&failure.sequence_number);
        }
        self
    }

    /// Of a run that was interrupted before it wrote anything.
    #[must_use]
    pub fn interrupted(backend: &'static str) -> Self {
        let seen = Seen {
            backend,
            cache: "none".to_owned(),
            cache_requests: None,
            store_reads: None,
            cold_starts: None,
            throttled: None,
        };
        let run = Run {
            written: Written::default(),
            startup: Duration::ZERO,
            elapsed: Duration::ZERO,
            partial: true,
            flat_out: false,
            seed: None,
        };
        Self::new(&seen, &Tally::of([""; 0]), &run)
    }
}

impl From<Counts> for CacheRequests {
    fn from(counts: Counts) -> Self {
        Self {
            get: counts.get,
            hit: counts.hit,
            miss: counts.miss,
            set: counts.set,
            error: counts.error,
        }
    }
}

impl Percentiles {
    fn of(microseconds: &Histogram<u64>) -> Self {
        let at = |quantile| {
            milliseconds(Duration::from_micros(
                microseconds.value_at_quantile(quantile),
            ))
        };
        Self {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            max: at(1.0),
        }
    }
}

/// Milliseconds with three decimals.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
pub(super) mod tests;
