//! The AWS port: JSON and CBOR bodies of Kinesis, DynamoDB, SSM and SQS.

use local::{aws::apis::AwsApis, ports};
use proptest::{prelude::*, sample::Index};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::{bytes, documents, harness};

/// Memory of the streams' records, bytes.
const RECORDS: u64 = 16 * 1024 * 1024;

/// Valid requests, from which the malformed ones are made.
fn requests() -> Vec<(String, Value)> {
    let named = |prefix: &'static str, requests: Vec<(&'static str, Value)>| {
        requests
            .into_iter()
            .map(move |(operation, body)| (format!("{prefix}.{operation}"), body))
    };
    named("Kinesis_20131202", kinesis_reads())
        .chain(named("Kinesis_20131202", kinesis_writes()))
        .chain(named("DynamoDB_20120810", dynamodb()))
        .chain(named("AmazonSSM", ssm()))
        .chain(named("AmazonSQS", sqs()))
        .collect()
}

const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/stream";

fn kinesis_reads() -> Vec<(&'static str, Value)> {
    vec![
        (
            "DescribeStream",
            json!({ "StreamName": "stream", "Limit": 10, "ExclusiveStartShardId": "shardId-000000000000" }),
        ),
        ("DescribeStreamSummary", json!({ "StreamARN": ARN })),
        (
            "ListStreams",
            json!({ "Limit": 10, "ExclusiveStartStreamName": "a" }),
        ),
        (
            "ListShards",
            json!({ "StreamName": "stream", "MaxResults": 10, "ShardFilter": { "Type": "AT_LATEST" } }),
        ),
        (
            "GetShardIterator",
            json!({ "StreamName": "stream", "ShardId": "shardId-000000000000", "ShardIteratorType": "AT_TIMESTAMP", "Timestamp": 1_700_000_000.5 }),
        ),
        (
            "GetRecords",
            json!({ "ShardIterator": "AAAA", "Limit": 10 }),
        ),
        (
            "DescribeStreamConsumer",
            json!({ "StreamARN": ARN, "ConsumerName": "consumer" }),
        ),
        (
            "SubscribeToShard",
            json!({ "ConsumerARN": format!("{ARN}/consumer/consumer:1"), "ShardId": "shardId-000000000000", "StartingPosition": { "Type": "TRIM_HORIZON" } }),
        ),
    ]
}

fn kinesis_writes() -> Vec<(&'static str, Value)> {
    vec![
        (
            "CreateStream",
            json!({ "StreamName": "other", "ShardCount": 2, "StreamModeDetails": { "StreamMode": "PROVISIONED" } }),
        ),
        (
            "DeleteStream",
            json!({ "StreamName": "other", "EnforceConsumerDeletion": true }),
        ),
        (
            "PutRecord",
            json!({ "StreamName": "stream", "Data": "AA==", "PartitionKey": "a", "ExplicitHashKey": "1", "SequenceNumberForOrdering": "1" }),
        ),
        (
            "PutRecords",
            json!({ "StreamName": "stream", "Records": [{ "Data": "AA==", "PartitionKey": "a" }, { "Data": "AA==", "PartitionKey": "b", "ExplicitHashKey": "0" }] }),
        ),
        (
            "SplitShard",
            json!({ "StreamName": "other", "ShardToSplit": "shardId-000000000000", "NewStartingHashKey": "100" }),
        ),
        (
            "MergeShards",
            json!({ "StreamName": "other", "ShardToMerge": "shardId-000000000000", "AdjacentShardToMerge": "shardId-000000000001" }),
        ),
        (
            "UpdateShardCount",
            json!({ "StreamName": "other", "TargetShardCount": 2, "ScalingType": "UNIFORM_SCALING" }),
        ),
        (
            "RegisterStreamConsumer",
            json!({ "StreamARN": ARN, "ConsumerName": "consumer" }),
        ),
        (
            "AddTagsToStream",
            json!({ "StreamName": "stream", "Tags": { "a": "b" } }),
        ),
        (
            "IncreaseStreamRetentionPeriod",
            json!({ "StreamName": "stream", "RetentionPeriodHours": 48 }),
        ),
    ]
}

fn table(name: &str) -> Value {
    json!({ "TableName": name, "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }], "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }], "BillingMode": "PAY_PER_REQUEST" })
}

fn dynamodb() -> Vec<(&'static str, Value)> {
    let key = json!({ "id": { "S": "1" } });
    let item = json!({ "id": { "S": "1" }, "n": { "N": "1.5" }, "b": { "B": "AA==" }, "m": { "M": { "l": { "L": [{ "NULL": true }] } } } });
    let table = table("other");
    vec![
        ("CreateTable", table),
        ("DeleteTable", json!({ "TableName": "other" })),
        (
            "PutItem",
            json!({ "TableName": "table", "Item": item, "ConditionExpression": "attribute_not_exists(#n)", "ExpressionAttributeNames": { "#n": "x" } }),
        ),
        (
            "GetItem",
            json!({ "TableName": "table", "Key": key, "ProjectionExpression": "m.l[0]", "ConsistentRead": true }),
        ),
        (
            "UpdateItem",
            json!({ "TableName": "table", "Key": key, "UpdateExpression": "SET n = n + :n", "ExpressionAttributeValues": { ":n": { "N": "1" } } }),
        ),
        (
            "Query",
            json!({ "TableName": "table", "KeyConditionExpression": "id = :id", "ExpressionAttributeValues": { ":id": { "S": "1" } }, "Limit": 5 }),
        ),
        (
            "BatchGetItem",
            json!({ "RequestItems": { "table": { "Keys": [key] } } }),
        ),
        (
            "BatchWriteItem",
            json!({ "RequestItems": { "table": [{ "PutRequest": { "Item": item } }, { "DeleteRequest": { "Key": { "id": { "S": "2" } } } }] } }),
        ),
    ]
}

fn sqs() -> Vec<(&'static str, Value)> {
    let url = "http://127.0.0.1/000000000000/queue.fifo";
    let attributes = json!({ "a": { "DataType": "Binary", "BinaryValue": "AA==" }, "b": { "DataType": "Number", "StringValue": "1" } });
    let message = json!({ "Id": "a", "MessageBody": "a", "MessageGroupId": "a", "MessageDeduplicationId": "1", "MessageAttributes": attributes });
    vec![
        (
            "CreateQueue",
            json!({ "QueueName": "queue.fifo", "Attributes": { "FifoQueue": "true", "VisibilityTimeout": "0", "RedrivePolicy": "{\"deadLetterTargetArn\":\"a\",\"maxReceiveCount\":1}" }, "tags": { "a": "b" } }),
        ),
        (
            "SendMessageBatch",
            json!({ "QueueUrl": url, "Entries": [message, { "Id": "b", "MessageBody": "b", "MessageGroupId": "b", "MessageDeduplicationId": "2" }] }),
        ),
        (
            "ReceiveMessage",
            json!({ "QueueUrl": url, "MaxNumberOfMessages": 10, "VisibilityTimeout": 1, "AttributeNames": ["All"], "MessageAttributeNames": ["a.*"], "ReceiveRequestAttemptId": "a" }),
        ),
        (
            "ChangeMessageVisibilityBatch",
            json!({ "QueueUrl": url, "Entries": [{ "Id": "a", "ReceiptHandle": "AAAA", "VisibilityTimeout": 5 }] }),
        ),
        (
            "SetQueueAttributes",
            json!({ "QueueUrl": url, "Attributes": { "RedriveAllowPolicy": "{\"redrivePermission\":\"denyAll\"}", "DelaySeconds": "1" } }),
        ),
        (
            "StartMessageMoveTask",
            json!({ "SourceArn": "arn:aws:sqs:us-east-1:000000000000:queue.fifo", "MaxNumberOfMessagesPerSecond": 5 }),
        ),
        (
            "ListQueues",
            json!({ "QueueNamePrefix": "q", "MaxResults": 5, "NextToken": "YQ==" }),
        ),
    ]
}

fn ssm() -> Vec<(&'static str, Value)> {
    vec![
        (
            "PutParameter",
            json!({ "Name": "/parameter", "Value": "a", "Type": "String", "Overwrite": true }),
        ),
        (
            "GetParameter",
            json!({ "Name": "/parameter:1", "WithDecryption": true }),
        ),
        ("GetParameters", json!({ "Names": ["/parameter", "/none"] })),
        (
            "GetParametersByPath",
            json!({ "Path": "/", "Recursive": true, "MaxResults": 5, "ParameterFilters": [{ "Key": "Type", "Values": ["String"] }] }),
        ),
        (
            "DescribeParameters",
            json!({ "ParameterFilters": [{ "Key": "Name", "Option": "BeginsWith", "Values": ["/p"] }], "MaxResults": 5 }),
        ),
        (
            "GetParameterHistory",
            json!({ "Name": "/parameter", "MaxResults": 5 }),
        ),
        (
            "LabelParameterVersion",
            json!({ "Name": "/parameter", "ParameterVersion": 1, "Labels": ["live"] }),
        ),
        ("DeleteParameters", json!({ "Names": ["/other"] })),
    ]
}

struct World {
    apis: AwsApis,
    client: reqwest::Client,
    requests: Vec<(String, Value)>,
}

impl World {
    async fn start() -> Self {
        let listener = ports::listen([127, 0, 0, 1].into(), 0, "--port").await;
        let options = kinesis_engine::Options {
            max_memory: Some(RECORDS),
            ..kinesis_engine::Options::default()
        };
        let world = Self {
            apis: AwsApis::start(listener.unwrap(), options).await.unwrap(),
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            requests: requests(),
        };
        // What the requests name exists.
        let stream = json!({ "StreamName": "stream", "ShardCount": 2 });
        let created = world.json("Kinesis_20131202.CreateStream", &stream).await;
        created.unwrap();
        let created = world
            .json("DynamoDB_20120810.CreateTable", &table("table"))
            .await;
        created.unwrap();
        world
    }

    async fn json(&self, target: &str, body: &Value) -> Result<(), String> {
        self.send(
            target,
            "application/x-amz-json-1.1",
            body.to_string().into(),
        )
        .await
    }

    /// A reply is a success, or blames the client.
    async fn send(&self, target: &str, format: &str, body: Vec<u8>) -> Result<(), String> {
        let request = self.client.post(self.apis.url()).body(body);
        let request = request
            .header("content-type", format)
            .header("x-amz-target", target);
        let reply = request
            .send()
            .await
            .map_err(|error| format!("{target}: {error}"))?;
        let status = reply.status();
        if status.is_server_error() {
            return Err(format!("{target}: {status} {:?}", reply.text().await));
        }
        let format = reply.headers().get("content-type");
        if format.is_none_or(|format| format != "application/vnd.amazon.eventstream") {
            reply
                .bytes()
                .await
                .map_err(|error| format!("{target}: {error}"))?;
        }
        Ok(())
    }
}

/// Which request, and what changes it.
fn cases() -> impl Strategy<Value = (Index, Vec<documents::Change>, Vec<bytes::Change>)> {
    let bytes = prop_oneof![3 => Just(Vec::new()), 1 => bytes::changes()];
    (any::<Index>(), documents::changes(), bytes)
}

fn world() -> (Runtime, World) {
    let runtime = harness::runtime();
    let world = runtime.block_on(World::start());
    (runtime, world)
}

#[test]
fn malformed_json_is_refused_as_the_client_s_error() {
    let (runtime, world) = world();
    harness::fuzz(&runtime, &cases(), async |(which, members, bytes)| {
        let (target, valid) = which.get(&world.requests);
        let body = documents::changed(valid.clone(), &members).to_string();
        let body = bytes::changed(body.into(), &bytes);
        world.send(target, "application/x-amz-json-1.1", body).await
    });
}

#[test]
fn malformed_cbor_is_refused_as_the_client_s_error() {
    let (runtime, world) = world();
    harness::fuzz(&runtime, &cases(), async |(which, members, bytes)| {
        let kinesis: Vec<_> = world
            .requests
            .iter()
            .filter(|(target, _)| target.starts_with("Kinesis"))
            .collect();
        let (target, valid) = which.get(&kinesis);
        let mut body = Vec::new();
        let document = documents::changed(valid.clone(), &members);
        ciborium::into_writer(&document, &mut body).unwrap();
        let body = bytes::changed(body, &bytes);
        world.send(target, "application/x-amz-cbor-1.1", body).await
    });
}
