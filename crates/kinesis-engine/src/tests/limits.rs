use std::time::Duration;

use serde_json::json;

use super::fixture::{FIRST_SHARD, Fixture, data, record};
use crate::{Options, ThrottledRecords};

async fn limited() -> Fixture {
    let fixture = Fixture::with(Options {
        enforce_limits: true,
        ..Options::default()
    })
    .await;
    fixture
        .ok(
            "CreateStream",
            json!({"StreamName": "orders", "ShardCount": 1}),
        )
        .await;
    fixture
}

#[tokio::test(start_paused = true)]
async fn a_shard_refuses_each_record_over_a_thousand_a_second() {
    let fixture = limited().await;
    let batch = json!({"StreamName": "orders", "Records": vec![json!({"PartitionKey": "k", "Data": ""}); 400]});
    for refused in [0, 0, 200] {
        let reply = fixture.ok("PutRecords", batch.clone()).await;
        assert_eq!(reply["FailedRecordCount"], refused);
        if refused > 0 {
            let last = &reply["Records"][399];
            assert_eq!(last["ErrorCode"], "ProvisionedThroughputExceededException");
        }
    }
    let code = fixture.refused("PutRecord", record("k", "x")).await;
    assert_eq!(code, "ProvisionedThroughputExceededException");
    tokio::time::advance(Duration::from_secs(1)).await;
    fixture.put("k", "x").await;
    let expected = ThrottledRecords {
        by_records: 201,
        by_bytes: 0,
    };
    assert_eq!(fixture.kinesis.reader().throttled("orders"), expected);
}

#[tokio::test(start_paused = true)]
async fn a_shard_refuses_each_record_over_a_mebibyte_a_second() {
    let fixture = limited().await;
    let record = record("k", &"x".repeat(600 * 1024));
    fixture.ok("PutRecord", record.clone()).await;
    let code = fixture.refused("PutRecord", record).await;
    assert_eq!(code, "ProvisionedThroughputExceededException");
    let expected = ThrottledRecords {
        by_records: 0,
        by_bytes: 1,
    };
    assert_eq!(fixture.kinesis.reader().throttled("orders"), expected);
}

#[tokio::test(start_paused = true)]
async fn a_shard_refuses_the_sixth_read_of_a_second() {
    let fixture = limited().await;
    let iterator = fixture.iterator(FIRST_SHARD, "LATEST", json!({})).await;
    for _ in 0..5 {
        fixture.read(&iterator).await;
    }
    let request = json!({"ShardIterator": iterator});
    let code = fixture.refused("GetRecords", request).await;
    assert_eq!(code, "ProvisionedThroughputExceededException");
}

#[tokio::test(start_paused = true)]
async fn a_reader_in_this_process_uses_none_of_the_shard_s_reads() {
    let fixture = limited().await;
    let iterator = fixture.iterator(FIRST_SHARD, "LATEST", json!({})).await;
    let reader = fixture.kinesis.reader();
    for _ in 0..20 {
        reader.records(&iterator, 100).unwrap();
    }
    for _ in 0..5 {
        fixture.read(&iterator).await;
    }
}

#[tokio::test]
async fn memory_is_bounded_by_dropping_the_oldest_records() {
    let fixture = Fixture::with(Options {
        max_memory: Some(100_000),
        ..Options::default()
    })
    .await;
    fixture
        .ok(
            "CreateStream",
            json!({"StreamName": "orders", "ShardCount": 2}),
        )
        .await;
    for n in 0..300 {
        fixture
            .put(&format!("key {n}"), &format!("{n:01000}"))
            .await;
        assert!(fixture.kinesis.memory() <= 100_000);
    }
    let mut kept = fixture.contents(FIRST_SHARD).await;
    kept.extend(fixture.contents("shardId-000000000001").await);
    assert!(kept.contains(&format!("{:01000}", 299)));
    assert!(!kept.contains(&format!("{:01000}", 0)));
    // The rest is spare room.
    assert!(kept.len() > 60, "{} are kept", kept.len());
}

#[tokio::test]
async fn memory_is_given_back_when_a_stream_is_deleted() {
    let fixture = Fixture::with_stream(1).await;
    fixture.put("k", "data").await;
    // 48 bytes of its own, the key and the data, and spare room.
    assert!(fixture.kinesis.memory() >= 48 + 1 + 4);
    assert_eq!(
        data(
            &fixture
                .read(
                    &fixture
                        .iterator(FIRST_SHARD, "TRIM_HORIZON", json!({}))
                        .await
                )
                .await
        )
        .len(),
        1
    );
    fixture
        .ok("DeleteStream", json!({"StreamName": "orders"}))
        .await;
    assert_eq!(fixture.kinesis.memory(), 0);
}

#[tokio::test(start_paused = true)]
async fn memory_is_given_back_when_a_deleted_stream_is_gone() {
    let delay = Duration::from_secs(1);
    let fixture = Fixture::with(Options {
        transition_delay: delay,
        ..Options::default()
    })
    .await;
    let create = json!({"StreamName": "orders", "ShardCount": 1});
    fixture.ok("CreateStream", create).await;
    tokio::time::sleep(delay).await;
    fixture.put("k", "data").await;
    fixture
        .ok("DeleteStream", json!({"StreamName": "orders"}))
        .await;
    tokio::time::sleep(delay * 2).await;
    assert_eq!(fixture.kinesis.memory(), 0);
}

#[tokio::test]
async fn the_memory_counted_includes_spare_room() {
    let fixture = Fixture::with_stream(1).await;
    let entries = vec![json!({"PartitionKey": "k", "Data": ""}); 500];
    let batch = json!({"StreamName": "orders", "Records": entries});
    for _ in 0..11 {
        fixture.ok("PutRecords", batch.clone()).await;
    }
    // Bookkeeping and key of 5,500 records, and the room for more.
    let memory = fixture.kinesis.memory();
    assert!(memory > 5500 * (48 + 1), "{memory}");
}
