//! Counts what the event source mappings see: from outside the consumer.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use event_source_mapping::{
    batch::Prepared,
    observer::{Invoked, Observer},
    retry_state::Discarded,
    source::Record,
};
use hdrhistogram::Histogram;
use serde::Deserialize;
use time::OffsetDateTime;
use tokio::sync::watch;

/// The longest latency told apart, microseconds: an hour.
const LONGEST_US: u64 = 3_600_000_000;

/// The counts of one run.
#[derive(Debug)]
pub struct Tally {
    /// Records that arrived before are another run's, and are not counted.
    since: OffsetDateTime,
    counts: Mutex<Counts>,
    changed: watch::Sender<()>,
}

#[derive(Debug)]
struct Counts {
    /// Records that were in an invocation.
    delivered: HashSet<String>,
    /// Records that the function is done with.
    processed: HashSet<String>,
    discarded: u64,
    duplicates: u64,
    invocations: u64,
    write_to_read_us: Histogram<u64>,
    invoke_us: Histogram<u64>,
}

/// The counts at one moment.
#[derive(Debug, Clone)]
pub struct Totals {
    /// Records that the function is done with, each counted once.
    pub processed: u64,
    /// Records that were discarded.
    pub discarded: u64,
    /// Times that a record was delivered again.
    pub duplicates: u64,
    /// Invocations.
    pub invocations: u64,
    /// From a record's `writeTime` to the end of the invocation that was done
    /// with it, microseconds.
    pub write_to_read_us: Histogram<u64>,
    /// Invocations, microseconds.
    pub invoke_us: Histogram<u64>,
}

/// All that is read of a record.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stamped {
    #[serde(with = "time::serde::rfc3339")]
    write_time: OffsetDateTime,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            since: this_millisecond(),
            counts: Mutex::new(Counts {
                delivered: HashSet::new(),
                processed: HashSet::new(),
                discarded: 0,
                duplicates: 0,
                invocations: 0,
                write_to_read_us: microseconds(),
                invoke_us: microseconds(),
            }),
            changed: watch::channel(()).0,
        }
    }
}

impl Tally {
    /// Records that are dealt with: processed or discarded.
    #[must_use]
    pub fn settled(&self) -> u64 {
        let counts = self.lock();
        counts.processed.len() as u64 + counts.discarded
    }

    /// Changes whenever a count does.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// The counts now.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let counts = self.lock();
        Totals {
            processed: counts.processed.len() as u64,
            discarded: counts.discarded,
            duplicates: counts.duplicates,
            invocations: counts.invocations,
            write_to_read_us: counts.write_to_read_us.clone(),
            invoke_us: counts.invoke_us.clone(),
        }
    }

    /// How many of `records` are of this run: those that arrived since it began.
    /// Records arrive in order, so they are the last ones.
    fn of_this_run<'r>(&self, records: &'r [Prepared]) -> &'r [Prepared] {
        let before = records.partition_point(|one| one.record.arrived < self.since);
        &records[before..]
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Tally {
    fn invoked(&self, invoked: &Invoked<'_>) {
        let now = OffsetDateTime::now_utc();
        let mut counts = self.lock();
        counts.invocations += 1;
        counts.invoke_us.saturating_record(micros(invoked.elapsed));
        for prepared in self.of_this_run(invoked.records) {
            if !counts
                .delivered
                .insert(key(invoked.shard, &prepared.record))
            {
                counts.duplicates += 1;
            }
        }
        for prepared in self.of_this_run(&invoked.records[..invoked.done]) {
            if counts
                .processed
                .insert(key(invoked.shard, &prepared.record))
                && let Some(took) = since_written(&prepared.record, now)
            {
                counts.write_to_read_us.saturating_record(micros(took));
            }
        }
        drop(counts);
        self.changed.send_replace(());
    }

    fn discarded(&self, _shard: &str, records: &[Prepared], _discarded: &Discarded) {
        self.lock().discarded += self.of_this_run(records).len() as u64;
        self.changed.send_replace(());
    }
}

/// Sequence numbers are only unique within a shard.
fn key(shard: &str, record: &Record) -> String {
    format!("{shard}:{}", record.sequence_number)
}

/// Now, as precise as the arrival of a record.
fn this_millisecond() -> OffsetDateTime {
    let now = OffsetDateTime::now_utc();
    now.replace_millisecond(now.millisecond()).unwrap_or(now)
}

/// None for records that are not of this pipeline's form.
fn since_written(record: &Record, now: OffsetDateTime) -> Option<Duration> {
    let stamped: Stamped = serde_json::from_slice(&record.data).ok()?;
    (now - stamped.write_time).try_into().ok()
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn microseconds() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST_US, 3)
        .unwrap_or_else(|_| unreachable!("the bounds are constants that it takes"))
}
