use std::time::Duration;

use serde_json::{Value, json};

use super::fixture::Fixture;
use crate::Options;

#[tokio::test(start_paused = true)]
async fn a_stream_passes_through_creating_and_deleting() {
    let fixture = Fixture::with(Options {
        transition_delay: Duration::from_millis(500),
        ..Options::default()
    })
    .await;
    let stream = json!({"StreamName": "orders"});
    let status = async || {
        let reply = fixture.ok("DescribeStreamSummary", stream.clone()).await;
        reply["StreamDescriptionSummary"]["StreamStatus"].clone()
    };
    fixture
        .ok(
            "CreateStream",
            json!({"StreamName": "orders", "ShardCount": 1}),
        )
        .await;
    assert_eq!(status().await, "CREATING");
    assert_eq!(
        fixture.refused("ListShards", stream.clone()).await,
        "ResourceInUseException"
    );
    let mut shards = fixture.arrivals.shards("orders");
    shards.changed().await.unwrap();
    assert_eq!(status().await, "ACTIVE");
    fixture.ok("DeleteStream", stream.clone()).await;
    assert_eq!(status().await, "DELETING");
    tokio::time::advance(Duration::from_millis(500)).await;
    assert_eq!(
        fixture.refused("DescribeStream", stream.clone()).await,
        "ResourceNotFoundException"
    );
}

#[tokio::test]
async fn an_on_demand_stream_starts_with_four_shards_and_reports_its_mode() {
    let fixture = Fixture::new().await;
    let request = json!({"StreamName": "orders", "StreamModeDetails": {"StreamMode": "ON_DEMAND"}});
    fixture.ok("CreateStream", request).await;
    let reply = fixture
        .ok("DescribeStreamSummary", json!({"StreamName": "orders"}))
        .await;
    let summary = &reply["StreamDescriptionSummary"];
    assert_eq!(summary["OpenShardCount"], 4);
    assert_eq!(summary["StreamModeDetails"]["StreamMode"], "ON_DEMAND");
}

#[tokio::test]
async fn a_stream_is_found_by_its_arn() {
    let fixture = Fixture::with_stream(1).await;
    let reply = fixture
        .ok("DescribeStream", json!({"StreamName": "orders"}))
        .await;
    let arn = &reply["StreamDescription"]["StreamARN"];
    assert_eq!(arn, "arn:aws:kinesis:us-east-1:000000000000:stream/orders");
    let by_arn = fixture
        .ok("DescribeStream", json!({"StreamARN": arn}))
        .await;
    assert_eq!(by_arn, reply);
    let foreign = json!({"StreamARN": "arn:aws:kinesis:us-east-1:999999999999:stream/orders"});
    assert_eq!(
        fixture.refused("DescribeStream", foreign).await,
        "ResourceNotFoundException"
    );
}

#[tokio::test]
async fn a_stream_name_exists_once() {
    let fixture = Fixture::with_stream(1).await;
    let request = json!({"StreamName": "orders", "ShardCount": 1});
    assert_eq!(
        fixture.refused("CreateStream", request).await,
        "ResourceInUseException"
    );
}

#[tokio::test]
async fn shards_are_listed_in_pages() {
    let fixture = Fixture::with_stream(5).await;
    let mut request = json!({"StreamName": "orders", "MaxResults": 2});
    let mut seen = Vec::new();
    loop {
        let reply = fixture.ok("ListShards", request).await;
        let shards = reply["Shards"].as_array().unwrap().clone();
        seen.extend(shards.into_iter().map(|shard| shard["ShardId"].clone()));
        let Value::String(token) = &reply["NextToken"] else {
            break;
        };
        request = json!({"NextToken": token, "MaxResults": 2});
    }
    let expected: Vec<Value> = (0..5).map(|n| json!(format!("shardId-{n:012}"))).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn described_shards_come_in_pages() {
    let fixture = Fixture::with_stream(3).await;
    let request = json!({"StreamName": "orders", "Limit": 2});
    let first = fixture.ok("DescribeStream", request).await;
    assert_eq!(first["StreamDescription"]["HasMoreShards"], true);
    let last = &first["StreamDescription"]["Shards"][1]["ShardId"];
    let request = json!({"StreamName": "orders", "ExclusiveStartShardId": last});
    let second = fixture.ok("DescribeStream", request).await;
    assert_eq!(second["StreamDescription"]["HasMoreShards"], false);
    assert_eq!(
        second["StreamDescription"]["Shards"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn streams_are_listed_by_name_in_pages() {
    let fixture = Fixture::new().await;
    for name in ["b", "a", "c"] {
        fixture
            .ok("CreateStream", json!({"StreamName": name, "ShardCount": 1}))
            .await;
    }
    let first = fixture.ok("ListStreams", json!({"Limit": 2})).await;
    assert_eq!(first["StreamNames"], json!(["a", "b"]));
    assert_eq!(first["HasMoreStreams"], true);
    let rest = fixture
        .ok("ListStreams", json!({"NextToken": first["NextToken"]}))
        .await;
    assert_eq!(rest["StreamNames"], json!(["c"]));
    assert_eq!(rest["HasMoreStreams"], false);
}

#[tokio::test]
async fn a_provisioned_stream_needs_a_shard_count() {
    let fixture = Fixture::new().await;
    let request = json!({"StreamName": "orders"});
    assert_eq!(
        fixture.refused("CreateStream", request).await,
        "ValidationException"
    );
}
