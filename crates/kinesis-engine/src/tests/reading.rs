use std::time::Duration;

use serde_json::{Value, json};

use super::fixture::{FIRST_SHARD, Fixture, data};

#[tokio::test]
async fn a_latest_iterator_reads_the_records_put_after_it() {
    let fixture = Fixture::with_stream(1).await;
    fixture.put("k", "before").await;
    let latest = fixture.iterator(FIRST_SHARD, "LATEST", json!({})).await;
    fixture.put("k", "after").await;
    assert_eq!(data(&fixture.read(&latest).await), ["after"]);
}

#[tokio::test]
async fn sequence_numbers_start_at_or_after_their_record() {
    let fixture = Fixture::with_stream(1).await;
    fixture.put("k", "a").await;
    let number = fixture.put("k", "b").await;
    fixture.put("k", "c").await;
    for (kind, expected) in [
        ("AT_SEQUENCE_NUMBER", "b c"),
        ("AFTER_SEQUENCE_NUMBER", "c"),
    ] {
        let start = json!({"StartingSequenceNumber": number});
        let iterator = fixture.iterator(FIRST_SHARD, kind, start).await;
        assert_eq!(
            data(&fixture.read(&iterator).await).join(" "),
            expected,
            "{kind}"
        );
    }
}

#[tokio::test]
async fn the_starting_number_of_a_shard_is_its_trim_horizon() {
    let fixture = Fixture::with_stream(1).await;
    fixture.put("k", "a").await;
    let shards = fixture
        .ok("ListShards", json!({"StreamName": "orders"}))
        .await;
    let number = &shards["Shards"][0]["SequenceNumberRange"]["StartingSequenceNumber"];
    for kind in ["AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"] {
        let start = json!({"StartingSequenceNumber": number});
        let iterator = fixture.iterator(FIRST_SHARD, kind, start).await;
        assert_eq!(data(&fixture.read(&iterator).await), ["a"], "{kind}");
    }
}

#[tokio::test]
async fn a_sequence_number_of_another_shard_is_an_invalid_argument() {
    let fixture = Fixture::with_stream(2).await;
    let shards = fixture
        .ok("ListShards", json!({"StreamName": "orders"}))
        .await;
    let foreign = &shards["Shards"][1]["SequenceNumberRange"]["StartingSequenceNumber"];
    let request = json!({"StreamName": "orders", "ShardId": FIRST_SHARD,
        "ShardIteratorType": "AT_SEQUENCE_NUMBER", "StartingSequenceNumber": foreign});
    assert_eq!(
        fixture.refused("GetShardIterator", request).await,
        "InvalidArgumentException"
    );
}

#[tokio::test(start_paused = true)]
async fn a_timestamp_starts_at_its_millisecond() {
    let fixture = Fixture::with_stream(1).await;
    fixture.put("k", "a").await;
    tokio::time::advance(Duration::from_millis(5)).await;
    fixture.put("k", "b").await;
    let first = fixture
        .iterator(FIRST_SHARD, "TRIM_HORIZON", json!({}))
        .await;
    let records = fixture.read(&first).await;
    let arrival = records["Records"][1]["ApproximateArrivalTimestamp"]
        .as_f64()
        .unwrap();
    for (time, expected) in [
        (arrival, "b"),
        (arrival - 0.001, "b"),
        (arrival - 0.005, "a b"),
        (0.5, "a b"),
    ] {
        let start = json!({"Timestamp": time});
        let iterator = fixture.iterator(FIRST_SHARD, "AT_TIMESTAMP", start).await;
        assert_eq!(
            data(&fixture.read(&iterator).await).join(" "),
            expected,
            "{time}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_timestamp_after_the_last_record_waits_for_new_ones() {
    let fixture = Fixture::with_stream(1).await;
    fixture.put("k", "old").await;
    tokio::time::advance(Duration::from_secs(2)).await;
    let now = fixture.kinesis.engine.clock().millis();
    let start = json!({"Timestamp": now / 1000 - 1});
    let iterator = fixture.iterator(FIRST_SHARD, "AT_TIMESTAMP", start).await;
    let empty = fixture.read(&iterator).await;
    assert_eq!(empty["Records"], json!([]));
    fixture.put("k", "new").await;
    let next = empty["NextShardIterator"].as_str().unwrap();
    assert_eq!(data(&fixture.read(next).await), ["new"]);
}

#[tokio::test(start_paused = true)]
async fn a_reader_is_behind_until_it_reaches_the_tip() {
    let fixture = Fixture::with_stream(1).await;
    fixture.put("k", "a").await;
    fixture.put("k", "b").await;
    tokio::time::advance(Duration::from_millis(1500)).await;
    let start = fixture
        .iterator(FIRST_SHARD, "TRIM_HORIZON", json!({}))
        .await;
    let first = fixture
        .ok("GetRecords", json!({"ShardIterator": start, "Limit": 1}))
        .await;
    assert_eq!(first["MillisBehindLatest"], 1500);
    let second = fixture
        .read(first["NextShardIterator"].as_str().unwrap())
        .await;
    assert_eq!(second["MillisBehindLatest"], 0);
}

#[tokio::test(start_paused = true)]
async fn iterators_expire_after_five_minutes() {
    let fixture = Fixture::with_stream(1).await;
    let iterator = fixture.iterator(FIRST_SHARD, "LATEST", json!({})).await;
    tokio::time::advance(Duration::from_mins(5)).await;
    fixture.read(&iterator).await;
    tokio::time::advance(Duration::from_millis(1)).await;
    let request = json!({"ShardIterator": iterator});
    assert_eq!(
        fixture.refused("GetRecords", request).await,
        "ExpiredIteratorException"
    );
}

#[tokio::test]
async fn a_malformed_iterator_is_an_invalid_argument() {
    let fixture = Fixture::with_stream(1).await;
    let request = json!({"ShardIterator": "AAAA"});
    assert_eq!(
        fixture.refused("GetRecords", request).await,
        "InvalidArgumentException"
    );
}

#[tokio::test]
async fn a_reply_holds_ten_mebibytes_at_most() {
    let fixture = Fixture::with_stream(1).await;
    for _ in 0..12 {
        fixture.put("k", &"x".repeat(1024 * 1024 - 1)).await;
    }
    let iterator = fixture
        .iterator(FIRST_SHARD, "TRIM_HORIZON", json!({}))
        .await;
    let reply = fixture.read(&iterator).await;
    assert_eq!(data(&reply).len(), 10);
    let rest = fixture
        .read(reply["NextShardIterator"].as_str().unwrap())
        .await;
    assert_eq!(data(&rest).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn records_past_retention_are_trimmed_and_their_iterators_continue() {
    let fixture = Fixture::with_stream(1).await;
    let number = fixture.put("k", "old").await;
    tokio::time::advance(Duration::from_hours(24)).await;
    fixture.put("k", "new").await;
    assert_eq!(fixture.contents(FIRST_SHARD).await, ["old", "new"]);
    tokio::time::advance(Duration::from_millis(1)).await;
    let start = json!({"StartingSequenceNumber": number});
    let iterator = fixture
        .iterator(FIRST_SHARD, "AT_SEQUENCE_NUMBER", start)
        .await;
    assert_eq!(data(&fixture.read(&iterator).await), ["new"]);
}

#[tokio::test]
async fn a_record_comes_back_as_it_was_put() {
    let fixture = Fixture::with_stream(1).await;
    let number = fixture.put("clé", "data").await;
    let iterator = fixture
        .iterator(FIRST_SHARD, "TRIM_HORIZON", json!({}))
        .await;
    let record = &fixture.read(&iterator).await["Records"][0];
    assert_eq!(record["PartitionKey"], "clé");
    assert_eq!(record["Data"], "ZGF0YQ==");
    assert_eq!(record["SequenceNumber"], Value::String(number));
}
