//! Takes a sample each second from the first page on, or more often of a run.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use momento_offline::counters::Counts as CacheCounts;
use time::OffsetDateTime;
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::{
    Inner, Shown,
    recorder::Counts,
    sample::{Sample, ShardSample},
};
use crate::mappings::MappingWatch;

/// How often samples are taken, and how many are kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sampling {
    pub(super) every: Duration,
    pub(super) kept: usize,
}

impl Sampling {
    /// For a page that is open: five minutes.
    pub(super) const LIVE: Self = Self {
        every: Duration::from_secs(1),
        kept: 300,
    };

    /// For a run that is shown when it is over: an hour.
    pub(super) const RUN: Self = Self {
        every: Duration::from_millis(100),
        kept: 36_000,
    };
}

/// The samples that are kept, and the newest one as it comes.
pub(super) struct Samples {
    kept: Mutex<VecDeque<Arc<Sample>>>,
    newest: watch::Sender<Option<Arc<Sample>>>,
    /// How much time one covers, once they are taken.
    pub(super) every: OnceLock<Duration>,
    /// Cancelled after the last one.
    ended: CancellationToken,
}

impl Default for Samples {
    fn default() -> Self {
        Self {
            kept: Mutex::default(),
            newest: watch::Sender::new(None),
            every: OnceLock::new(),
            ended: CancellationToken::new(),
        }
    }
}

impl Samples {
    /// The samples that are kept, the oldest first.
    pub(super) fn kept(&self) -> Vec<Arc<Sample>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().cloned().collect()
    }

    /// Is cancelled after the last sample, once the environment stops.
    pub(super) fn ended(&self) -> CancellationToken {
        self.ended.clone()
    }

    /// Each sample from now on; a slow reader gets the newest.
    pub(super) fn follow(&self) -> watch::Receiver<Option<Arc<Sample>>> {
        let mut newest = self.newest.subscribe();
        newest.mark_unchanged();
        newest
    }

    fn add(&self, sample: Sample, most: usize) {
        let sample = Arc::new(sample);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= most {
            kept.pop_front();
        }
        kept.push_back(sample.clone());
        drop(kept);
        self.newest.send_replace(Some(sample));
    }
}

/// What the counters that only grow had at the last sample.
#[derive(Default)]
struct Before {
    cache: CacheCounts,
    store_reads: u64,
}

/// Takes samples until the page's environment is gone.
pub(super) fn start(page: &Arc<Inner>, sampling: Sampling) {
    let recorded = page.recorder.ended();
    let _ = page.samples.every.set(sampling.every);
    let page = Arc::downgrade(page);
    tokio::spawn(async move {
        let mut ticks = interval(sampling.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        // The first sample is taken at once: it has the shards, and nothing is counted yet.
        let mut before = page.upgrade().map(|page| before(&page)).unwrap_or_default();
        loop {
            let is_last = tokio::select! {
                _ = ticks.tick() => false,
                // What is left of the last second.
                () = recorded.cancelled() => true,
            };
            let Some(page) = page.upgrade() else { return };
            let counts = page.recorder.take_counts();
            if let Some(shown) = page.shown.get() {
                let sample = sample(shown, &counts, &mut before);
                page.samples.add(sample, sampling.kept);
            }
            if is_last {
                page.samples.ended.cancel();
                return;
            }
        }
    });
}

fn before(page: &Inner) -> Before {
    page.shown
        .get()
        .map_or_else(Before::default, |shown| Before {
            cache: cache_counts(shown),
            store_reads: store_reads(shown),
        })
}

fn cache_counts(shown: &Shown) -> CacheCounts {
    let cache = shown.cache.as_ref();
    cache.map_or_else(CacheCounts::default, |(keyspace, _)| keyspace.counts())
}

fn store_reads(shown: &Shown) -> u64 {
    let Some((_, calls)) = &shown.engine else {
        return 0;
    };
    let of = |operation| calls.of("DynamoDB", operation);
    of("GetItem") + of("BatchGetItem")
}

fn sample(shown: &Shown, counts: &Counts, before: &mut Before) -> Sample {
    let (cache_now, reads_now) = (cache_counts(shown), store_reads(shown));
    let cache = cache_now.since(&before.cache);
    let store_reads = reads_now.saturating_sub(before.store_reads);
    *before = Before {
        cache: cache_now,
        store_reads: reads_now,
    };
    let functions = shown.functions.values();
    let shards = shards(shown, counts);
    Sample {
        time: now(),
        put: counts.put,
        processed: counts.processed,
        filtered: counts.filtered,
        discarded: counts.discarded,
        invocations: counts.invocations,
        errors: counts.errors,
        retries: counts.retries,
        hits: cache.hit,
        misses: cache.miss,
        cache_errors: cache.error,
        store_reads,
        in_flight: functions.clone().map(|function| function.busy()).sum(),
        environments: functions.map(|function| function.environments()).sum(),
        latency: counts.latency.percentiles(),
        invoke: counts.invoke.percentiles(),
        iterator_age_ms: shards
            .iter()
            .map(|one| one.iterator_age_ms)
            .max()
            .unwrap_or(0),
        memory_mib: memory_mib(),
        shards,
        dropped: counts.dropped,
    }
}

/// Every shard that is listed, by stream; without the streams, those that mappings read.
fn shards(shown: &Shown, counts: &Counts) -> Vec<ShardSample> {
    let ages = ages(shown);
    let with_counts = |sample: ShardSample| {
        let key = (sample.stream.as_str().into(), sample.shard.as_str().into());
        let (put, processed) = counts.shards.get(&key).copied().unwrap_or_default();
        let age = ages.get(&(sample.stream.clone(), sample.shard.clone()));
        // The status keeps the age of the last batch, however long ago it was.
        let is_read = age.is_some_and(|age| age.pending > 0) || processed > 0;
        ShardSample {
            put,
            processed,
            iterator_age_ms: age.filter(|_| is_read).map_or(0, |age| age.milliseconds),
            ..sample
        }
    };
    let Some((reader, _)) = &shown.engine else {
        let read = ages.keys().map(|(stream, shard)| ShardSample {
            stream: stream.clone(),
            shard: shard.clone(),
            open: true,
            ..ShardSample::default()
        });
        return read.map(with_counts).collect();
    };
    let listed = reader.streams().into_iter().flat_map(|stream| {
        let shards = reader.shards(&stream).into_iter();
        shards.map(move |shard| ShardSample {
            stream: stream.clone(),
            shard: shard.id,
            open: shard.open,
            parent: shard.parent,
            adjacent_parent: shard.adjacent_parent,
            ..ShardSample::default()
        })
    });
    listed.map(with_counts).collect()
}

#[derive(Default)]
struct Age {
    milliseconds: u64,
    pending: u64,
}

/// The largest iterator age of each shard's mappings.
fn ages(shown: &Shown) -> BTreeMap<(String, String), Age> {
    let mut ages: BTreeMap<_, Age> = BTreeMap::new();
    for mapping in shown.mappings.all() {
        let Some(MappingWatch::Stream(watch)) = &mapping.watch else {
            continue;
        };
        let stream = mapping.definition.stream().to_owned();
        for (shard, status) in watch.status().shards {
            let age = ages.entry((stream.clone(), shard)).or_default();
            age.milliseconds = age.milliseconds.max(status.iterator_age_ms);
            age.pending += status.pending;
        }
    }
    ages
}

/// Milliseconds since 1970.
fn now() -> u64 {
    let milliseconds = OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000;
    u64::try_from(milliseconds).unwrap_or_default()
}

/// The resident memory of this process; 0 where the system has no `/proc`.
fn memory_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut lines = status.lines();
    let resident = lines.find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = resident.and_then(|text| text.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1024
}
