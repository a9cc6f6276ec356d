use serde_json::json;

use super::fixture::{FIRST_SHARD, Fixture, record};

#[tokio::test]
async fn sequence_numbers_increase_within_a_shard() {
    let fixture = Fixture::with_stream(1).await;
    let mut last = String::new();
    for _ in 0..20 {
        let number = fixture.put("key", "x").await;
        assert!(number > last, "{number} after {last}");
        last = number;
    }
}

#[tokio::test]
async fn an_explicit_hash_key_overrides_the_partition_key() {
    let fixture = Fixture::with_stream(2).await;
    for (hash_key, shard) in [
        ("0", FIRST_SHARD),
        (&u128::MAX.to_string(), "shardId-000000000001"),
    ] {
        let mut request = record("same", "x");
        request["ExplicitHashKey"] = json!(hash_key);
        assert_eq!(fixture.ok("PutRecord", request).await["ShardId"], shard);
    }
    let mut request = record("same", "x");
    request["ExplicitHashKey"] = json!("340282366920938463463374607431768211456");
    assert_eq!(
        fixture.refused("PutRecord", request).await,
        "InvalidArgumentException"
    );
}

#[tokio::test]
async fn put_records_answers_in_the_order_of_the_request() {
    let fixture = Fixture::with_stream(3).await;
    let records: Vec<_> = (0..50)
        .map(|n| json!({"PartitionKey": format!("key {n}"), "Data": "eA=="}))
        .collect();
    let reply = fixture
        .ok(
            "PutRecords",
            json!({"StreamName": "orders", "Records": records}),
        )
        .await;
    assert_eq!(reply["FailedRecordCount"], 0);
    for (n, entry) in reply["Records"].as_array().unwrap().iter().enumerate() {
        let alone = fixture
            .ok("PutRecord", record(&format!("key {n}"), "x"))
            .await;
        assert_eq!(entry["ShardId"], alone["ShardId"]);
    }
}

#[tokio::test]
async fn a_put_over_a_limit_is_refused() {
    let fixture = Fixture::with_stream(1).await;
    let many = vec![json!({"PartitionKey": "k", "Data": ""}); 501];
    let cases = [
        ("PutRecord", record("", "x")),
        ("PutRecord", record(&"k".repeat(257), "x")),
        ("PutRecord", record("k", &"x".repeat(1024 * 1024))),
        (
            "PutRecord",
            json!({"StreamName": "orders", "PartitionKey": "k"}),
        ),
        (
            "PutRecords",
            json!({"StreamName": "orders", "Records": many}),
        ),
        ("PutRecords", json!({"StreamName": "orders", "Records": []})),
    ];
    for (operation, request) in cases {
        let code = fixture.refused(operation, request).await;
        assert!(
            ["ValidationException", "InvalidArgumentException"].contains(&code.as_str()),
            "{code}"
        );
    }
    fixture.put("k", &"x".repeat(1024 * 1024 - 1)).await;
}

#[tokio::test]
async fn a_stream_that_does_not_exist_is_not_found() {
    let fixture = Fixture::new().await;
    assert_eq!(
        fixture.refused("PutRecord", record("k", "x")).await,
        "ResourceNotFoundException"
    );
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_a_serialization_exception() {
    let fixture = Fixture::with_stream(1).await;
    let mut request = record("k", "x");
    request["Data"] = json!("not base64!");
    assert_eq!(
        fixture.refused("PutRecord", request).await,
        "SerializationException"
    );
}

#[tokio::test]
async fn an_unknown_enumeration_value_and_a_missing_member_break_a_constraint() {
    let fixture = Fixture::with_stream(1).await;
    let shard = "shardId-000000000000";
    for request in [
        json!({"StreamName": "orders", "ShardId": shard, "ShardIteratorType": "MIDDLE"}),
        json!({"StreamName": "orders", "ShardId": shard}),
    ] {
        assert_eq!(
            fixture.refused("GetShardIterator", request).await,
            "ValidationException"
        );
    }
}

#[tokio::test]
async fn one_call_wakes_the_readers_of_each_shard_once() {
    let fixture = Fixture::with_stream(2).await;
    let first = fixture.arrivals.records("orders", FIRST_SHARD);
    let second = fixture.arrivals.records("orders", "shardId-000000000001");
    let entry = json!({"PartitionKey": "k", "Data": "", "ExplicitHashKey": "0"});
    let request = json!({"StreamName": "orders", "Records": [entry, entry, entry]});
    fixture.ok("PutRecords", request).await;
    assert_eq!(*first.borrow(), 1);
    assert_eq!(*second.borrow(), 0);
}
