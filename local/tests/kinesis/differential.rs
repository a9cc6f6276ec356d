//! The same random history at our engine and at a peer: where they disagree,
//! the disagreement is known, and AWS's reference says who is right.
//!
//! The peer is moto, which comes from another language's registry, so the test
//! runs where one is named:
//!
//! ```text
//! moto_server -p 4568 &
//! DIFFERENTIAL_ENDPOINT=http://127.0.0.1:4568 cargo test --test kinesis differential -- --ignored --nocapture
//! ```

use std::collections::{BTreeMap, BTreeSet};

use kinesis_engine::Options;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};

use crate::support::{Client, data, entry, serve};

/// What moto 5.2.5 does otherwise, and the page that says that it is ours that
/// does as AWS.
const KNOWN: [(&str, &str); 9] = [
    (
        "a malformed iterator",
        "API_GetRecords, Errors: InvalidArgumentException",
    ),
    (
        "a partition key of 257 characters",
        "API_PutRecord, PartitionKey: length 1 to 256, a ValidationException",
    ),
    (
        "an unknown iterator type",
        "API_GetShardIterator, ShardIteratorType: valid values, a ValidationException",
    ),
    ("an empty batch", "API_PutRecords, Records: at least 1"),
    (
        "an empty partition key",
        "API_PutRecord, PartitionKey: length 1 to 256",
    ),
    (
        "data that is not base64",
        "API_PutRecord, Data: base64-encoded binary",
    ),
    (
        "the records of a shard",
        "API_SplitShard: records after it go to the children; API_PutRecord, ExplicitHashKey",
    ),
    (
        "where a record lands",
        "API_SplitShard: records after it go to the children; API_PutRecord, ExplicitHashKey",
    ),
    (
        "where the records of a batch land",
        "API_SplitShard: records after it go to the children",
    ),
];

const HISTORIES: u64 = 20;
const STEPS: usize = 40;

/// One engine and its stream.
struct Side {
    client: Client,
    stream: String,
}

/// A reply without the values that may differ: numbers, times, tokens.
type View = Result<Value, String>;

impl Side {
    async fn call(&self, operation: &str, mut request: Value) -> View {
        if operation != "GetRecords" {
            request["StreamName"] = json!(self.stream);
        }
        let reply = self.client.call(operation, request).await;
        reply.map_err(|refused| refused.code)
    }

    /// Where a record lands.
    async fn put(&self, request: Value) -> View {
        let reply = self.call("PutRecord", request).await?;
        Ok(reply["ShardId"].clone())
    }

    /// Where each record of a batch lands, or why it does not.
    async fn put_many(&self, entries: &[Value]) -> View {
        let reply = self
            .call("PutRecords", json!({ "Records": entries }))
            .await?;
        let landed = reply["Records"].as_array().into_iter().flatten();
        Ok(landed
            .map(|entry| json!([entry["ShardId"], entry.get("ErrorCode")]))
            .collect())
    }

    /// Every shard with its range, its parents, and whether it is open.
    async fn shards(&self) -> View {
        let reply = self.call("ListShards", json!({})).await?;
        let shards = reply["Shards"].as_array().into_iter().flatten();
        Ok(shards
            .map(|shard| {
                let open = shard["SequenceNumberRange"]["EndingSequenceNumber"].is_null();
                json!([
                    shard["ShardId"],
                    shard["HashKeyRange"],
                    shard["ParentShardId"],
                    shard["AdjacentParentShardId"],
                    open
                ])
            })
            .collect())
    }

    /// All data of a shard, in order.
    async fn drain(&self, shard: &str) -> View {
        let request = json!({ "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON" });
        let iterator = self.call("GetShardIterator", request).await?["ShardIterator"].clone();
        let reply = self
            .call("GetRecords", json!({ "ShardIterator": iterator }))
            .await?;
        Ok(json!(data(&reply)))
    }
}

/// Our engine, the peer, and their disagreements.
struct Pair {
    ours: Side,
    peer: Side,
    rng: StdRng,
    puts: u32,
    disagreements: BTreeMap<&'static str, String>,
}

impl Pair {
    fn compare(&mut self, topic: &'static str, ours: &View, peer: &View) {
        if ours != peer {
            self.disagreements
                .entry(topic)
                .or_insert_with(|| format!("ours {ours:?}, the peer {peer:?}"));
        }
    }

    fn record(&mut self) -> Value {
        self.puts += 1;
        let key = format!("key-{}", self.rng.random_range(0..50));
        entry(&key, &self.puts.to_string())
    }

    async fn put(&mut self) {
        let mut request = self.record();
        if self.rng.random_bool(0.3) {
            request["ExplicitHashKey"] = json!(self.rng.random::<u128>().to_string());
        }
        let ours = self.ours.put(request.clone()).await;
        let peer = self.peer.put(request).await;
        self.compare("where a record lands", &ours, &peer);
    }

    async fn put_many(&mut self) {
        let count = self.rng.random_range(1..20);
        let entries: Vec<_> = (0..count).map(|_| self.record()).collect();
        let ours = self.ours.put_many(&entries).await;
        let peer = self.peer.put_many(&entries).await;
        self.compare("where the records of a batch land", &ours, &peer);
    }

    /// Splits an open shard in its middle, or merges it with the next one.
    async fn reshard(&mut self) {
        let Ok(shards) = self.ours.shards().await else {
            return;
        };
        let mut open: Vec<_> = shards
            .as_array()
            .into_iter()
            .flatten()
            .filter(|shard| shard[4] == true)
            .map(|shard| {
                (
                    bound(shard, "StartingHashKey"),
                    bound(shard, "EndingHashKey"),
                    shard[0].clone(),
                )
            })
            .collect();
        open.sort_by_key(|(start, ..)| *start);
        let chosen = self.rng.random_range(0..open.len());
        let (start, end, id) = open[chosen].clone();
        let (operation, request) = match open.get(chosen + 1) {
            Some((_, _, next)) if self.rng.random_bool(0.5) => (
                "MergeShards",
                json!({ "ShardToMerge": id, "AdjacentShardToMerge": next }),
            ),
            _ => {
                let middle = start + (end - start) / 2 + 1;
                (
                    "SplitShard",
                    json!({ "ShardToSplit": id, "NewStartingHashKey": middle.to_string() }),
                )
            }
        };
        let ours = self
            .ours
            .call(operation, request.clone())
            .await
            .map(drop_body);
        let peer = self.peer.call(operation, request).await.map(drop_body);
        self.compare("whether a split or merge is taken", &ours, &peer);
    }

    async fn bad_requests(&mut self) {
        let shard = "shardId-000000000000";
        let cases = [
            ("an empty partition key", "PutRecord", entry("", "x")),
            (
                "data that is not base64",
                "PutRecord",
                json!({ "PartitionKey": "k", "Data": "%%%" }),
            ),
            (
                "a partition key of 257 characters",
                "PutRecord",
                entry(&"k".repeat(257), "x"),
            ),
            ("an explicit hash key beyond the space", "PutRecord", {
                let mut request = entry("k", "x");
                request["ExplicitHashKey"] = json!("340282366920938463463374607431768211456");
                request
            }),
            ("an empty batch", "PutRecords", json!({ "Records": [] })),
            (
                "a batch of 501",
                "PutRecords",
                json!({ "Records": vec![entry("k", "x"); 501] }),
            ),
            (
                "an iterator on a shard that is not there",
                "GetShardIterator",
                json!({ "ShardId": "shardId-000000000999", "ShardIteratorType": "LATEST" }),
            ),
            (
                "an unknown iterator type",
                "GetShardIterator",
                json!({ "ShardId": shard, "ShardIteratorType": "MIDDLE" }),
            ),
            (
                "a malformed iterator",
                "GetRecords",
                json!({ "ShardIterator": "nonsense" }),
            ),
            (
                "a name that is taken",
                "CreateStream",
                json!({ "ShardCount": 1 }),
            ),
            (
                "a split outside the shard",
                "SplitShard",
                json!({ "ShardToSplit": shard, "NewStartingHashKey": "0" }),
            ),
            (
                "a retention of an hour",
                "IncreaseStreamRetentionPeriod",
                json!({ "RetentionPeriodHours": 1 }),
            ),
        ];
        for (topic, operation, request) in cases {
            let ours = self
                .ours
                .call(operation, request.clone())
                .await
                .map(drop_body);
            let peer = self.peer.call(operation, request).await.map(drop_body);
            self.compare(topic, &ours, &peer);
        }
    }

    /// The same shards, and the same records in each of them.
    async fn state(&mut self) {
        let (ours, peer) = (self.ours.shards().await, self.peer.shards().await);
        self.compare("the list of shards", &ours, &peer);
        let shards = ours.unwrap_or_default();
        for shard in shards.as_array().into_iter().flatten() {
            let id = shard[0].as_str().unwrap_or_default();
            let ours = self.ours.drain(id).await;
            let peer = self.peer.drain(id).await;
            self.compare("the records of a shard", &ours, &peer);
        }
    }
}

fn bound(shard: &Value, name: &str) -> u128 {
    shard[1][name].as_str().unwrap().parse().unwrap()
}

fn drop_body(_: Value) -> Value {
    Value::Null
}

async fn history(ours: &Client, peer: &Client, seed: u64) -> BTreeMap<&'static str, String> {
    let stream = format!("differential-{seed}-{}", std::process::id());
    let side = |client: &Client| Side {
        client: client.clone(),
        stream: stream.clone(),
    };
    let mut pair = Pair {
        ours: side(ours),
        peer: side(peer),
        rng: StdRng::seed_from_u64(seed),
        puts: 0,
        disagreements: BTreeMap::new(),
    };
    let shards = pair.rng.random_range(1..4);
    for side in [&pair.ours, &pair.peer] {
        side.call("CreateStream", json!({ "ShardCount": shards }))
            .await
            .unwrap();
    }
    for _ in 0..STEPS {
        match pair.rng.random_range(0..10) {
            0..6 => pair.put().await,
            6..9 => pair.put_many().await,
            _ => pair.reshard().await,
        }
    }
    pair.bad_requests().await;
    pair.state().await;
    for side in [&pair.ours, &pair.peer] {
        side.call("DeleteStream", json!({})).await.unwrap();
    }
    pair.disagreements
}

#[tokio::test]
#[ignore = "needs a peer: moto_server, named in DIFFERENTIAL_ENDPOINT"]
async fn a_peer_disagrees_only_where_the_reference_is_with_us() {
    let endpoint = std::env::var("DIFFERENTIAL_ENDPOINT")
        .expect("DIFFERENTIAL_ENDPOINT is not set; expected the URL of a moto_server");
    let peer = Client::new(endpoint);
    let ours = Client::new(format!("http://{}", serve(Options::default()).await));
    let mut seen: BTreeMap<&str, String> = BTreeMap::new();
    for seed in 0..HISTORIES {
        for (topic, what) in history(&ours, &peer, seed).await {
            seen.entry(topic)
                .or_insert_with(|| format!("seed {seed}: {what}"));
        }
    }
    let known: BTreeSet<_> = KNOWN.iter().map(|(topic, _)| *topic).collect();
    let unknown: Vec<_> = seen
        .iter()
        .filter(|(topic, _)| !known.contains(*topic))
        .collect();
    assert!(unknown.is_empty(), "not in the list: {unknown:#?}");
    let gone: Vec<_> = known
        .iter()
        .filter(|topic| !seen.contains_key(*topic))
        .collect();
    assert!(gone.is_empty(), "the peer agrees by now: {gone:?}");
    for (topic, reference) in KNOWN {
        println!("{topic}: {} ({reference})", seen[topic]);
    }
}
