use serde_json::{Value, json};

use super::target::{FIRST_SHARD, Outcome, SECOND_SHARD, Target, checks, holds, same, text};
use crate::support::data;

checks! {
    a_closed_shard_drains_and_its_iterator_ends: "API_GetRecords, NextShardIterator",
    a_drained_shard_names_its_children: "API_GetRecords, ChildShards",
    puts_after_a_split_land_on_a_child: "API_SplitShard",
    a_child_has_higher_sequence_numbers: "Developer guide, Resharding",
    a_merged_shard_has_two_parents: "API_MergeShards",
    shards_that_are_not_adjacent_cannot_be_merged: "API_MergeShards, Errors",
    a_closed_shard_cannot_be_split: "API_SplitShard, Errors",
    at_latest_lists_open_shards_only: "API_ShardFilter, AT_LATEST",
    after_shard_id_lists_what_follows: "API_ShardFilter, AFTER_SHARD_ID",
    update_shard_count_doubles_the_shards: "API_UpdateShardCount",
    update_shard_count_cannot_more_than_double: "API_UpdateShardCount, TargetShardCount",
}

const MIDDLE: &str = "170141183460469231731687303715884105728";

async fn split(target: &Target) -> Outcome {
    let request = json!({"ShardToSplit": FIRST_SHARD, "NewStartingHashKey": MIDDLE});
    target.call("SplitShard", request).await?;
    target.active().await
}

/// The last reply of the split shard, read from its start to its end.
async fn drained(target: &Target) -> Result<(Vec<String>, Value), String> {
    target.create(1).await?;
    target.put("k", "a").await?;
    target.put("k", "b").await?;
    let mut iterator = target
        .iterator(FIRST_SHARD, "TRIM_HORIZON", json!({}))
        .await?;
    split(target).await?;
    let mut found = Vec::new();
    for _ in 0..5 {
        let reply = target.read(&iterator).await?;
        found.extend(data(&reply));
        match &reply["NextShardIterator"] {
            Value::String(next) => iterator.clone_from(next),
            _ => return Ok((found, reply)),
        }
    }
    Err("the iterator does not end".to_owned())
}

async fn a_closed_shard_drains_and_its_iterator_ends(target: Target) -> Outcome {
    same("records", drained(&target).await?.0, ["a", "b"])
}

async fn a_drained_shard_names_its_children(target: Target) -> Outcome {
    let (_, last) = drained(&target).await?;
    let children = last["ChildShards"].as_array().cloned().unwrap_or_default();
    let ids: Vec<_> = children
        .iter()
        .map(|child| text(&child["ShardId"]))
        .collect();
    same("children", ids, [SECOND_SHARD, "shardId-000000000002"])?;
    same(
        "parents",
        &children[0]["ParentShards"],
        &json!([FIRST_SHARD]),
    )
}

async fn puts_after_a_split_land_on_a_child(target: Target) -> Outcome {
    target.create(1).await?;
    split(&target).await?;
    same(
        "the shard of a",
        target.put("a", "x").await?["ShardId"].as_str(),
        Some(SECOND_SHARD),
    )
}

async fn a_child_has_higher_sequence_numbers(target: Target) -> Outcome {
    target.create(1).await?;
    let before = text(&target.put("k", "x").await?["SequenceNumber"]);
    split(&target).await?;
    let after = text(&target.put("k", "x").await?["SequenceNumber"]);
    let higher = (after.len(), &after) > (before.len(), &before);
    holds(&format!("{after} is higher than {before}"), higher)
}

fn merge(first: &str, second: &str) -> Value {
    json!({"ShardToMerge": first, "AdjacentShardToMerge": second})
}

async fn a_merged_shard_has_two_parents(target: Target) -> Outcome {
    target.create(2).await?;
    let request = merge(FIRST_SHARD, SECOND_SHARD);
    target.call("MergeShards", request).await?;
    target.active().await?;
    let shards = target.shards(None).await?;
    let child = shards.last().cloned().unwrap_or_default();
    same("parent", child["ParentShardId"].as_str(), Some(FIRST_SHARD))?;
    same(
        "adjacent parent",
        child["AdjacentParentShardId"].as_str(),
        Some(SECOND_SHARD),
    )
}

async fn shards_that_are_not_adjacent_cannot_be_merged(target: Target) -> Outcome {
    target.create(3).await?;
    let request = merge(FIRST_SHARD, "shardId-000000000002");
    target
        .refused("MergeShards", request, &["InvalidArgumentException"])
        .await
}

async fn a_closed_shard_cannot_be_split(target: Target) -> Outcome {
    target.create(1).await?;
    split(&target).await?;
    let request = json!({"ShardToSplit": FIRST_SHARD, "NewStartingHashKey": MIDDLE});
    target
        .refused(
            "SplitShard",
            request,
            &["InvalidArgumentException", "ResourceInUseException"],
        )
        .await
}

async fn listed(target: &Target, filter: Value) -> Result<Vec<String>, String> {
    target.create(1).await?;
    split(target).await?;
    let shards = target.shards(Some(filter)).await?;
    Ok(shards.iter().map(|shard| text(&shard["ShardId"])).collect())
}

async fn at_latest_lists_open_shards_only(target: Target) -> Outcome {
    let ids = listed(&target, json!({"Type": "AT_LATEST"})).await?;
    same("open shards", ids, [SECOND_SHARD, "shardId-000000000002"])
}

async fn after_shard_id_lists_what_follows(target: Target) -> Outcome {
    let ids = listed(
        &target,
        json!({"Type": "AFTER_SHARD_ID", "ShardId": SECOND_SHARD}),
    )
    .await?;
    same("shards", ids, ["shardId-000000000002"])
}

fn scale(to: u32) -> Value {
    json!({"TargetShardCount": to, "ScalingType": "UNIFORM_SCALING"})
}

async fn update_shard_count_doubles_the_shards(target: Target) -> Outcome {
    target.create(2).await?;
    let request = scale(4);
    target.call("UpdateShardCount", request).await?;
    target.active().await?;
    same(
        "open shards",
        target.summary().await?["OpenShardCount"].as_u64(),
        Some(4),
    )
}

async fn update_shard_count_cannot_more_than_double(target: Target) -> Outcome {
    target.create(1).await?;
    let request = scale(3);
    target
        .refused(
            "UpdateShardCount",
            request,
            &["InvalidArgumentException", "LimitExceededException"],
        )
        .await
}
