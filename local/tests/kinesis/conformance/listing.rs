use serde_json::{Value, json};

use super::target::{FIRST_SHARD, Outcome, Target, checks, holds, same, text};

checks! {
    an_on_demand_stream_starts_with_four_shards_and_reports_its_mode: "API_CreateStream, StreamModeDetails",
    a_provisioned_stream_needs_a_shard_count: "API_CreateStream, ShardCount",
    a_stream_name_exists_once: "API_CreateStream, Errors",
    a_name_with_spaces_is_refused: "API_CreateStream, StreamName",
    a_deleted_stream_is_not_found: "API_DeleteStream",
    hash_key_ranges_cover_the_space_evenly: "API_HashKeyRange",
    list_shards_pages_with_a_token: "API_ListShards, NextToken",
    a_token_and_a_name_cannot_go_together: "API_ListShards, NextToken",
    describe_stream_pages_by_shard_id: "API_DescribeStream, Limit",
    list_streams_pages_by_name_and_tells_status: "API_ListStreams",
    an_open_shard_has_no_ending_number: "API_SequenceNumberRange",
}

async fn an_on_demand_stream_starts_with_four_shards_and_reports_its_mode(
    target: Target,
) -> Outcome {
    let mode = json!({"StreamModeDetails": {"StreamMode": "ON_DEMAND"}});
    target.call("CreateStream", mode).await?;
    target.active().await?;
    let summary = target.summary().await?;
    same(
        "OpenShardCount",
        summary["OpenShardCount"].as_u64(),
        Some(4),
    )?;
    same(
        "StreamMode",
        summary["StreamModeDetails"]["StreamMode"].as_str(),
        Some("ON_DEMAND"),
    )
}

async fn a_provisioned_stream_needs_a_shard_count(target: Target) -> Outcome {
    target
        .refused(
            "CreateStream",
            json!({}),
            &["ValidationException", "InvalidArgumentException"],
        )
        .await
}

async fn a_stream_name_exists_once(target: Target) -> Outcome {
    target.create(1).await?;
    target
        .refused(
            "CreateStream",
            json!({"ShardCount": 1}),
            &["ResourceInUseException"],
        )
        .await
}

async fn a_name_with_spaces_is_refused(target: Target) -> Outcome {
    let request = json!({"StreamName": "no spaces", "ShardCount": 1});
    target
        .refused(
            "CreateStream",
            request,
            &["ValidationException", "InvalidArgumentException"],
        )
        .await
}

async fn a_deleted_stream_is_not_found(target: Target) -> Outcome {
    target.create(1).await?;
    target.call("DeleteStream", json!({})).await?;
    loop {
        match target.try_call("DescribeStreamSummary", json!({})).await {
            Err(refused) => {
                return same(
                    "the error",
                    refused.code.as_str(),
                    "ResourceNotFoundException",
                );
            }
            Ok(reply) => {
                let status = text(&reply["StreamDescriptionSummary"]["StreamStatus"]);
                same("the status", status.as_str(), "DELETING")?;
            }
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

async fn hash_key_ranges_cover_the_space_evenly(target: Target) -> Outcome {
    target.create(3).await?;
    let shards = target.shards(None).await?;
    let bound = |shard: &Value, name: &str| text(&shard["HashKeyRange"][name]).parse::<u128>();
    let mut expected = 0;
    for shard in &shards {
        same("start", bound(shard, "StartingHashKey"), Ok(expected))?;
        expected = bound(shard, "EndingHashKey")
            .unwrap_or_default()
            .wrapping_add(1);
    }
    same("the end wraps to", expected, 0)
}

async fn list_shards_pages_with_a_token(target: Target) -> Outcome {
    target.create(5).await?;
    let mut request = json!({"MaxResults": 2});
    let mut sizes = Vec::new();
    for _ in 0..3 {
        let reply = target.call("ListShards", request).await?;
        sizes.push(reply["Shards"].as_array().map_or(0, Vec::len));
        request = json!({"NextToken": reply["NextToken"], "MaxResults": 2});
    }
    same("shards by page", sizes, [2, 2, 1])?;
    same("the last token", &request["NextToken"], &Value::Null)
}

async fn a_token_and_a_name_cannot_go_together(target: Target) -> Outcome {
    target.create(2).await?;
    let reply = target.call("ListShards", json!({"MaxResults": 1})).await?;
    let request = json!({"StreamName": target.stream, "NextToken": reply["NextToken"]});
    target
        .refused(
            "ListShards",
            request,
            &["InvalidArgumentException", "ValidationException"],
        )
        .await
}

async fn describe_stream_pages_by_shard_id(target: Target) -> Outcome {
    target.create(2).await?;
    let first = target.call("DescribeStream", json!({"Limit": 1})).await?;
    same(
        "HasMoreShards",
        &first["StreamDescription"]["HasMoreShards"],
        &json!(true),
    )?;
    let rest = target
        .call(
            "DescribeStream",
            json!({"ExclusiveStartShardId": FIRST_SHARD}),
        )
        .await?;
    same(
        "HasMoreShards",
        &rest["StreamDescription"]["HasMoreShards"],
        &json!(false),
    )?;
    let ids = &rest["StreamDescription"]["Shards"][0]["ShardId"];
    same(
        "the second shard",
        ids.as_str(),
        Some("shardId-000000000001"),
    )
}

async fn list_streams_pages_by_name_and_tells_status(target: Target) -> Outcome {
    target.create(1).await?;
    // Something that sorts before this check's own stream.
    let before = target
        .stream
        .trim_end_matches(|last: char| last.is_ascii_digit());
    for (start, listed) in [(before, true), (target.stream.as_str(), false)] {
        let request = json!({"StreamName": null, "ExclusiveStartStreamName": start});
        let reply = target.call("ListStreams", request).await?;
        let names = reply["StreamNames"].as_array().cloned().unwrap_or_default();
        let position = names.iter().position(|name| *name == target.stream);
        same(&format!("listed after {start}"), position.is_some(), listed)?;
        if let Some(position) = position {
            let status = &reply["StreamSummaries"][position]["StreamStatus"];
            same("StreamSummaries", status.as_str(), Some("ACTIVE"))?;
        }
    }
    Ok(())
}

async fn an_open_shard_has_no_ending_number(target: Target) -> Outcome {
    target.create(1).await?;
    let shards = target.shards(None).await?;
    let range = &shards[0]["SequenceNumberRange"];
    holds(
        "it has a start",
        range["StartingSequenceNumber"].is_string(),
    )?;
    same(
        "EndingSequenceNumber",
        &range["EndingSequenceNumber"],
        &Value::Null,
    )
}
