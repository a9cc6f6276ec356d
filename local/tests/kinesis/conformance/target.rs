//! The endpoint of a check, and its own stream name.

use std::{fmt::Debug, pin::Pin, process, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::support::{Client, Refused, data};

pub type Outcome = Result<(), String>;

/// One documented behaviour.
#[derive(Clone, Copy)]
pub struct Check {
    pub name: &'static str,
    /// Where AWS documents it.
    pub reference: &'static str,
    pub run: fn(Target) -> Pin<Box<dyn Future<Output = Outcome> + Send>>,
}

/// Lists checks as `function: "reference"`; the function's name is the check's.
macro_rules! checks {
    ($($check:ident: $reference:literal,)*) => {
        pub fn checks() -> Vec<$crate::conformance::target::Check> {
            vec![$($crate::conformance::target::Check {
                name: stringify!($check),
                reference: $reference,
                run: |target| Box::pin($check(target)),
            },)*]
        }
    };
}
pub(crate) use checks;

/// An endpoint, and a stream that is this check's alone.
#[derive(Clone)]
pub struct Target {
    client: Client,
    pub stream: String,
}

pub const FIRST_SHARD: &str = "shardId-000000000000";
pub const SECOND_SHARD: &str = "shardId-000000000001";

/// Fails the check unless two values are the same.
#[allow(
    clippy::needless_pass_by_value,
    reason = "checks hand over what they have just made"
)]
pub fn same<T: PartialEq<U> + Debug, U: Debug>(what: &str, received: T, expected: U) -> Outcome {
    if received == expected {
        return Ok(());
    }
    Err(format!(
        "{what}: expected {expected:?}, received {received:?}"
    ))
}

/// Fails the check unless `held`.
pub fn holds(what: &str, held: bool) -> Outcome {
    if held {
        Ok(())
    } else {
        Err(format!("not so: {what}"))
    }
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

impl Target {
    pub fn new(client: Client, number: usize) -> Self {
        let stream = format!("check-{}-{number}", process::id());
        Self { client, stream }
    }

    /// Calls with the stream's name in the request, unless it names one itself.
    pub async fn try_call(&self, operation: &str, mut request: Value) -> Result<Value, Refused> {
        let named = [
            "StreamName",
            "StreamARN",
            "ResourceARN",
            "ShardIterator",
            "NextToken",
            "ConsumerARN",
        ];
        if named.iter().all(|name| request.get(name).is_none()) {
            request["StreamName"] = json!(self.stream);
        }
        self.client.call(operation, request).await
    }

    pub async fn call(&self, operation: &str, request: Value) -> Result<Value, String> {
        let refused =
            |refused: Refused| format!("{operation}: {}: {}", refused.code, refused.message);
        self.try_call(operation, request).await.map_err(refused)
    }

    /// Fails the check unless the call ends in one of `codes`.
    pub async fn refused(&self, operation: &str, request: Value, codes: &[&str]) -> Outcome {
        match self.try_call(operation, request).await {
            Err(refused) if codes.contains(&refused.code.as_str()) => Ok(()),
            Err(refused) => Err(format!(
                "{operation}: expected {codes:?}, received {} {}",
                refused.code, refused.message
            )),
            Ok(reply) => Err(format!("{operation}: expected {codes:?}, received {reply}")),
        }
    }

    /// Creates the stream and waits until it is ACTIVE.
    pub async fn create(&self, shards: u32) -> Outcome {
        self.call("CreateStream", json!({"ShardCount": shards}))
            .await?;
        self.active().await
    }

    pub async fn active(&self) -> Outcome {
        loop {
            let summary = self.summary().await?;
            if summary["StreamStatus"] == "ACTIVE" {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn summary(&self) -> Result<Value, String> {
        let reply = self.call("DescribeStreamSummary", json!({})).await?;
        Ok(reply["StreamDescriptionSummary"].clone())
    }

    pub async fn shards(&self, filter: Option<Value>) -> Result<Vec<Value>, String> {
        let mut request = json!({});
        if let Some(filter) = filter {
            request["ShardFilter"] = filter;
        }
        let reply = self.call("ListShards", request).await?;
        Ok(reply["Shards"].as_array().cloned().unwrap_or_default())
    }

    /// Puts a record and returns the reply.
    pub async fn put(&self, key: &str, data: &str) -> Result<Value, String> {
        self.call(
            "PutRecord",
            json!({"PartitionKey": key, "Data": STANDARD.encode(data)}),
        )
        .await
    }

    pub async fn iterator(&self, shard: &str, kind: &str, more: Value) -> Result<String, String> {
        let mut request = json!({"ShardId": shard, "ShardIteratorType": kind});
        for (name, value) in more.as_object().into_iter().flatten() {
            request[name] = value.clone();
        }
        let reply = self.call("GetShardIterator", request).await?;
        Ok(text(&reply["ShardIterator"]))
    }

    pub async fn read(&self, iterator: &str) -> Result<Value, String> {
        self.call("GetRecords", json!({"ShardIterator": iterator}))
            .await
    }

    pub async fn contents(&self, iterator: &str) -> Result<Vec<String>, String> {
        Ok(data(&self.read(iterator).await?))
    }

    pub async fn clean_up(&self) {
        // A check may have failed before there was anything to delete.
        let _absent = self
            .try_call("DeleteStream", json!({"EnforceConsumerDeletion": true}))
            .await;
    }
}
