//! Run by `klocal exec -- cargo test --test pipeline`, which sets the variables that lead here.

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_kinesis::{
    primitives::Blob,
    types::{PutRecordsRequestEntry, ShardIteratorType},
};
use serde_json::Value;

const STREAM: &str = "readings";

struct Pipeline {
    kinesis: aws_sdk_kinesis::Client,
    dynamodb: aws_sdk_dynamodb::Client,
}

impl Pipeline {
    async fn new() -> Self {
        let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
        Self {
            kinesis: aws_sdk_kinesis::Client::new(&config),
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
        }
    }

    async fn put(&self, records: &[&str]) {
        let entries = records.iter().map(|data| {
            let entry = PutRecordsRequestEntry::builder().partition_key("readings");
            entry.data(Blob::new(*data)).build().unwrap()
        });
        let put = self.kinesis.put_records().stream_name(STREAM);
        let reply = put.set_records(Some(entries.collect())).send().await;
        assert_eq!(reply.unwrap().failed_record_count, Some(0));
    }

    /// Returns the discarded batches when every record is processed or discarded: no test sleeps.
    async fn settled(&self) -> Vec<Value> {
        let url = std::env::var("LOCAL_URL").expect("run it with `klocal exec -- cargo test`");
        let url = format!("{url}/_local/settled?timeout=60");
        let reply = reqwest::Client::new().post(url).send().await.unwrap();
        let reply: Value = reply.json().await.unwrap();
        assert_eq!(reply["settled"], true, "{}", reply["status"]);
        reply["discarded"].as_array().unwrap().clone()
    }

    async fn celsius(&self, sensor: &str) -> Option<String> {
        let get = self.dynamodb.get_item().table_name("readings");
        let get = get.key("sensor", AttributeValue::S(sensor.to_owned()));
        let item = get.send().await.unwrap().item?;
        item["celsius"].as_n().ok().cloned()
    }

    /// The records of a discarded batch, read again.
    async fn records(&self, batch: &Value) -> Vec<String> {
        let iterator = self.kinesis.get_shard_iterator().stream_name(STREAM);
        let iterator = iterator
            .shard_id(batch["shard"].as_str().unwrap())
            .shard_iterator_type(ShardIteratorType::AtSequenceNumber)
            .starting_sequence_number(batch["startSequenceNumber"].as_str().unwrap())
            .send()
            .await
            .unwrap();
        let limit = i32::try_from(batch["records"].as_u64().unwrap()).unwrap();
        let get = self.kinesis.get_records().limit(limit);
        let get = get.set_shard_iterator(iterator.shard_iterator);
        let read = get.send().await.unwrap().records;
        let text = |data: Blob| String::from_utf8(data.into_inner()).unwrap();
        read.into_iter().map(|record| text(record.data)).collect()
    }
}

#[tokio::test]
async fn readings_are_stored_and_a_poison_record_is_discarded_alone() {
    let pipeline = Pipeline::new().await;
    pipeline
        .put(&[r#"{"sensor": "roof", "celsius": 21.5}"#])
        .await;
    assert_eq!(pipeline.settled().await, Vec::<Value>::new());
    assert_eq!(pipeline.celsius("roof").await.as_deref(), Some("21.5"));

    let before = r#"{"sensor": "cellar", "celsius": 9}"#;
    let after = r#"{"sensor": "attic", "celsius": 30}"#;
    pipeline.put(&[before, "not a reading", after]).await;
    let [batch] = pipeline.settled().await.try_into().unwrap();
    assert_eq!(batch["condition"], "RetryAttemptsExhausted");
    assert_eq!(pipeline.records(&batch).await, ["not a reading"]);
    assert_eq!(pipeline.celsius("cellar").await.as_deref(), Some("9"));
    assert_eq!(pipeline.celsius("attic").await.as_deref(), Some("30"));
}
