use serde_json::json;

use super::fixture::{Fixture, record};

const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/orders";

#[tokio::test]
async fn the_retention_period_is_one_day_to_one_year() {
    let fixture = Fixture::with_stream(1).await;
    let hours = |hours: i64| json!({"StreamName": "orders", "RetentionPeriodHours": hours});
    fixture
        .ok("IncreaseStreamRetentionPeriod", hours(8760))
        .await;
    fixture.ok("DecreaseStreamRetentionPeriod", hours(48)).await;
    let reply = fixture
        .ok("DescribeStream", json!({"StreamName": "orders"}))
        .await;
    assert_eq!(reply["StreamDescription"]["RetentionPeriodHours"], 48);
    for (operation, value) in [
        ("Increase", 8761),
        ("Increase", 47),
        ("Decrease", 23),
        ("Decrease", 49),
    ] {
        let operation = format!("{operation}StreamRetentionPeriod");
        assert_eq!(
            fixture.refused(&operation, hours(value)).await,
            "InvalidArgumentException",
            "{value}"
        );
    }
}

#[tokio::test]
async fn tags_are_added_listed_in_pages_and_removed() {
    let fixture = Fixture::with_stream(1).await;
    fixture
        .ok(
            "AddTagsToStream",
            json!({"StreamName": "orders", "Tags": {"a": "1", "b": "2"}}),
        )
        .await;
    fixture
        .ok(
            "TagResource",
            json!({"ResourceARN": ARN, "Tags": {"c": "3"}}),
        )
        .await;
    let page = fixture
        .ok(
            "ListTagsForStream",
            json!({"StreamName": "orders", "Limit": 2}),
        )
        .await;
    assert_eq!(page["HasMoreTags"], true);
    assert_eq!(page["Tags"][1], json!({"Key": "b", "Value": "2"}));
    fixture
        .ok(
            "RemoveTagsFromStream",
            json!({"StreamName": "orders", "TagKeys": ["a"]}),
        )
        .await;
    fixture
        .ok(
            "UntagResource",
            json!({"ResourceARN": ARN, "TagKeys": ["b"]}),
        )
        .await;
    let rest = fixture
        .ok("ListTagsForResource", json!({"ResourceARN": ARN}))
        .await;
    assert_eq!(rest["Tags"], json!([{"Key": "c", "Value": "3"}]));
}

#[tokio::test]
async fn the_mode_can_be_changed() {
    let fixture = Fixture::with_stream(2).await;
    let request = json!({"StreamARN": ARN, "StreamModeDetails": {"StreamMode": "ON_DEMAND"}});
    fixture.ok("UpdateStreamMode", request).await;
    let limits = fixture.ok("DescribeLimits", json!({})).await;
    assert_eq!(limits["OnDemandStreamCount"], 1);
    assert_eq!(limits["OpenShardCount"], 2);
}

#[tokio::test]
async fn a_stream_can_take_records_of_ten_mebibytes() {
    let fixture = Fixture::with_stream(1).await;
    let large = record("k", &"x".repeat(2 * 1024 * 1024));
    assert_eq!(
        fixture.refused("PutRecord", large.clone()).await,
        "InvalidArgumentException"
    );
    fixture
        .ok(
            "UpdateMaxRecordSize",
            json!({"StreamARN": ARN, "MaxRecordSizeInKiB": 4096}),
        )
        .await;
    fixture.ok("PutRecord", large).await;
}

#[tokio::test]
async fn an_explicit_null_counts_as_an_absent_member() {
    let fixture = Fixture::with_stream(1).await;
    let nulls = json!({"StreamName": "orders", "Tags": null, "ExplicitHashKey": null});
    assert_eq!(
        fixture.call("AddTagsToStream", nulls).await.0,
        200,
        "no tags"
    );
    for operation in ["CreateStream", "PutRecords", "SplitShard", "GetRecords"] {
        let nulls = json!({
            "StreamName": null, "Records": null, "ShardToSplit": null, "NewStartingHashKey": null,
            "ShardIterator": null, "ShardId": null, "Tags": null,
        });
        assert_eq!(
            fixture.refused(operation, nulls).await,
            "ValidationException",
            "{operation}"
        );
    }
    let delete = json!({"StreamName": "orders", "EnforceConsumerDeletion": null});
    fixture.ok("DeleteStream", delete).await;
}
