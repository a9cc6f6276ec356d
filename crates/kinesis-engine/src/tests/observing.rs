use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use serde_json::json;

use super::fixture::{FIRST_SHARD, Fixture, record};
use crate::{
    Options,
    observer::{Observed, Observer, PutRecord},
};

#[derive(Default)]
struct Seen {
    bored: AtomicBool,
    puts: Mutex<Vec<(String, Vec<PutRecord>)>>,
    changes: Mutex<Vec<String>>,
}

impl Observer for Seen {
    fn wants_records(&self) -> bool {
        !self.bored.load(Relaxed)
    }

    fn records_put(&self, stream: &str, records: Vec<PutRecord>) {
        self.puts.lock().unwrap().push((stream.to_owned(), records));
    }

    fn shards_changed(&self, stream: &str) {
        self.changes.lock().unwrap().push(stream.to_owned());
    }
}

#[tokio::test]
async fn an_observer_sees_each_call_s_records_and_the_changes_of_shards() {
    let seen = Arc::new(Seen::default());
    let options = Options {
        observer: Observed::by(seen.clone()),
        ..Options::default()
    };
    let fixture = Fixture::with(options).await;
    let create = json!({"StreamName": "orders", "ShardCount": 1});
    fixture.ok("CreateStream", create).await;
    let entry = |key: &str| json!({"PartitionKey": key, "Data": "eA=="});
    let both = json!({"StreamName": "orders", "Records": [entry("a"), entry("b")]});
    let reply = fixture.ok("PutRecords", both).await;
    {
        let puts = seen.puts.lock().unwrap();
        let [(stream, records)] = puts.as_slice() else {
            panic!("expected one put, saw {puts:?}")
        };
        assert_eq!(stream, "orders");
        for (record, (key, put)) in records.iter().zip([("a", 0), ("b", 1)]) {
            assert_eq!(&*record.shard, FIRST_SHARD);
            assert_eq!(record.partition_key, key);
            assert_eq!(&record.data[..], b"x");
            assert_eq!(
                reply["Records"][put]["SequenceNumber"],
                record.sequence_number
            );
        }
        assert_eq!(*seen.changes.lock().unwrap(), ["orders"]);
    }
    seen.bored.store(true, Relaxed);
    fixture.ok("PutRecord", record("c", "x")).await;
    assert_eq!(seen.puts.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_reader_lists_streams_and_shards_with_their_parents() {
    let fixture = Fixture::with_stream(1).await;
    let split =
        json!({"StreamName": "orders", "ShardToSplit": FIRST_SHARD, "NewStartingHashKey": "1000"});
    fixture.ok("SplitShard", split).await;
    let reader = fixture.kinesis.reader();
    assert_eq!(reader.streams(), ["orders"]);
    let shards = reader.shards("orders");
    let found: Vec<_> = shards
        .iter()
        .map(|shard| (shard.parent.as_deref(), shard.open))
        .collect();
    let child = (Some(FIRST_SHARD), true);
    assert_eq!(found, [(None, false), child, child]);
    assert!(reader.shards("nothing").is_empty());
}
