//! The end-to-end report.

use std::{fmt, time::Duration};

use hdrhistogram::Histogram;
use momento_offline::counters::Counts;
use serde::Serialize;

use super::{
    site::Seen,
    tally::{MappingTotals, Tally},
};

/// What only the run itself knows.
pub(super) struct Run {
    /// Records that Kinesis acknowledged.
    pub produced: u64,
    /// Records that Kinesis refused.
    pub refused: u64,
    /// Time from the start until everything was ready.
    pub startup: Duration,
    /// From the first record's writing to the last one's end.
    pub elapsed: Duration,
    /// Whether the run was interrupted before every record was settled.
    pub partial: bool,
    /// Whether records were written as fast as possible.
    pub flat_out: bool,
}

/// The result of a run. Its JSON is a contract: docs/design.md, "End-to-end
/// report".
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
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
    /// Records.
    pub records: Records,
    /// Requests to the cache; `None` for Momento itself.
    pub cache_requests: Option<CacheRequests>,
    /// Reads of DynamoDB; `None` where nothing counts them.
    pub store_reads: Option<u64>,
    /// Invocations of the functions.
    pub invocations: u64,
    /// Execution environments started; `None` where nothing counts them.
    pub cold_starts: Option<u64>,
    /// Latencies, milliseconds.
    pub latency_ms: Latencies,
    /// Each mapping of the stream, where there are several.
    #[serde(skip_serializing_if = "is_one")]
    pub mappings: Vec<MappingTotals>,
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
    /// Neither processed nor discarded.
    pub lost: u64,
    /// Deliveries beyond the first of a record.
    pub duplicates: u64,
    /// Discarded, or refused by Kinesis.
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

/// Latencies.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Latencies {
    /// From a record's writing to the end of its invocation.
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
        let totals = tally.totals();
        Self {
            backend: seen.backend,
            cache: seen.cache.clone(),
            partial: run.partial,
            startup_ms: milliseconds(run.startup),
            elapsed_ms: milliseconds(run.elapsed),
            records: Records {
                produced: run.produced,
                processed: totals.processed,
                lost: run
                    .produced
                    .saturating_sub(totals.processed + totals.discarded),
                duplicates: totals.retried,
                failed: totals.discarded + run.refused,
            },
            cache_requests: seen.cache_requests.map(CacheRequests::from),
            store_reads: seen.store_reads,
            invocations: totals.invocations,
            cold_starts: seen.cold_starts,
            latency_ms: Latencies {
                write_to_read: Percentiles::of(&totals.write_to_read_us),
                invoke: Percentiles::of(&totals.invoke_us),
            },
            mappings: totals.mappings,
            flat_out: run.flat_out,
        }
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
        };
        let run = Run {
            produced: 0,
            refused: 0,
            startup: Duration::ZERO,
            elapsed: Duration::ZERO,
            partial: true,
            flat_out: false,
        };
        Self::new(&seen, &Tally::of([""; 0]), &run)
    }

    /// Whether every record was processed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.records.lost == 0 && self.records.failed == 0 && self.records.produced > 0
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

fn is_one(mappings: &[MappingTotals]) -> bool {
    mappings.len() <= 1
}

/// Milliseconds with three decimals.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let records = &self.records;
        let verdict = match (self.partial, self.passed()) {
            (true, _) => "interrupted",
            (false, true) => "passed",
            (false, false) => "FAILED",
        };
        writeln!(
            f,
            "{verdict}: {} of {} records processed on {} with the {} cache",
            records.processed, records.produced, self.backend, self.cache
        )?;
        writeln!(f)?;
        writeln!(
            f,
            "  records        lost {}  failed {}  retried {}",
            records.lost, records.failed, records.duplicates
        )?;
        for mapping in self.mappings.iter().filter(|_| !is_one(&self.mappings)) {
            writeln!(
                f,
                "  mapping        {}: processed {}  discarded {}",
                mapping.name, mapping.processed, mapping.discarded
            )?;
        }
        if let Some(cache) = &self.cache_requests {
            writeln!(
                f,
                "  cache          get {}  hit {}  miss {}  set {}  error {}",
                cache.get, cache.hit, cache.miss, cache.set, cache.error
            )?;
        }
        if let Some(reads) = self.store_reads {
            writeln!(f, "  DynamoDB       reads {reads}")?;
        }
        write!(f, "  Lambda         invocations {}", self.invocations)?;
        match self.cold_starts {
            Some(cold_starts) => writeln!(f, "  cold starts {cold_starts}")?,
            None => writeln!(f)?,
        }
        writeln!(
            f,
            "  time           start {:.0} ms  records {:.0} ms",
            self.startup_ms, self.elapsed_ms
        )?;
        for (name, latency) in [
            ("write to read", &self.latency_ms.write_to_read),
            ("invoke", &self.latency_ms.invoke),
        ] {
            if records.processed == 0 {
                writeln!(f, "  {name:<14} no samples")?;
                continue;
            }
            writeln!(
                f,
                "  {name:<14} p50 {:.2}  p90 {:.2}  p99 {:.2}  max {:.2} ms",
                latency.p50, latency.p90, latency.p99, latency.max
            )?;
        }
        if self.flat_out {
            writeln!(
                f,
                "\n  Written as fast as possible, records wait for each other; --rate 100 measures a steady load."
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{CacheRequests, Latencies, Percentiles, Records, Report};

    fn report() -> Report {
        let percentiles = Percentiles {
            p50: 1.25,
            p90: 2.5,
            p99: 4.0,
            max: 8.125,
        };
        Report {
            backend: "embedded",
            cache: "stub".to_owned(),
            partial: false,
            startup_ms: 61.2,
            elapsed_ms: 240.9,
            records: Records {
                produced: 10,
                processed: 10,
                lost: 0,
                duplicates: 0,
                failed: 0,
            },
            cache_requests: Some(CacheRequests {
                get: 10,
                hit: 7,
                miss: 3,
                set: 3,
                error: 0,
            }),
            store_reads: Some(3),
            invocations: 4,
            cold_starts: Some(1),
            mappings: Vec::new(),
            latency_ms: Latencies {
                write_to_read: percentiles,
                invoke: percentiles,
            },
            flat_out: true,
        }
    }

    #[test]
    fn the_report_s_json_is_the_contract() {
        insta::assert_snapshot!(serde_json::to_string_pretty(&report()).unwrap());
    }

    #[test]
    fn the_report_s_text_is_for_people() {
        insta::assert_snapshot!(report().to_string());
    }

    #[test]
    fn a_lost_or_failed_record_fails_the_run_and_so_does_none_at_all() {
        assert!(report().passed());
        for spoil in [
            |records: &mut Records| records.lost = 1,
            |records: &mut Records| records.failed = 1,
            |records: &mut Records| records.produced = 0,
        ] {
            let mut spoilt = report();
            spoil(&mut spoilt.records);
            assert!(!spoilt.passed());
        }
    }
}
