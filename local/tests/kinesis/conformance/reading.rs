use std::time::Duration;

use serde_json::{Value, json};

use super::target::{FIRST_SHARD, Outcome, SECOND_SHARD, Target, checks, holds, same, text};
use crate::support::data;

checks! {
    latest_sees_the_put_that_follows_it: "API_GetShardIterator, LATEST",
    trim_horizon_starts_at_the_oldest_record: "API_GetShardIterator, TRIM_HORIZON",
    at_sequence_number_starts_at_the_record: "API_GetShardIterator, AT_SEQUENCE_NUMBER",
    after_sequence_number_starts_after_the_record: "API_GetShardIterator, AFTER_SEQUENCE_NUMBER",
    at_timestamp_starts_at_the_exact_millisecond: "API_GetShardIterator, Timestamp",
    at_timestamp_after_the_last_record_returns_only_new_records: "API_GetShardIterator, Timestamp",
    arrival_times_have_milliseconds: "API_Record, ApproximateArrivalTimestamp",
    millis_behind_latest_is_zero_only_at_the_tip: "API_GetRecords, MillisBehindLatest",
    limit_bounds_a_reply_and_the_next_iterator_continues: "API_GetRecords, Limit",
    a_limit_over_10000_is_refused: "API_GetRecords, Limit",
    a_reply_holds_ten_mebibytes_at_most: "API_GetRecords",
    a_malformed_iterator_is_an_invalid_argument: "API_GetRecords, Errors",
    an_iterator_on_a_missing_shard_is_not_found: "API_GetShardIterator, Errors",
    a_sequence_number_of_another_shard_is_refused: "API_GetShardIterator, Errors",
}

async fn latest_sees_the_put_that_follows_it(target: Target) -> Outcome {
    target.create(1).await?;
    for n in 0..10 {
        target.put("k", "before").await?;
        let latest = target.iterator(FIRST_SHARD, "LATEST", json!({})).await?;
        target.put("k", &format!("after {n}")).await?;
        same(
            "records",
            target.contents(&latest).await?,
            [format!("after {n}")],
        )?;
    }
    Ok(())
}

async fn trim_horizon_starts_at_the_oldest_record(target: Target) -> Outcome {
    target.create(1).await?;
    target.put("k", "a").await?;
    target.put("k", "b").await?;
    let iterator = target
        .iterator(FIRST_SHARD, "TRIM_HORIZON", json!({}))
        .await?;
    same("records", target.contents(&iterator).await?, ["a", "b"])
}

async fn from_the_second(target: &Target, kind: &str) -> Result<Vec<String>, String> {
    target.create(1).await?;
    target.put("k", "a").await?;
    let number = target.put("k", "b").await?["SequenceNumber"].clone();
    target.put("k", "c").await?;
    let start = json!({"StartingSequenceNumber": number});
    let iterator = target.iterator(FIRST_SHARD, kind, start).await?;
    target.contents(&iterator).await
}

async fn at_sequence_number_starts_at_the_record(target: Target) -> Outcome {
    same(
        "records",
        from_the_second(&target, "AT_SEQUENCE_NUMBER").await?,
        ["b", "c"],
    )
}

async fn after_sequence_number_starts_after_the_record(target: Target) -> Outcome {
    same(
        "records",
        from_the_second(&target, "AFTER_SEQUENCE_NUMBER").await?,
        ["c"],
    )
}

async fn arrivals(target: &Target) -> Result<Vec<f64>, String> {
    let iterator = target
        .iterator(FIRST_SHARD, "TRIM_HORIZON", json!({}))
        .await?;
    let reply = target.read(&iterator).await?;
    let records = reply["Records"].as_array().cloned().unwrap_or_default();
    let times = records
        .iter()
        .map(|record| record["ApproximateArrivalTimestamp"].as_f64());
    Ok(times.flatten().collect())
}

async fn at_timestamp_starts_at_the_exact_millisecond(target: Target) -> Outcome {
    target.create(1).await?;
    for name in ["a", "b", "c"] {
        target.put("k", name).await?;
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    let times = arrivals(&target).await?;
    let [_, second, third] = times[..] else {
        return Err(format!("three arrival times: {times:?}"));
    };
    for (time, expected) in [
        (second, vec!["b", "c"]),
        (second + 0.002, vec!["c"]),
        (third, vec!["c"]),
    ] {
        let iterator = target
            .iterator(FIRST_SHARD, "AT_TIMESTAMP", json!({"Timestamp": time}))
            .await?;
        same(
            &format!("records from {time}"),
            target.contents(&iterator).await?,
            expected,
        )?;
    }
    Ok(())
}

async fn at_timestamp_after_the_last_record_returns_only_new_records(target: Target) -> Outcome {
    target.create(1).await?;
    target.put("k", "old").await?;
    tokio::time::sleep(Duration::from_millis(30)).await;
    let last = arrivals(&target)
        .await?
        .first()
        .copied()
        .unwrap_or_default();
    let start = json!({"Timestamp": last + 0.005});
    let iterator = target.iterator(FIRST_SHARD, "AT_TIMESTAMP", start).await?;
    let empty = target.read(&iterator).await?;
    same("records", data(&empty), Vec::<String>::new())?;
    target.put("k", "new").await?;
    let next = text(&empty["NextShardIterator"]);
    same("records", target.contents(&next).await?, ["new"])
}

async fn arrival_times_have_milliseconds(target: Target) -> Outcome {
    target.create(1).await?;
    for _ in 0..5 {
        target.put("k", "x").await?;
        tokio::time::sleep(Duration::from_millis(7)).await;
    }
    let times = arrivals(&target).await?;
    let fractions = times.iter().filter(|time| time.fract() != 0.0).count();
    holds(&format!("times have fractions: {times:?}"), fractions >= 3)
}

async fn millis_behind_latest_is_zero_only_at_the_tip(target: Target) -> Outcome {
    target.create(1).await?;
    target.put("k", "a").await?;
    target.put("k", "b").await?;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let iterator = target
        .iterator(FIRST_SHARD, "TRIM_HORIZON", json!({}))
        .await?;
    let first = target
        .call("GetRecords", json!({"ShardIterator": iterator, "Limit": 1}))
        .await?;
    let behind = first["MillisBehindLatest"].as_u64().unwrap_or(0);
    holds(
        &format!("{behind} ms behind is about 50"),
        (1..10_000).contains(&behind),
    )?;
    let second = target.read(&text(&first["NextShardIterator"])).await?;
    same(
        "MillisBehindLatest",
        second["MillisBehindLatest"].as_u64(),
        Some(0),
    )
}

async fn limit_bounds_a_reply_and_the_next_iterator_continues(target: Target) -> Outcome {
    target.create(1).await?;
    for name in ["a", "b", "c"] {
        target.put("k", name).await?;
    }
    let iterator = target
        .iterator(FIRST_SHARD, "TRIM_HORIZON", json!({}))
        .await?;
    let first = target
        .call("GetRecords", json!({"ShardIterator": iterator, "Limit": 2}))
        .await?;
    same("the first", data(&first), ["a", "b"])?;
    let rest = target.contents(&text(&first["NextShardIterator"])).await?;
    same("the rest", rest, ["c"])
}

async fn a_limit_over_10000_is_refused(target: Target) -> Outcome {
    target.create(1).await?;
    let iterator = target.iterator(FIRST_SHARD, "LATEST", json!({})).await?;
    let request = json!({"ShardIterator": iterator, "Limit": 10_001});
    target
        .refused(
            "GetRecords",
            request,
            &["ValidationException", "InvalidArgumentException"],
        )
        .await
}

async fn a_reply_holds_ten_mebibytes_at_most(target: Target) -> Outcome {
    target.create(1).await?;
    for _ in 0..11 {
        target.put("k", &"x".repeat(1_000_000)).await?;
    }
    let iterator = target
        .iterator(FIRST_SHARD, "TRIM_HORIZON", json!({}))
        .await?;
    let reply = target.read(&iterator).await?;
    let count = data(&reply).len();
    holds(
        &format!("{count} records of 1 MB come at once"),
        (1..=10).contains(&count),
    )
}

async fn a_malformed_iterator_is_an_invalid_argument(target: Target) -> Outcome {
    let request = json!({"ShardIterator": "not an iterator"});
    target
        .refused("GetRecords", request, &["InvalidArgumentException"])
        .await
}

async fn an_iterator_on_a_missing_shard_is_not_found(target: Target) -> Outcome {
    target.create(1).await?;
    let request = json!({"ShardId": "shardId-000000000007", "ShardIteratorType": "LATEST"});
    target
        .refused("GetShardIterator", request, &["ResourceNotFoundException"])
        .await
}

async fn a_sequence_number_of_another_shard_is_refused(target: Target) -> Outcome {
    target.create(2).await?;
    let foreign: Value = target.put("a", "x").await?["SequenceNumber"].clone();
    let request = json!({"ShardId": SECOND_SHARD, "ShardIteratorType": "AT_SEQUENCE_NUMBER", "StartingSequenceNumber": foreign});
    target
        .refused("GetShardIterator", request, &["InvalidArgumentException"])
        .await
}
