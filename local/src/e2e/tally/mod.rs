//! Counts what the event source mappings see: from outside the consumer.

use std::{
    collections::{BTreeMap, HashSet},
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
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use tokio::sync::watch;

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
    mappings: BTreeMap<String, MappingCounts>,
    retried: u64,
    invocations: u64,
    write_to_read_us: Histogram<u64>,
    invoke_us: Histogram<u64>,
}

/// What became of the records of one mapping, by identity.
#[derive(Debug, Default)]
struct MappingCounts {
    /// Records that were in an invocation.
    delivered: HashSet<String>,
    /// Records that the function processed.
    processed: HashSet<String>,
    /// Records that the mapping discarded.
    discarded: HashSet<String>,
}

/// The counts at one moment.
#[derive(Debug, Clone)]
pub struct Totals {
    /// Records that every mapping's function processed, each counted once.
    pub processed: u64,
    /// Records that some mapping discarded, each counted once.
    pub discarded: u64,
    /// Times that a record was delivered again.
    pub retried: u64,
    /// Invocations.
    pub invocations: u64,
    /// From a record's `writeTime` to the end of the invocation that processed it,
    /// microseconds.
    pub write_to_read_us: Histogram<u64>,
    /// Invocations, microseconds.
    pub invoke_us: Histogram<u64>,
    /// Each mapping's own counts.
    pub mappings: Vec<MappingTotals>,
}

/// The counts of one mapping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MappingTotals {
    /// Its name.
    pub name: String,
    /// Records that its function processed.
    pub processed: u64,
    /// Records that it discarded.
    pub discarded: u64,
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
                    .map(|name| (name.into(), MappingCounts::default()))
                    .collect(),
                retried: 0,
                invocations: 0,
                write_to_read_us: microseconds(),
                invoke_us: microseconds(),
            }),
            changed: watch::channel(()).0,
        }
    }

    /// Records that every mapping has processed or discarded.
    #[must_use]
    pub fn settled(&self) -> u64 {
        let counts = self.lock();
        let settled = counts.mappings.values();
        let settled = settled.map(|one| (one.processed.len() + one.discarded.len()) as u64);
        settled.min().unwrap_or(0)
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
        let discarded = counts.mappings.values().flat_map(|one| &one.discarded);
        Totals {
            processed: in_all(counts.mappings.values().map(|one| &one.processed)),
            discarded: discarded.collect::<HashSet<_>>().len() as u64,
            retried: counts.retried,
            invocations: counts.invocations,
            write_to_read_us: counts.write_to_read_us.clone(),
            invoke_us: counts.invoke_us.clone(),
            mappings: counts
                .mappings
                .iter()
                .map(|(name, one)| MappingTotals {
                    name: name.clone(),
                    processed: one.processed.len() as u64,
                    discarded: one.discarded.len() as u64,
                })
                .collect(),
        }
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
}

impl Observer for Tally {
    fn invoked(&self, invoked: &Invoked<'_>) {
        let now = OffsetDateTime::now_utc();
        let mut guard = self.lock();
        let counts = &mut *guard;
        // Another stream's mapping, which gets none of this run's records.
        let Some(mapping) = counts.mappings.get_mut(invoked.mapping) else {
            return;
        };
        counts.invocations += 1;
        counts.invoke_us.saturating_record(micros(invoked.elapsed));
        for prepared in self.of_this_run(invoked.records) {
            if !mapping
                .delivered
                .insert(key(invoked.shard, &prepared.record))
            {
                counts.retried += 1;
            }
        }
        for prepared in self.of_this_run(&invoked.records[..invoked.done]) {
            if mapping
                .processed
                .insert(key(invoked.shard, &prepared.record))
                && let Some(took) = since_written(&prepared.record, now)
            {
                counts.write_to_read_us.saturating_record(micros(took));
            }
        }
        drop(guard);
        self.changed.send_replace(());
    }

    fn discarded(&self, mapping: &str, shard: &str, records: &[Prepared], _: &Discarded) {
        if let Some(mapping) = self.lock().mappings.get_mut(mapping) {
            let records = self.of_this_run(records).iter();
            let keys = records.map(|prepared| key(shard, &prepared.record));
            mapping.discarded.extend(keys);
        }
        self.changed.send_replace(());
    }
}

/// How many elements are in every one of `sets`.
fn in_all<'s>(sets: impl Iterator<Item = &'s HashSet<String>>) -> u64 {
    let sets: Vec<_> = sets.collect();
    let Some((first, others)) = sets.split_first() else {
        return 0;
    };
    let in_others = |key: &&String| others.iter().all(|set| set.contains(*key));
    first.iter().filter(in_others).count() as u64
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

#[cfg(test)]
mod tests {
    use super::Tally;
    use bytes::Bytes;
    use event_source_mapping::{
        batch::Prepared,
        observer::{Invoked, Observer},
        retry_state::{Condition, Discarded},
        source::Record,
        target::Reply,
    };
    use std::time::Duration;
    use time::OffsetDateTime;

    const SHARD: &str = "shardId-000000000000";

    fn records(numbers: std::ops::Range<u32>, arrived: OffsetDateTime) -> Vec<Prepared> {
        let record = |number: u32| Record {
            sequence_number: number.to_string(),
            partition_key: "key".to_owned(),
            data: Bytes::new(),
            arrived,
        };
        numbers
            .map(|number| Prepared::observed(record(number)))
            .collect()
    }

    fn invoke(tally: &Tally, mapping: &str, records: &[Prepared], done: usize) {
        tally.invoked(&Invoked {
            mapping,
            shard: SHARD,
            records,
            done,
            elapsed: Duration::ZERO,
            reply: &Reply::Throttled,
        });
    }

    #[test]
    fn records_of_earlier_runs_are_not_counted() {
        let tally = Tally::of(["mapping"]);
        let before = OffsetDateTime::now_utc() - Duration::from_secs(10);
        let mut batch = records(0..3000, before);
        batch.extend(records(3000..3050, OffsetDateTime::now_utc()));
        invoke(&tally, "mapping", &batch, batch.len());
        assert_eq!(tally.settled(), 50);
        assert_eq!(tally.totals().processed, 50);
    }

    #[test]
    fn a_record_is_settled_when_every_mapping_has_settled_it() {
        let tally = Tally::of(["works", "fails"]);
        let batch = records(0..10, OffsetDateTime::now_utc());
        invoke(&tally, "works", &batch, 10);
        invoke(&tally, "fails", &batch, 0);
        assert_eq!((tally.settled(), tally.totals().processed), (0, 0));
        let discarded = Discarded {
            records: 0..10,
            condition: Condition::RetryAttemptsExhausted,
            invocations: 1,
        };
        tally.discarded("fails", SHARD, &batch, &discarded);
        tally.discarded("of another stream", SHARD, &batch, &discarded);
        assert_eq!(tally.settled(), 10);
        let totals = tally.totals();
        assert_eq!((totals.processed, totals.discarded), (0, 10));
        assert_eq!(
            (totals.mappings[1].processed, totals.mappings[0].discarded),
            (10, 10)
        );
    }
}
