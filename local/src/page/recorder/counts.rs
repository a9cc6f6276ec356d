//! The counts of the second that is running.

use std::{collections::HashMap, sync::Arc};

use foldhash::fast::RandomState;
use hdrhistogram::Histogram;

use crate::page::sample::Percentiles;

/// A stream's name and a shard's id.
pub(super) type ShardKey = (Arc<str>, Arc<str>);

/// Counts since they were last taken.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) put: u64,
    pub(crate) processed: u64,
    pub(crate) filtered: u64,
    pub(crate) discarded: u64,
    pub(crate) invocations: u64,
    pub(crate) errors: u64,
    pub(crate) retries: u64,
    pub(crate) dropped: u64,
    pub(crate) latency: Latencies,
    pub(crate) invoke: Latencies,
    /// Records put and processed.
    pub(crate) shards: HashMap<ShardKey, (u64, u64), RandomState>,
}

/// Durations. A second without any allocates nothing.
#[derive(Debug, Default)]
pub(crate) struct Latencies(Option<Histogram<u32>>);

impl Latencies {
    /// Adds a duration, milliseconds.
    pub(super) fn add(&mut self, milliseconds: f64) {
        if self.0.is_none() {
            // Two digits are enough for a chart; a day is longer than any latency.
            self.0 = Histogram::new_with_max(86_400_000_000, 2).ok();
        }
        if let Some(histogram) = &mut self.0 {
            histogram.saturating_record(microseconds(milliseconds));
        }
    }

    /// The percentiles; `None` without a duration.
    pub(crate) fn percentiles(&self) -> Option<Percentiles> {
        let histogram = self.0.as_ref()?;
        let at = |quantile| {
            let microseconds = histogram.value_at_quantile(quantile);
            let microseconds = u32::try_from(microseconds).unwrap_or(u32::MAX);
            f64::from(microseconds) / 1000.0
        };
        Some(Percentiles {
            p50: at(0.5),
            p99: at(0.99),
        })
    }
}

/// A negative latency is that of clocks that differ, and counts as none.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn microseconds(milliseconds: f64) -> u64 {
    (milliseconds.max(0.0) * 1000.0) as u64
}
