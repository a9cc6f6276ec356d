//! Mappings that change while records flow: nothing is lost, skipped or delivered twice,
//! and each shard keeps its order.
//!
//! `LIVE_CHANGES_SECONDS=60` writes 1,000 records/s for so long; without it a few hundred
//! records are written in all.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use serde_json::json;
use tokio::{
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval},
};

use crate::world::{World, put};

/// The sequence numbers that were written, by shard.
type Written = BTreeMap<String, Vec<String>>;

/// Records of one write.
const RECORDS: u64 = 20;

/// Keeps writing until it is told to stop.
struct Writer {
    stop: Arc<AtomicBool>,
    count: Arc<AtomicU64>,
    task: JoinHandle<Written>,
}

impl Writer {
    /// 1,000 records/s with the variable, and 250 without.
    fn start(world: &World) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let count = Arc::new(AtomicU64::new(0));
        let (stopped, counted) = (stop.clone(), count.clone());
        let kinesis = world.kinesis.clone();
        let pause = if seconds().is_some() { 20 } else { 80 };
        let task = tokio::spawn(async move {
            let (mut written, mut next) = (Written::new(), 0);
            let mut ticks = interval(Duration::from_millis(pause));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while !stopped.load(Relaxed) {
                ticks.tick().await;
                // Few keys, so that each has many records.
                let keys = (next..next + RECORDS).map(|number| number % 50);
                next += RECORDS;
                counted.store(next, Relaxed);
                for (shard, number) in put(&kinesis, keys).await {
                    written.entry(shard).or_default().push(number);
                }
            }
            written
        });
        Self { stop, count, task }
    }

    /// Waits until more records are written.
    async fn writes_more(&self) {
        let before = self.count.load(Relaxed);
        let deadline = Instant::now() + Duration::from_mins(1);
        while self.count.load(Relaxed) < before + 5 * RECORDS {
            assert!(Instant::now() < deadline, "nothing is written");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn end(self) -> Written {
        self.stop.store(true, Relaxed);
        self.task.await.unwrap()
    }
}

fn seconds() -> Option<u64> {
    let seconds = std::env::var("LIVE_CHANGES_SECONDS").ok()?;
    Some(seconds.parse().expect("LIVE_CHANGES_SECONDS is a number"))
}

/// Runs `round` once, or until the time of the variable is over.
async fn rounds(mut round: impl AsyncFnMut()) {
    let until = Instant::now() + Duration::from_secs(seconds().unwrap_or(0));
    loop {
        round().await;
        if Instant::now() >= until {
            return;
        }
    }
}

/// Waits until a mapping has processed more records than before.
async fn flows(world: &World, mapping: &str) {
    let count = || {
        world
            .recording
            .of(mapping)
            .values()
            .map(Vec::len)
            .sum::<usize>()
    };
    let before = count();
    let deadline = Instant::now() + Duration::from_mins(1);
    while count() < before + 40 {
        assert!(Instant::now() < deadline, "{mapping} delivers nothing");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// How many records each shard has processed: nothing is delivered while it stays.
fn processed(world: &World) -> usize {
    world.recording.seen().len()
}

/// Every shard has processed exactly the first of its written records, in order.
fn is_a_prefix(seen: &Written, written: &Written) {
    for (shard, numbers) in seen {
        let written = &written[shard];
        assert!(numbers.len() <= written.len(), "{shard}: records twice");
        assert_eq!(numbers[..], written[..numbers.len()], "{shard}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mapping_that_is_updated_disabled_and_enabled_loses_and_repeats_nothing() {
    let world = World::start().await;
    let uuid = world.uuid().await;
    let writer = Writer::start(&world);
    rounds(async || {
        flows(&world, "Mapping").await;
        for change in [
            json!({ "BatchSize": 3 }),
            json!({ "BatchSize": 100, "MaximumBatchingWindowInSeconds": 1 }),
            json!({ "MaximumRetryAttempts": 2, "BisectBatchOnFunctionError": true }),
            json!({ "FunctionName": "other", "MaximumBatchingWindowInSeconds": 0 }),
            json!({ "FunctionName": "work", "BatchSize": 10 }),
        ] {
            world.update(&uuid, change, "Enabled").await;
            flows(&world, "Mapping").await;
        }
        world
            .update(&uuid, json!({ "Enabled": false }), "Disabled")
            .await;
        let before = processed(&world);
        writer.writes_more().await;
        assert_eq!(processed(&world), before, "a disabled mapping delivers");
        // A change of a disabled mapping does not start it.
        world
            .update(&uuid, json!({ "BatchSize": 7 }), "Disabled")
            .await;
        world
            .update(&uuid, json!({ "Enabled": true }), "Enabled")
            .await;
        flows(&world, "Mapping").await;
    })
    .await;
    let written = writer.end().await;
    world.settled().await;
    assert_eq!(world.recording.of("Mapping"), written);
    world.embedded.shut_down().await;
}

/// Decimals of many digits, compared as numbers.
fn later(one: &str, other: &str) -> bool {
    (one.len(), one) < (other.len(), other)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mapping_that_is_deleted_and_created_again_reads_every_record_in_order() {
    let world = World::start().await;
    let mut uuid = world.uuid().await;
    let mut name = "Mapping".to_owned();
    let writer = Writer::start(&world);
    let mut deleted = Vec::new();
    // Each new mapping starts at the trim horizon: a long run would read all of it again.
    for _ in 0..3 {
        flows(&world, &name).await;
        world.delete(&uuid).await;
        deleted.push((name.clone(), world.recording.of(&name)));
        uuid = world.create(json!({ "BatchSize": 50 })).await;
        name.clone_from(&uuid);
    }
    flows(&world, &name).await;
    let written = writer.end().await;
    world.settled().await;
    for (name, seen) in deleted {
        is_a_prefix(&seen, &written);
        assert_eq!(
            world.recording.of(&name),
            seen,
            "a deleted mapping delivers"
        );
    }
    assert_eq!(world.recording.of(&name), written);
    world.embedded.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_batches_that_are_updated_repeat_nothing_and_keep_each_key_s_order() {
    let world = World::start().await;
    let uuid = world.uuid().await;
    let writer = Writer::start(&world);
    rounds(async || {
        for factor in [4, 10, 1, 3] {
            let change = json!({ "ParallelizationFactor": factor, "BatchSize": 2 + factor });
            world.update(&uuid, change, "Enabled").await;
            flows(&world, "Mapping").await;
        }
        world
            .update(&uuid, json!({ "Enabled": false }), "Disabled")
            .await;
        world
            .update(&uuid, json!({ "Enabled": true }), "Enabled")
            .await;
    })
    .await;
    let written = writer.end().await;
    world.settled().await;
    let mut keys: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for seen in world.recording.seen() {
        keys.entry((seen.shard, seen.partition_key))
            .or_default()
            .push(seen.sequence_number);
    }
    for ((shard, key), numbers) in &keys {
        let order = numbers.windows(2).all(|two| later(&two[0], &two[1]));
        assert!(order, "{shard}: key {key} is out of order or twice");
    }
    let mut seen = world.recording.of("Mapping");
    for numbers in seen.values_mut() {
        numbers.sort_by(|one, other| (one.len(), one).cmp(&(other.len(), other)));
    }
    assert_eq!(seen, written);
    world.embedded.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_under_way_is_finished_before_a_mapping_is_disabled() {
    let world = World::start().await;
    let uuid = world.uuid().await;
    // Every environment is taken away: the invocations wait for their turn.
    let (status, _) = world
        .call(
            reqwest::Method::PUT,
            "/2017-10-31/functions/work/concurrency",
            json!({ "ReservedConcurrentExecutions": 1 }),
        )
        .await;
    assert_eq!(status, 200);
    world.put(0..200).await;
    let reply = world
        .update(&uuid, json!({ "Enabled": false }), "Disabled")
        .await;
    assert_eq!(reply["StateTransitionReason"], "User action");
    let status = world.embedded.status.status();
    let in_flight: u64 = status.mappings[0]
        .shards
        .values()
        .map(|one| one.in_flight)
        .sum();
    assert_eq!(in_flight, 0);
    assert_eq!(status.mappings[0].state.as_deref(), Some("Disabled"));
    let before = processed(&world);
    world.settled().await; // a disabled mapping has nothing to wait for
    assert_eq!(processed(&world), before);
    world
        .update(&uuid, json!({ "Enabled": true }), "Enabled")
        .await;
    world.settled().await;
    assert_eq!(processed(&world), 200);
    world.embedded.shut_down().await;
}
