//! Random histories of puts, reshards, deletions, kills and power failures, on a
//! simulated disk: each `--fsync` policy keeps what it promises, and no more.
//!
//! `KINESIS_HISTORIES=1000 cargo test -p kinesis-engine power_cuts` makes a long run.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use durable_files::SimulatedDisk;
use futures_util::future::join_all;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::fixture::{FIRST_SHARD, Fixture};
use crate::{FsyncPolicy, OpenError, Options};

fn options(fsync: FsyncPolicy) -> Options {
    Options {
        data_dir: Some("/data".into()),
        fsync,
        ..Options::default()
    }
}

async fn open(disk: &SimulatedDisk, fsync: FsyncPolicy) -> Result<Fixture, OpenError> {
    Fixture::on(Arc::new(disk.clone()), options(fsync)).await
}

#[derive(Debug, Clone)]
enum Step {
    Create,
    Delete,
    /// Requests at once, records in each, bytes in each record.
    Put(usize, usize, usize),
    Split(usize, u128),
    Merge(usize),
    Scale(i64),
}

/// Steps between two starts.
#[derive(Debug, Clone)]
struct Session {
    steps: Vec<Step>,
    /// Disk operations until the power fails, or the process is killed.
    operations: u64,
    power_cut: bool,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => Just(Step::Create),
        1 => Just(Step::Delete),
        8 => (1..4usize, 1..6usize, 0..400usize).prop_map(|(n, records, bytes)| Step::Put(n, records, bytes)),
        2 => (0..4usize, any::<u128>()).prop_map(|(shard, at)| Step::Split(shard, at)),
        2 => (0..4usize).prop_map(Step::Merge),
        1 => (1..5i64).prop_map(Step::Scale),
    ]
}

fn session() -> impl Strategy<Value = Session> {
    let steps = prop::collection::vec(step(), 1..12);
    let operations = prop_oneof![3 => 0..120u64, 1 => Just(u64::MAX)];
    (steps, operations, any::<bool>()).prop_map(|(steps, operations, power_cut)| Session {
        steps,
        operations,
        power_cut,
    })
}

type Records = BTreeMap<(String, String), String>;

/// What has to be there after a restart.
#[derive(Debug, Default)]
struct Model {
    /// Whether the stream exists; `None` after a request without a definite reply.
    exists: Option<bool>,
    /// Acknowledged, by shard and sequence number.
    records: Records,
    /// The shards of the last acknowledged change; `None` if a later one may be in effect.
    shards: Option<Vec<String>>,
    /// Ever sent, acknowledged or not.
    sent: BTreeSet<String>,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

impl Model {
    fn new() -> Self {
        Self {
            exists: Some(false),
            ..Self::default()
        }
    }

    async fn run(&mut self, fixture: &Fixture, step: &Step) {
        match step {
            Step::Create => {
                let request = json!({"StreamName": "orders", "ShardCount": 2});
                match fixture.call("CreateStream", request).await.0 {
                    200 => {
                        self.exists = Some(true);
                        self.records.clear();
                        self.shards = list(fixture).await;
                    }
                    500 => self.exists = None,
                    _ => {}
                }
            }
            Step::Delete => match fixture
                .call("DeleteStream", json!({"StreamName": "orders"}))
                .await
                .0
            {
                200 => self.exists = Some(false),
                500 => self.exists = None,
                _ => {}
            },
            Step::Put(requests, records, bytes) => {
                self.put(fixture, *requests, *records, *bytes).await;
            }
            Step::Split(shard, at) => {
                let request = json!({"StreamName": "orders", "ShardToSplit": open_shard(fixture, *shard).await,
                    "NewStartingHashKey": at.to_string()});
                self.reshard(fixture, "SplitShard", request).await;
            }
            Step::Merge(shard) => {
                let request = json!({"StreamName": "orders", "ShardToMerge": open_shard(fixture, *shard).await,
                    "AdjacentShardToMerge": open_shard(fixture, shard + 1).await});
                self.reshard(fixture, "MergeShards", request).await;
            }
            Step::Scale(count) => {
                let request = json!({"StreamName": "orders", "TargetShardCount": count, "ScalingType": "UNIFORM_SCALING"});
                self.reshard(fixture, "UpdateShardCount", request).await;
            }
        }
    }

    async fn reshard(&mut self, fixture: &Fixture, operation: &str, request: Value) {
        match fixture.call(operation, request).await.0 {
            200 => self.shards = list(fixture).await,
            500 => self.shards = None,
            _ => {}
        }
    }

    async fn put(&mut self, fixture: &Fixture, requests: usize, records: usize, bytes: usize) {
        let mut sent = Vec::new();
        for _ in 0..requests {
            let data = (0..records).map(|_| {
                let data = format!("{} {}", self.sent.len(), "x".repeat(bytes));
                self.sent.insert(data.clone());
                data
            });
            sent.push(data.collect::<Vec<_>>());
        }
        let calls = sent.iter().map(|data| {
            let entry =
                |data: &String| json!({"PartitionKey": data.split(' ').next(), "Data": STANDARD.encode(data)});
            let entries: Vec<_> = data.iter().map(entry).collect();
            fixture.call(
                "PutRecords",
                json!({"StreamName": "orders", "Records": entries}),
            )
        });
        for ((status, reply), data) in join_all(calls).await.into_iter().zip(&sent) {
            if status == 200 {
                let stored = reply["Records"].as_array().unwrap();
                for (record, data) in stored.iter().zip(data) {
                    let key = (text(&record["ShardId"]), text(&record["SequenceNumber"]));
                    self.records.insert(key, data.clone());
                }
            }
        }
    }

    /// Compares the model with an engine after a restart that `kept` what was
    /// acknowledged, and continues from what is there.
    async fn check(&mut self, fixture: &Fixture, kept: bool) {
        let streams = fixture.ok("ListStreams", json!({})).await;
        let exists = streams["StreamNames"] == json!(["orders"]);
        if kept && let Some(expected) = self.exists {
            assert_eq!(exists, expected, "the stream exists");
        }
        let certain = kept && self.exists == Some(true);
        self.exists = Some(exists);
        if !exists {
            self.records.clear();
            self.shards = None;
            return;
        }
        let shards = list(fixture).await;
        if certain && self.shards.is_some() {
            assert_eq!(shards, self.shards, "the shards of the last reshard");
        }
        let mut found = Records::new();
        for shard in shards.iter().flatten() {
            for (number, data) in records(fixture, shard).await {
                assert!(
                    self.sent.contains(&data),
                    "{shard} has a record that nobody sent"
                );
                found.insert((shard.clone(), number), data);
            }
        }
        let distinct: BTreeSet<_> = found.values().collect();
        assert_eq!(distinct.len(), found.len(), "no record is there twice");
        if certain {
            for (key, data) in &self.records {
                assert_eq!(
                    found.get(key),
                    Some(data),
                    "an acknowledged record of {key:?}"
                );
            }
        }
        self.records = found;
        self.shards = shards;
        // Every hash key has an open shard.
        let before = self.records.len();
        self.put(fixture, 2, 5, 3).await;
        assert_eq!(
            self.records.len(),
            before + 10,
            "new records are acknowledged"
        );
    }
}

async fn list(fixture: &Fixture) -> Option<Vec<String>> {
    let (status, reply) = fixture
        .call("ListShards", json!({"StreamName": "orders"}))
        .await;
    let shards = || {
        reply["Shards"]
            .as_array()
            .unwrap()
            .iter()
            .map(|shard| text(&shard["ShardId"]))
    };
    (status == 200).then(|| shards().collect())
}

/// The open shard at a position of the hash key space, if there is one.
async fn open_shard(fixture: &Fixture, position: usize) -> String {
    let open = json!({"StreamName": "orders", "ShardFilter": {"Type": "AT_LATEST"}});
    let (_, reply) = fixture.call("ListShards", open).await;
    let mut shards = reply["Shards"].as_array().cloned().unwrap_or_default();
    shards.sort_by_key(|shard| {
        let start = shard["HashKeyRange"]["StartingHashKey"].as_str().unwrap();
        start.parse::<u128>().unwrap()
    });
    let shard = shards.get(position).map(|shard| text(&shard["ShardId"]));
    shard.unwrap_or_else(|| FIRST_SHARD.to_owned())
}

async fn records(fixture: &Fixture, shard: &str) -> Vec<(String, String)> {
    let iterator = fixture.iterator(shard, "TRIM_HORIZON", json!({})).await;
    let reply = fixture.read(&iterator).await;
    let records = reply["Records"].as_array().unwrap().iter().map(|record| {
        let data = STANDARD.decode(record["Data"].as_str().unwrap()).unwrap();
        (
            text(&record["SequenceNumber"]),
            String::from_utf8(data).unwrap(),
        )
    });
    records.collect()
}

async fn run(fsync: FsyncPolicy, seed: u64, sessions: Vec<Session>) {
    let disk = SimulatedDisk::with_seed(seed);
    let mut model = Model::new();
    for session in sessions {
        disk.fail_after(session.operations);
        if let Ok(fixture) = open(&disk, fsync).await {
            for step in &session.steps {
                model.run(&fixture, step).await;
            }
        }
        let kept = match (session.power_cut, fsync) {
            (false, _) => {
                disk.kill();
                true
            }
            (true, FsyncPolicy::Always) => {
                disk.cut_power();
                true
            }
            (true, FsyncPolicy::Never) => {
                disk.cut_power();
                false
            }
        };
        let fixture = match open(&disk, fsync).await {
            Ok(fixture) => fixture,
            // Without flushes, a power failure may leave files that cannot be read.
            Err(OpenError::Damaged { .. } | OpenError::Unreadable { .. }) if !kept => return,
            Err(error) => panic!("the start after a restart: {error}"),
        };
        model.check(&fixture, kept).await;
        drop(fixture);
        disk.kill();
    }
}

fn histories() -> ProptestConfig {
    let cases = std::env::var("KINESIS_HISTORIES").ok();
    let cases = cases.and_then(|cases| cases.parse().ok()).unwrap_or(48);
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn block_on(history: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(history);
}

proptest! {
    #![proptest_config(histories())]

    #[test]
    fn with_always_whatever_was_acknowledged_survives_power_cuts(
        seed: u64, sessions in prop::collection::vec(session(), 1..5)
    ) {
        block_on(run(FsyncPolicy::Always, seed, sessions));
    }

    #[test]
    fn with_never_whatever_was_acknowledged_survives_kills(
        seed: u64, sessions in prop::collection::vec(session(), 1..5)
    ) {
        block_on(run(FsyncPolicy::Never, seed, sessions));
    }
}

async fn with_record(disk: &SimulatedDisk, fsync: FsyncPolicy) -> Fixture {
    let fixture = open(disk, fsync).await.unwrap();
    let create = json!({"StreamName": "orders", "ShardCount": 1});
    fixture.ok("CreateStream", create).await;
    fixture.put("k", "first").await;
    fixture
}

#[tokio::test]
async fn never_does_not_promise_to_survive_a_power_cut_and_always_does() {
    for (fsync, expected) in [
        (FsyncPolicy::Never, json!([])),
        (FsyncPolicy::Always, json!(["orders"])),
    ] {
        let disk = SimulatedDisk::default();
        drop(with_record(&disk, fsync).await);
        disk.cut_power_and_lose_all();
        let fixture = open(&disk, fsync).await.unwrap();
        let streams = fixture.ok("ListStreams", json!({})).await;
        assert_eq!(streams["StreamNames"], expected, "{fsync:?}");
    }
}

#[tokio::test]
async fn a_put_after_a_split_survives_a_power_cut() {
    let disk = SimulatedDisk::default();
    let fixture = with_record(&disk, FsyncPolicy::Always).await;
    let split =
        json!({"StreamName": "orders", "ShardToSplit": FIRST_SHARD, "NewStartingHashKey": "5"});
    fixture.ok("SplitShard", split).await;
    fixture.put("k", "second").await;
    drop(fixture);
    disk.cut_power_and_lose_all();
    let fixture = open(&disk, FsyncPolicy::Always).await.unwrap();
    assert_eq!(fixture.contents("shardId-000000000002").await, ["second"]);
}

#[tokio::test]
async fn puts_are_refused_after_a_flush_that_failed() {
    let disk = SimulatedDisk::default();
    let fixture = with_record(&disk, FsyncPolicy::Always).await;
    disk.fail_flushes(true);
    let record = super::fixture::record("k", "second");
    assert_eq!(fixture.call("PutRecord", record.clone()).await.0, 500);
    // The disk's next flush reports no error, and the bytes before it are lost.
    disk.fail_flushes(false);
    assert_eq!(fixture.call("PutRecord", record).await.0, 500);
    drop(fixture);
    disk.cut_power_and_lose_all();
    let fixture = open(&disk, FsyncPolicy::Always).await.unwrap();
    assert_eq!(fixture.contents(FIRST_SHARD).await, ["first"]);
    fixture.put("k", "third").await;
}

#[tokio::test]
async fn a_reshard_that_cannot_be_stored_leaves_the_shard_open() {
    let disk = SimulatedDisk::default();
    let fixture = with_record(&disk, FsyncPolicy::Always).await;
    disk.fail_flushes(true);
    let split =
        json!({"StreamName": "orders", "ShardToSplit": FIRST_SHARD, "NewStartingHashKey": "5"});
    assert_eq!(fixture.call("SplitShard", split.clone()).await.0, 500);
    disk.fail_flushes(false);
    let shards = fixture
        .ok("ListShards", json!({"StreamName": "orders"}))
        .await;
    assert_eq!(shards["Shards"].as_array().unwrap().len(), 1);
    fixture.put("k", "second").await;
    fixture.ok("SplitShard", split).await;
}

#[tokio::test]
async fn a_thousand_shards_share_a_bounded_number_of_open_files() {
    let disk = SimulatedDisk::default();
    let fixture = open(&disk, FsyncPolicy::Never).await.unwrap();
    let create = json!({"StreamName": "orders", "ShardCount": 1100});
    fixture.ok("CreateStream", create).await;
    for round in 0..2 {
        for n in 0..11 {
            let entries: Vec<_> = (0..500u32)
                .map(|key| json!({"PartitionKey": format!("{n} {key}"), "Data": ""}))
                .collect();
            let batch = json!({"StreamName": "orders", "Records": entries});
            let reply = fixture.ok("PutRecords", batch).await;
            assert_eq!(reply["FailedRecordCount"], 0, "round {round}");
        }
        assert!(disk.open_files() <= 128, "{} are open", disk.open_files());
    }
}
