use serde_json::json;

use super::target::{Outcome, Target, checks, holds, same, text};

checks! {
    retention_can_be_raised_to_a_year: "API_IncreaseStreamRetentionPeriod",
    retention_over_a_year_is_refused: "API_IncreaseStreamRetentionPeriod",
    retention_cannot_be_lowered_below_a_day: "API_DecreaseStreamRetentionPeriod",
    tags_are_listed_and_removed: "API_ListTagsForStream",
    limits_count_open_shards: "API_DescribeLimits",
    the_mode_of_a_stream_can_be_changed: "API_UpdateStreamMode",
    a_second_consumer_with_the_same_name_is_refused: "API_RegisterStreamConsumer",
    a_consumer_arn_has_the_stream_the_name_and_the_creation_time: "API_Consumer, ConsumerARN",
    an_unknown_operation_is_refused: "Common errors",
}

async fn retention_can_be_raised_to_a_year(target: Target) -> Outcome {
    target.create(1).await?;
    same(
        "hours at first",
        target.summary().await?["RetentionPeriodHours"].as_u64(),
        Some(24),
    )?;
    target
        .call(
            "IncreaseStreamRetentionPeriod",
            json!({"RetentionPeriodHours": 8760}),
        )
        .await?;
    target.active().await?;
    same(
        "hours",
        target.summary().await?["RetentionPeriodHours"].as_u64(),
        Some(8760),
    )
}

async fn retention_over_a_year_is_refused(target: Target) -> Outcome {
    target.create(1).await?;
    let request = json!({"RetentionPeriodHours": 8761});
    target
        .refused(
            "IncreaseStreamRetentionPeriod",
            request,
            &["InvalidArgumentException", "ValidationException"],
        )
        .await
}

async fn retention_cannot_be_lowered_below_a_day(target: Target) -> Outcome {
    target.create(1).await?;
    let request = json!({"RetentionPeriodHours": 23});
    target
        .refused(
            "DecreaseStreamRetentionPeriod",
            request,
            &["InvalidArgumentException", "ValidationException"],
        )
        .await
}

async fn tags_are_listed_and_removed(target: Target) -> Outcome {
    target.create(1).await?;
    target
        .call("AddTagsToStream", json!({"Tags": {"a": "1", "b": "2"}}))
        .await?;
    target
        .call("RemoveTagsFromStream", json!({"TagKeys": ["a"]}))
        .await?;
    let reply = target.call("ListTagsForStream", json!({})).await?;
    same("tags", &reply["Tags"], &json!([{"Key": "b", "Value": "2"}]))?;
    same("HasMoreTags", &reply["HasMoreTags"], &json!(false))
}

async fn limits_count_open_shards(target: Target) -> Outcome {
    let count = async || {
        Ok::<_, String>(target.call("DescribeLimits", json!({})).await?["OpenShardCount"].as_u64())
    };
    let before = count().await?;
    target.create(3).await?;
    same(
        "open shards",
        count().await?,
        before.map(|before| before + 3),
    )
}

async fn the_mode_of_a_stream_can_be_changed(target: Target) -> Outcome {
    target.create(1).await?;
    let arn = target.summary().await?["StreamARN"].clone();
    let request = json!({"StreamARN": arn, "StreamModeDetails": {"StreamMode": "ON_DEMAND"}});
    target.call("UpdateStreamMode", request).await?;
    let mode = target.summary().await?["StreamModeDetails"]["StreamMode"].clone();
    same("mode", mode.as_str(), Some("ON_DEMAND"))
}

async fn a_second_consumer_with_the_same_name_is_refused(target: Target) -> Outcome {
    target.create(1).await?;
    let arn = target.summary().await?["StreamARN"].clone();
    let request = json!({"StreamARN": arn, "ConsumerName": "reader"});
    target
        .call("RegisterStreamConsumer", request.clone())
        .await?;
    target
        .refused(
            "RegisterStreamConsumer",
            request,
            &["ResourceInUseException"],
        )
        .await
}

async fn a_consumer_arn_has_the_stream_the_name_and_the_creation_time(target: Target) -> Outcome {
    target.create(1).await?;
    let stream = text(&target.summary().await?["StreamARN"]);
    let request = json!({"StreamARN": stream, "ConsumerName": "reader"});
    let reply = target.call("RegisterStreamConsumer", request).await?;
    let arn = text(&reply["Consumer"]["ConsumerARN"]);
    let created = arn.strip_prefix(&format!("{stream}/consumer/reader:"));
    let seconds = created.is_some_and(|created| created.parse::<u64>().is_ok());
    holds(&format!("{arn} ends in /consumer/reader:seconds"), seconds)
}

async fn an_unknown_operation_is_refused(target: Target) -> Outcome {
    target
        .refused("FlushStream", json!({}), &["UnknownOperationException"])
        .await
}
