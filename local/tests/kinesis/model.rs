//! Random histories against a simple model of a stream.

use std::collections::BTreeMap;

use aws_wire::service::{Call, Service as _};
use kinesis_engine::{Kinesis, Options, arrivals::Arrivals};
use proptest::{prelude::*, sample::Index};
use serde_json::{Value, json};

use crate::support::{data, entry};

#[derive(Debug, Clone)]
enum Step {
    Put(u128),
    PutBatch(Vec<u128>),
    Split(Index),
    Merge(Index),
    TakeIterator(Index, bool),
    Read(Index, u8),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => any::<u128>().prop_map(Step::Put),
        2 => prop::collection::vec(any::<u128>(), 1..20).prop_map(Step::PutBatch),
        1 => any::<Index>().prop_map(Step::Split),
        1 => any::<Index>().prop_map(Step::Merge),
        2 => (any::<Index>(), any::<bool>()).prop_map(|(shard, latest)| Step::TakeIterator(shard, latest)),
        4 => (any::<Index>(), 1..10_u8).prop_map(|(iterator, limit)| Step::Read(iterator, limit)),
        1 => Just(Step::Restart),
    ]
}

/// A shard of the model: its range, its records, and whether it is open.
#[derive(Debug)]
struct Shard {
    start: u128,
    end: u128,
    records: Vec<String>,
    children: Option<Vec<usize>>,
}

/// The engine's iterator, and its position in the model.
#[derive(Debug)]
struct Cursor {
    token: String,
    shard: usize,
    position: usize,
}

struct World {
    directory: tempfile::TempDir,
    kinesis: Option<std::sync::Arc<Kinesis>>,
    shards: Vec<Shard>,
    cursors: Vec<Cursor>,
    puts: usize,
}

fn shard_id(number: usize) -> String {
    format!("shardId-{number:012}")
}

impl World {
    async fn new() -> Self {
        let mut world = Self {
            directory: tempfile::tempdir().unwrap(),
            kinesis: None,
            shards: vec![Shard {
                start: 0,
                end: u128::MAX,
                records: Vec::new(),
                children: None,
            }],
            cursors: Vec::new(),
            puts: 0,
        };
        world.restart().await;
        world.call("CreateStream", json!({"ShardCount": 1})).await;
        world
    }

    async fn restart(&mut self) {
        self.kinesis = None;
        let options = Options {
            data_dir: Some(self.directory.path().to_owned()),
            ..Options::default()
        };
        self.kinesis = Some(Kinesis::open(options, Arrivals::default()).await.unwrap());
    }

    async fn call(&self, operation: &str, mut request: Value) -> Value {
        if operation != "GetRecords" {
            request["StreamName"] = json!("orders");
        }
        let call = Call::new(operation, http::HeaderMap::new(), request.to_string());
        let reply = self.kinesis.as_ref().unwrap().call(call).await.unwrap();
        let status = reply.status();
        let body = axum::body::to_bytes(reply.into_body(), usize::MAX)
            .await
            .unwrap();
        assert!(
            status.is_success(),
            "{operation} {request}: {}",
            String::from_utf8_lossy(&body)
        );
        serde_json::from_slice(&body).unwrap_or(Value::Null)
    }

    fn open(&self) -> Vec<usize> {
        let mut open: Vec<_> = (0..self.shards.len())
            .filter(|n| self.shards[*n].children.is_none())
            .collect();
        open.sort_by_key(|n| self.shards[*n].start);
        open
    }

    async fn put(&mut self, keys: &[u128]) {
        let mut entries = Vec::new();
        let mut owners = Vec::new();
        for key in keys {
            let name = self.puts.to_string();
            self.puts += 1;
            let mut entry = entry(&name, &name);
            entry["ExplicitHashKey"] = json!(key.to_string());
            entries.push(entry);
            let owner = self.shards.iter().position(|shard| {
                shard.children.is_none() && shard.start <= *key && *key <= shard.end
            });
            let owner = owner.unwrap();
            self.shards[owner].records.push(name);
            owners.push(shard_id(owner));
        }
        let reply = self.call("PutRecords", json!({"Records": entries})).await;
        let landed: Vec<_> = reply["Records"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["ShardId"].clone())
            .collect();
        assert_eq!(landed, owners);
    }

    async fn split(&mut self, choice: Index) {
        let open = self.open();
        let parent = open[choice.index(open.len())];
        let (start, end) = (self.shards[parent].start, self.shards[parent].end);
        let middle = start + (end - start) / 2 + 1;
        if middle > end {
            return;
        }
        let request =
            json!({"ShardToSplit": shard_id(parent), "NewStartingHashKey": middle.to_string()});
        self.call("SplitShard", request).await;
        self.replace(&[parent], &[(start, middle - 1), (middle, end)]);
    }

    async fn merge(&mut self, choice: Index) {
        let open = self.open();
        if open.len() < 2 {
            return;
        }
        let first = choice.index(open.len() - 1);
        let (low, high) = (open[first], open[first + 1]);
        let request =
            json!({"ShardToMerge": shard_id(low), "AdjacentShardToMerge": shard_id(high)});
        self.call("MergeShards", request).await;
        let whole = (self.shards[low].start, self.shards[high].end);
        self.replace(&[low, high], &[whole]);
    }

    fn replace(&mut self, parents: &[usize], ranges: &[(u128, u128)]) {
        let children: Vec<_> = (self.shards.len()..).take(ranges.len()).collect();
        for parent in parents {
            self.shards[*parent].children = Some(children.clone());
        }
        let shard = |(start, end): &(u128, u128)| Shard {
            start: *start,
            end: *end,
            records: Vec::new(),
            children: None,
        };
        self.shards.extend(ranges.iter().map(shard));
    }

    async fn take_iterator(&mut self, choice: Index, latest: bool) {
        let shard = choice.index(self.shards.len());
        let kind = if latest { "LATEST" } else { "TRIM_HORIZON" };
        let request = json!({"ShardId": shard_id(shard), "ShardIteratorType": kind});
        let reply = self.call("GetShardIterator", request).await;
        self.cursors.push(Cursor {
            token: reply["ShardIterator"].as_str().unwrap().to_owned(),
            shard,
            position: if latest {
                self.shards[shard].records.len()
            } else {
                0
            },
        });
    }

    async fn read(&mut self, choice: Index, limit: usize) {
        if self.cursors.is_empty() {
            return;
        }
        let number = choice.index(self.cursors.len());
        let Cursor {
            token,
            shard,
            position,
        } = &self.cursors[number];
        let (shard, position) = (*shard, *position);
        let reply = self
            .call(
                "GetRecords",
                json!({"ShardIterator": token, "Limit": limit}),
            )
            .await;
        let Shard {
            records, children, ..
        } = &self.shards[shard];
        let end = records.len().min(position + limit);
        assert_eq!(data(&reply), records[position..end]);
        assert_eq!(reply["MillisBehindLatest"] == 0, end == records.len());
        match children {
            Some(children) if end == records.len() => {
                let named: Vec<_> = reply["ChildShards"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|child| child["ShardId"].clone())
                    .collect();
                let expected: Vec<_> = children.iter().map(|child| shard_id(*child)).collect();
                assert_eq!(named, expected);
                assert_eq!(reply["NextShardIterator"], Value::Null);
                self.cursors.remove(number);
            }
            _ => {
                let next = reply["NextShardIterator"].as_str().unwrap().to_owned();
                self.cursors[number] = Cursor {
                    token: next,
                    shard,
                    position: end,
                };
            }
        }
    }

    /// Checks that every shard has the model's records, once and in order, and that a
    /// child's sequence numbers are higher than its parent's.
    async fn check(&mut self) {
        let mut last = BTreeMap::new();
        for shard in 0..self.shards.len() {
            let request = json!({"ShardId": shard_id(shard), "ShardIteratorType": "TRIM_HORIZON"});
            let iterator = self.call("GetShardIterator", request).await["ShardIterator"].clone();
            let reply = self
                .call("GetRecords", json!({"ShardIterator": iterator}))
                .await;
            assert_eq!(data(&reply), self.shards[shard].records);
            let numbers: Vec<_> = reply["Records"]
                .as_array()
                .unwrap()
                .iter()
                .map(|record| record["SequenceNumber"].as_str().unwrap().to_owned())
                .collect();
            assert!(numbers.is_sorted());
            if let (Some(before), Some(first)) = (last.get(&shard), numbers.first()) {
                assert!(
                    first > before,
                    "a child's numbers are higher than its parent's"
                );
            }
            for child in self.shards[shard].children.iter().flatten() {
                last.insert(*child, numbers.last().cloned().unwrap_or_default());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_history_reads_back_as_in_the_model(steps in prop::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let mut world = World::new().await;
            for step in steps {
                match step {
                    Step::Put(key) => world.put(&[key]).await,
                    Step::PutBatch(keys) => world.put(&keys).await,
                    Step::Split(choice) => world.split(choice).await,
                    Step::Merge(choice) => world.merge(choice).await,
                    Step::TakeIterator(choice, latest) => world.take_iterator(choice, latest).await,
                    Step::Read(choice, limit) => world.read(choice, usize::from(limit)).await,
                    Step::Restart => world.restart().await,
                }
            }
            world.check().await;
        });
    }
}
