//! Counts what the event source mappings see: from outside the consumer.

pub(super) mod ledger;
mod totals;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use event_source_mapping::{
    batch::Prepared,
    observer::{Invoked, Observer},
    retry_state::Discarded,
    source::Record,
    target::Reply,
};
use hdrhistogram::Histogram;
use serde::Deserialize;
use time::OffsetDateTime;
use tokio::sync::watch;

use ledger::{Entry, Ledger};
pub use totals::{FirstFailure, LatencyFrom, MappingTotals, Totals};
use totals::{first_failure, together};

/// The longest latency told apart, microseconds: an hour.
const LONGEST_US: u64 = 3_600_000_000;

/// The counts of one run, by mapping: every mapping of the stream gets every record.
#[derive(Debug)]
pub struct Tally {
    /// Records that arrived before are another run's, and are not counted.
    since: OffsetDateTime,
    counts: Mutex<Counts>,
    changed: watch::Sender<()>,
}

#[derive(Debug)]
struct Counts {
    mappings: BTreeMap<String, Ledger>,
    invocations: u64,
    latency_us: Histogram<u64>,
    latency_from: LatencyFrom,
    invoke_us: Histogram<u64>,
}

/// All that is read of a record.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stamped {
    #[serde(with = "time::serde::rfc3339")]
    write_time: OffsetDateTime,
}

impl Tally {
    /// Counts what these mappings do with the records that arrive from now on.
    #[must_use]
    pub fn of<N: Into<String>>(mappings: impl IntoIterator<Item = N>) -> Self {
        let mappings = mappings.into_iter();
        Self {
            since: this_millisecond(),
            counts: Mutex::new(Counts {
                mappings: mappings
                    .map(|name| (name.into(), Ledger::default()))
                    .collect(),
                invocations: 0,
                latency_us: microseconds(),
                latency_from: LatencyFrom::default(),
                invoke_us: microseconds(),
            }),
            changed: watch::channel(()).0,
        }
    }

    /// Records that every mapping has processed, filtered out or discarded.
    #[must_use]
    pub fn settled(&self) -> u64 {
        let counts = self.lock();
        let settled = counts.mappings.values().map(Ledger::settled);
        settled.min().unwrap_or(0)
    }

    /// Changes whenever a count does.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// The counts now, of `produced` records.
    #[must_use]
    pub fn totals(&self, produced: u64) -> Totals {
        let counts = self.lock();
        let together = together(&counts.mappings);
        let mappings = counts.mappings.iter();
        let mappings = mappings.map(|(name, ledger)| MappingTotals {
            name: name.clone(),
            processed: ledger.processed,
            filtered: ledger.filtered,
            discarded: ledger.discarded,
            lost: produced.saturating_sub(ledger.settled()),
            retries: ledger.retries,
        });
        Totals {
            processed: together.processed,
            filtered: together.filtered,
            discarded: together.discarded,
            retries: counts.mappings.values().map(|one| one.retries).sum(),
            invocations: counts.invocations,
            latency_us: counts.latency_us.clone(),
            latency_from: counts.latency_from,
            invoke_us: counts.invoke_us.clone(),
            mappings: mappings.collect(),
            first_failure: first_failure(&counts.mappings),
        }
    }

    /// Hands every record that some mapping saw to `take`, in the order of the stream.
    pub(super) fn each(&self, mut take: impl FnMut(&str, (&str, &str, &Entry))) {
        for (mapping, ledger) in &self.lock().mappings {
            for record in ledger.records() {
                take(mapping, record);
            }
        }
    }

    /// The mappings' names.
    pub(super) fn mappings(&self) -> Vec<String> {
        self.lock().mappings.keys().cloned().collect()
    }

    /// Whether the mapping saw the record.
    pub(super) fn saw(&self, mapping: &str, shard: &str, sequence_number: &str) -> bool {
        let counts = self.lock();
        let ledger = counts.mappings.get(mapping);
        ledger.is_some_and(|ledger| ledger.get(shard, sequence_number).is_some())
    }

    /// Those of `records` that arrived since the run began. Records arrive in order, so
    /// they are the last ones.
    fn of_this_run<'r>(&self, records: &'r [Prepared]) -> &'r [Prepared] {
        let before = records.partition_point(|one| one.record.arrived < self.since);
        &records[before..]
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From a record's `writeTime` to `now`; `None` if it has none, or one of before this
    /// run.
    fn since_written(&self, record: &Record, now: OffsetDateTime) -> Option<Duration> {
        let stamped: Stamped = serde_json::from_slice(&record.data).ok()?;
        let of_this_run = stamped.write_time >= self.since;
        (now - stamped.write_time)
            .try_into()
            .ok()
            .filter(|_| of_this_run)
    }
}

impl Observer for Tally {
    fn invoked(&self, invoked: &Invoked<'_>) {
        let now = OffsetDateTime::now_utc();
        let mut guard = self.lock();
        let counts = &mut *guard;
        // Another stream's mapping, which gets none of this run's records.
        let Some(ledger) = counts.mappings.get_mut(invoked.mapping) else {
            return;
        };
        counts.invocations += 1;
        counts.invoke_us.saturating_record(micros(invoked.elapsed));
        let shard = invoked.shard;
        let records = self.of_this_run(invoked.records);
        let (taken, error) = match invoked.reply {
            Reply::Success(_) => (true, None),
            Reply::FunctionError(error) => (true, Some(Arc::from(error.summary()))),
            Reply::Throttled | Reply::TooLarge | Reply::Unavailable(_) => (false, None),
        };
        for prepared in records.iter().filter(|_| taken) {
            ledger.tried(shard, &prepared.record.sequence_number);
        }
        for prepared in self.of_this_run(&invoked.records[..invoked.done]) {
            let record = &prepared.record;
            let from = &mut counts.latency_from;
            let latency = ledger.processed(shard, &record.sequence_number, || {
                let written = self.since_written(record, now);
                *match written {
                    Some(_) => &mut from.write_time,
                    None => &mut from.arrival,
                } += 1;
                // An arrival is rounded to the millisecond.
                let arrived = || (now - record.arrived).try_into().unwrap_or_default();
                micros(written.unwrap_or_else(arrived))
            });
            if let Some(latency) = latency {
                counts.latency_us.saturating_record(latency);
            }
        }
        // The records after the first one that a partial batch response names may be
        // fine: they are retried with it.
        let failed = match &error {
            Some(_) => records.len(),
            None => 1,
        };
        let left = self.of_this_run(&invoked.records[invoked.done..]);
        for prepared in left.iter().take(failed).filter(|_| taken) {
            ledger.failed(shard, &prepared.record.sequence_number, error.as_ref());
        }
        drop(guard);
        self.changed.send_replace(());
    }

    fn filtered(&self, mapping: &str, shard: &str, record: &Record) {
        if let Some(ledger) = self.lock().mappings.get_mut(mapping)
            && record.arrived >= self.since
        {
            ledger.filtered(shard, &record.sequence_number);
        }
        self.changed.send_replace(());
    }

    fn discarded(&self, mapping: &str, shard: &str, records: &[Prepared], why: &Discarded) {
        if let Some(ledger) = self.lock().mappings.get_mut(mapping) {
            for prepared in self.of_this_run(records) {
                ledger.discarded(shard, &prepared.record.sequence_number, why.condition);
            }
        }
        self.changed.send_replace(());
    }
}

/// Now, as precise as the arrival of a record.
fn this_millisecond() -> OffsetDateTime {
    let now = OffsetDateTime::now_utc();
    now.replace_millisecond(now.millisecond()).unwrap_or(now)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn microseconds() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST_US, 3)
        .unwrap_or_else(|_| unreachable!("the bounds are constants that it takes"))
}

#[cfg(test)]
mod tests;
