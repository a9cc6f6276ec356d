//! An engine to talk to, on tokio's clock.

use std::sync::Arc;

use axum::body::to_bytes;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use durable_files::Disk;
use http::HeaderMap;
use movable_clock::Clock;
use serde_json::{Value, json};

use crate::{Kinesis, OpenError, Options, arrivals::Arrivals};
use aws_wire::service::{Call, Service};

pub(super) const FIRST_SHARD: &str = "shardId-000000000000";

pub(super) struct Fixture {
    pub(super) kinesis: Arc<Kinesis>,
    pub(super) arrivals: Arrivals,
}

impl Fixture {
    pub(super) async fn new() -> Self {
        Self::with(Options::default()).await
    }

    pub(super) async fn with(options: Options) -> Self {
        let arrivals = Arrivals::default();
        let options = Options {
            clock: Clock::tokio(),
            ..options
        };
        Self {
            kinesis: Kinesis::open(options, arrivals.clone()).await.unwrap(),
            arrivals,
        }
    }

    /// An engine on a disk of the test's own.
    pub(super) async fn on(disk: Arc<dyn Disk>, options: Options) -> Result<Self, OpenError> {
        let arrivals = Arrivals::default();
        Ok(Self {
            kinesis: Kinesis::open_on(disk, options, arrivals.clone()).await?,
            arrivals,
        })
    }

    /// An engine with the stream `orders` of `shards` shards.
    pub(super) async fn with_stream(shards: u32) -> Self {
        let fixture = Self::new().await;
        fixture
            .ok(
                "CreateStream",
                json!({"StreamName": "orders", "ShardCount": shards}),
            )
            .await;
        fixture
    }

    pub(super) async fn call(&self, operation: &str, request: Value) -> (u16, Value) {
        let call = Call::new(operation, HeaderMap::new(), request.to_string());
        let reply = self.kinesis.call(call).await.unwrap();
        let status = reply.status().as_u16();
        let body = to_bytes(reply.into_body(), usize::MAX).await.unwrap();
        let body = if body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&body).unwrap()
        };
        (status, body)
    }

    /// The reply to a call that has to succeed.
    #[track_caller]
    pub(super) fn ok(&self, operation: &str, request: Value) -> impl Future<Output = Value> {
        let what = format!("{operation} {request}");
        let reply = self.call(operation, request);
        async move {
            let (status, body) = reply.await;
            assert_eq!(status, 200, "{what}: {body}");
            body
        }
    }

    /// The name of the exception that a call has to end in.
    pub(super) async fn refused(&self, operation: &str, request: Value) -> String {
        let what = format!("{operation} {request}");
        let (status, body) = self.call(operation, request).await;
        assert_eq!(status, 400, "{what}: {body}");
        body["__type"].as_str().unwrap().to_owned()
    }

    /// Puts one record into `orders` and returns its sequence number.
    pub(super) async fn put(&self, key: &str, data: &str) -> String {
        let reply = self.ok("PutRecord", record(key, data)).await;
        reply["SequenceNumber"].as_str().unwrap().to_owned()
    }

    /// An iterator on `shard` of `orders`; `more` is merged into the request.
    pub(super) async fn iterator(&self, shard: &str, kind: &str, more: Value) -> String {
        let mut request =
            json!({"StreamName": "orders", "ShardId": shard, "ShardIteratorType": kind});
        for (name, value) in more.as_object().into_iter().flatten() {
            request[name] = value.clone();
        }
        let reply = self.ok("GetShardIterator", request).await;
        reply["ShardIterator"].as_str().unwrap().to_owned()
    }

    pub(super) async fn read(&self, iterator: &str) -> Value {
        self.ok("GetRecords", json!({"ShardIterator": iterator}))
            .await
    }

    /// The data of all records in `shard` of `orders`.
    pub(super) async fn contents(&self, shard: &str) -> Vec<String> {
        let iterator = self.iterator(shard, "TRIM_HORIZON", json!({})).await;
        data(&self.read(&iterator).await)
    }
}

pub(super) fn record(key: &str, data: &str) -> Value {
    json!({"StreamName": "orders", "PartitionKey": key, "Data": STANDARD.encode(data)})
}

/// The data of the records in a reply, as text.
pub(super) fn data(reply: &Value) -> Vec<String> {
    let records = reply["Records"].as_array().unwrap();
    let decode = |record: &Value| STANDARD.decode(record["Data"].as_str().unwrap()).unwrap();
    records
        .iter()
        .map(|record| String::from_utf8(decode(record)).unwrap())
        .collect()
}
