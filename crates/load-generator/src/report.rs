//! The report of a load.

use std::{fmt, time::Duration};

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::writer::Outcome;

/// The longest latency in the histogram, in microseconds: an hour.
const LONGEST_US: u64 = 3_600_000_000;

/// An empty histogram of microseconds with three significant digits.
pub(crate) fn latencies() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST_US, 3)
        .unwrap_or_else(|_| unreachable!("the constant bounds are valid"))
}

/// The report at the end of a load.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Records to write, of all threads together. What was sent, where no number was
    /// asked for.
    pub asked: u64,
    /// Records that Kinesis acknowledged.
    pub written: u64,
    /// Records that were sent and never acknowledged.
    pub failed: u64,
    /// Retries of single records.
    pub retries: u64,
    /// The load ended before all records were sent.
    pub partial: bool,
    /// Duration of the load, in milliseconds.
    pub elapsed_ms: f64,
    /// Acknowledged records per second.
    pub records_per_second: f64,
    /// From each record's due time to its acknowledgement, in milliseconds.
    pub latency_ms: Percentiles,
}

/// Percentiles, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[allow(missing_docs)] // the names are the percentiles
pub struct Percentiles {
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    #[serde(rename = "p99.9")]
    pub p99_9: f64,
    pub max: f64,
}

impl Report {
    pub(crate) fn new(
        asked: u64,
        partial: bool,
        outcome: Outcome,
        elapsed: Duration,
        latency_us: &Histogram<u64>,
    ) -> Self {
        let seconds = elapsed.as_secs_f64();
        #[allow(clippy::cast_precision_loss)] // a count of records is far below 2^52
        let records_per_second = if seconds > 0.0 {
            outcome.written as f64 / seconds
        } else {
            0.0
        };
        Self {
            asked,
            written: outcome.written,
            failed: outcome.failed,
            retries: outcome.retries,
            partial,
            elapsed_ms: round(seconds * 1e3),
            records_per_second: records_per_second.round(),
            latency_ms: Percentiles::of(latency_us),
        }
    }
}

impl Percentiles {
    fn of(histogram: &Histogram<u64>) -> Self {
        #[allow(clippy::cast_precision_loss)] // microseconds of a run, far below 2^52
        let ms = |us: u64| round(us as f64 / 1e3);
        Self {
            p50: ms(histogram.value_at_quantile(0.5)),
            p90: ms(histogram.value_at_quantile(0.9)),
            p99: ms(histogram.value_at_quantile(0.99)),
            p99_9: ms(histogram.value_at_quantile(0.999)),
            max: ms(histogram.max()),
        }
    }
}

fn round(ms: f64) -> f64 {
    (ms * 1e3).round() / 1e3
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            written,
            asked,
            failed,
            retries,
            records_per_second,
            latency_ms: latency,
            ..
        } = self;
        let seconds = self.elapsed_ms / 1e3;
        let partial = if self.partial {
            "   stopped before the end"
        } else {
            ""
        };
        writeln!(f, "written   {written} of {asked}{partial}")?;
        writeln!(f, "failed    {failed}")?;
        writeln!(f, "retries   {retries}")?;
        writeln!(
            f,
            "took      {seconds:.3} s, {records_per_second:.0} records/s"
        )?;
        write!(
            f,
            "latency   p50 {:.2}  p90 {:.2}  p99 {:.2}  p99.9 {:.2}  max {:.2} ms",
            latency.p50, latency.p90, latency.p99, latency.p99_9, latency.max
        )
    }
}
