use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::target::{FIRST_SHARD, Outcome, SECOND_SHARD, Target, checks, holds, same, text};
use crate::support::entry;

checks! {
    the_md5_of_the_partition_key_picks_the_shard: "API_PutRecord, PartitionKey",
    an_explicit_hash_key_overrides_the_partition_key: "API_PutRecord, ExplicitHashKey",
    an_explicit_hash_key_beyond_the_space_is_refused: "API_PutRecord, ExplicitHashKey",
    sequence_numbers_increase_within_a_shard: "API_PutRecord",
    sequence_numbers_are_56_digit_decimals_starting_with_49: "Developer guide, Terminology",
    an_empty_partition_key_is_refused: "API_PutRecord, PartitionKey",
    a_partition_key_of_257_characters_is_refused: "API_PutRecord, PartitionKey",
    a_record_over_one_mebibyte_is_refused: "API_CreateStream, MaxRecordSizeInKiB",
    a_batch_of_501_records_is_refused: "API_PutRecords, Records",
    an_empty_batch_is_refused: "API_PutRecords, Records",
    a_batch_is_answered_entry_by_entry_in_order: "API_PutRecords",
    a_put_to_a_missing_stream_is_not_found: "API_PutRecord, Errors",
    a_stream_can_be_named_by_its_arn: "API_PutRecord, StreamARN",
    data_that_is_not_base64_is_refused: "API_PutRecord, Data",
}

const REFUSED: &[&str] = &["ValidationException", "InvalidArgumentException"];

async fn the_md5_of_the_partition_key_picks_the_shard(target: Target) -> Outcome {
    target.create(2).await?;
    // MD5 of "a" starts with 0x0c, of "b" with 0x92.
    for (key, shard) in [("a", FIRST_SHARD), ("b", SECOND_SHARD)] {
        same(
            key,
            target.put(key, "x").await?["ShardId"].as_str(),
            Some(shard),
        )?;
    }
    Ok(())
}

async fn an_explicit_hash_key_overrides_the_partition_key(target: Target) -> Outcome {
    target.create(2).await?;
    for (hash_key, shard) in [
        ("0", FIRST_SHARD),
        ("340282366920938463463374607431768211455", SECOND_SHARD),
    ] {
        let mut request = entry("same", "x");
        request["ExplicitHashKey"] = json!(hash_key);
        let reply = target.call("PutRecord", request).await?;
        same(hash_key, reply["ShardId"].as_str(), Some(shard))?;
    }
    Ok(())
}

async fn an_explicit_hash_key_beyond_the_space_is_refused(target: Target) -> Outcome {
    target.create(1).await?;
    let mut request = entry("k", "x");
    request["ExplicitHashKey"] = json!("340282366920938463463374607431768211456");
    target.refused("PutRecord", request, REFUSED).await
}

async fn sequence_numbers_increase_within_a_shard(target: Target) -> Outcome {
    target.create(1).await?;
    let mut last = String::new();
    for _ in 0..30 {
        let number = text(&target.put("k", "x").await?["SequenceNumber"]);
        let higher = (number.len(), &number) > (last.len(), &last);
        holds(&format!("{number} is higher than {last}"), higher)?;
        last = number;
    }
    Ok(())
}

async fn sequence_numbers_are_56_digit_decimals_starting_with_49(target: Target) -> Outcome {
    target.create(1).await?;
    let number = text(&target.put("k", "x").await?["SequenceNumber"]);
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    holds(
        &number,
        number.len() == 56 && number.starts_with("49") && digits,
    )
}

async fn an_empty_partition_key_is_refused(target: Target) -> Outcome {
    target.create(1).await?;
    target.refused("PutRecord", entry("", "x"), REFUSED).await
}

async fn a_partition_key_of_257_characters_is_refused(target: Target) -> Outcome {
    target.create(1).await?;
    target.put(&"é".repeat(256), "x").await?;
    target
        .refused("PutRecord", entry(&"k".repeat(257), "x"), REFUSED)
        .await
}

async fn a_record_over_one_mebibyte_is_refused(target: Target) -> Outcome {
    target.create(1).await?;
    target.put("k", &"x".repeat(1024 * 1024 - 1)).await?;
    target
        .refused("PutRecord", entry("k", &"x".repeat(1024 * 1024)), REFUSED)
        .await
}

async fn a_batch_of_501_records_is_refused(target: Target) -> Outcome {
    target.create(1).await?;
    let records = |count| json!({"Records": vec![entry("k", "x"); count]});
    target.call("PutRecords", records(500)).await?;
    target.refused("PutRecords", records(501), REFUSED).await
}

async fn an_empty_batch_is_refused(target: Target) -> Outcome {
    target.create(1).await?;
    target
        .refused("PutRecords", json!({"Records": []}), REFUSED)
        .await
}

async fn a_batch_is_answered_entry_by_entry_in_order(target: Target) -> Outcome {
    target.create(2).await?;
    let records: Vec<Value> = ["a", "b", "a", "b"]
        .iter()
        .map(|key| entry(key, "x"))
        .collect();
    let reply = target
        .call("PutRecords", json!({"Records": records}))
        .await?;
    same("FailedRecordCount", &reply["FailedRecordCount"], &json!(0))?;
    let shards: Vec<_> = (0..4)
        .map(|n| text(&reply["Records"][n]["ShardId"]))
        .collect();
    same(
        "shards",
        shards,
        [FIRST_SHARD, SECOND_SHARD, FIRST_SHARD, SECOND_SHARD],
    )?;
    let (first, third) = (
        &reply["Records"][0]["SequenceNumber"],
        &reply["Records"][2]["SequenceNumber"],
    );
    holds(
        "the third entry comes after the first",
        text(third) > text(first),
    )
}

async fn a_put_to_a_missing_stream_is_not_found(target: Target) -> Outcome {
    target
        .refused("PutRecord", entry("k", "x"), &["ResourceNotFoundException"])
        .await
}

async fn a_stream_can_be_named_by_its_arn(target: Target) -> Outcome {
    target.create(1).await?;
    let arn = target.summary().await?["StreamARN"].clone();
    let request = json!({"StreamARN": arn, "PartitionKey": "k", "Data": STANDARD.encode("x")});
    let reply = target.call("PutRecord", request).await?;
    same("ShardId", reply["ShardId"].as_str(), Some(FIRST_SHARD))
}

async fn data_that_is_not_base64_is_refused(target: Target) -> Outcome {
    target.create(1).await?;
    let request = json!({"PartitionKey": "k", "Data": "not base64!"});
    target
        .refused(
            "PutRecord",
            request,
            &["SerializationException", "ValidationException"],
        )
        .await
}
