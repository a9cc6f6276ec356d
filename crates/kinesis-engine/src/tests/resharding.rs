use std::time::Duration;

use serde_json::{Value, json};

use super::fixture::{FIRST_SHARD, Fixture, data, record};

const HALF: &str = "170141183460469231731687303715884105728";

async fn split(fixture: &Fixture) {
    let request =
        json!({"StreamName": "orders", "ShardToSplit": FIRST_SHARD, "NewStartingHashKey": HALF});
    fixture.ok("SplitShard", request).await;
}

fn shard_ids(reply: &Value) -> Vec<u64> {
    let shards = reply["Shards"].as_array().unwrap();
    let id = |shard: &Value| {
        shard["ShardId"].as_str().unwrap()["shardId-".len()..]
            .parse()
            .unwrap()
    };
    shards.iter().map(id).collect()
}

#[tokio::test]
async fn a_closed_shard_drains_and_then_names_its_children() {
    let fixture = Fixture::with_stream(1).await;
    fixture.put("k", "before").await;
    let iterator = fixture
        .iterator(FIRST_SHARD, "TRIM_HORIZON", json!({}))
        .await;
    split(&fixture).await;
    let reply = fixture.read(&iterator).await;
    assert_eq!(data(&reply), ["before"]);
    assert_eq!(reply["NextShardIterator"], Value::Null);
    let children = reply["ChildShards"].as_array().unwrap();
    assert_eq!(children.len(), 2);
    assert_eq!(children[0]["ParentShards"], json!([FIRST_SHARD]));
    assert_eq!(children[1]["HashKeyRange"]["StartingHashKey"], HALF);
}

#[tokio::test]
async fn puts_after_a_split_land_on_the_children_with_higher_numbers() {
    let fixture = Fixture::with_stream(1).await;
    let before = fixture.put("k", "before").await;
    split(&fixture).await;
    let after = fixture.ok("PutRecord", record("k", "after")).await;
    assert_ne!(after["ShardId"], FIRST_SHARD);
    assert!(after["SequenceNumber"].as_str().unwrap() > before.as_str());
}

#[tokio::test]
async fn merged_shards_have_one_child_with_two_parents() {
    let fixture = Fixture::with_stream(2).await;
    let request = json!({"StreamName": "orders", "ShardToMerge": FIRST_SHARD, "AdjacentShardToMerge": "shardId-000000000001"});
    fixture.ok("MergeShards", request.clone()).await;
    let shards = fixture
        .ok("ListShards", json!({"StreamName": "orders"}))
        .await;
    assert_eq!(shards["Shards"][2]["ParentShardId"], FIRST_SHARD);
    assert_eq!(
        shards["Shards"][2]["AdjacentParentShardId"],
        "shardId-000000000001"
    );
    assert_ne!(
        shards["Shards"][0]["SequenceNumberRange"]["EndingSequenceNumber"],
        Value::Null
    );
    assert_eq!(
        fixture.refused("MergeShards", request).await,
        "InvalidArgumentException"
    );
}

#[tokio::test]
async fn shards_that_are_not_adjacent_cannot_be_merged() {
    let fixture = Fixture::with_stream(3).await;
    let request = json!({"StreamName": "orders", "ShardToMerge": FIRST_SHARD, "AdjacentShardToMerge": "shardId-000000000002"});
    assert_eq!(
        fixture.refused("MergeShards", request).await,
        "InvalidArgumentException"
    );
}

#[tokio::test]
async fn filters_tell_open_shards_from_closed_ones() {
    let fixture = Fixture::with_stream(1).await;
    split(&fixture).await;
    let cases = [
        (json!({"Type": "AT_LATEST"}), vec![1, 2]),
        (json!({"Type": "FROM_TRIM_HORIZON"}), vec![0, 1, 2]),
        (json!({"Type": "AT_TRIM_HORIZON"}), vec![0]),
        (
            json!({"Type": "AFTER_SHARD_ID", "ShardId": "shardId-000000000001"}),
            vec![2],
        ),
        (
            json!({"Type": "FROM_TIMESTAMP", "Timestamp": 1}),
            vec![0, 1, 2],
        ),
    ];
    for (filter, expected) in cases {
        let reply = fixture
            .ok(
                "ListShards",
                json!({"StreamName": "orders", "ShardFilter": filter}),
            )
            .await;
        assert_eq!(shard_ids(&reply), expected, "{filter}");
    }
}

#[tokio::test]
async fn the_shard_count_scales_evenly_and_within_its_limits() {
    let fixture = Fixture::with_stream(3).await;
    let update = |target: u32| json!({"StreamName": "orders", "TargetShardCount": target, "ScalingType": "UNIFORM_SCALING"});
    for target in [5, 4, 2, 3] {
        fixture.ok("UpdateShardCount", update(target)).await;
        let open = json!({"StreamName": "orders", "ShardFilter": {"Type": "AT_LATEST"}});
        let reply = fixture.ok("ListShards", open).await;
        let ranges = reply["Shards"]
            .as_array()
            .unwrap()
            .iter()
            .map(|shard| shard["HashKeyRange"].clone());
        let mut starts: Vec<u128> = ranges
            .map(|range| range["StartingHashKey"].as_str().unwrap().parse().unwrap())
            .collect();
        starts.sort_unstable();
        let size = u128::MAX / u128::from(target) + u128::from(target.is_power_of_two());
        let expected: Vec<u128> = (0..u128::from(target)).map(|part| part * size).collect();
        assert_eq!(starts, expected, "{target} shards");
    }
    for target in [1, 7] {
        assert_eq!(
            fixture.refused("UpdateShardCount", update(target)).await,
            "InvalidArgumentException"
        );
    }
}

#[tokio::test]
async fn closing_a_shard_wakes_its_readers_and_those_of_the_list() {
    let fixture = Fixture::with_stream(1).await;
    let records = fixture.arrivals.records("orders", FIRST_SHARD);
    let shards = fixture.arrivals.shards("orders");
    split(&fixture).await;
    assert_eq!((*records.borrow(), *shards.borrow()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn closed_shards_are_forgotten_after_retention() {
    let fixture = Fixture::with_stream(1).await;
    fixture.put("k", "before").await;
    split(&fixture).await;
    tokio::time::advance(Duration::from_secs(24 * 60 * 60 + 1)).await;
    let reply = fixture
        .ok("ListShards", json!({"StreamName": "orders"}))
        .await;
    assert_eq!(shard_ids(&reply), [1, 2]);
    fixture.kinesis.engine.sweep();
    assert_eq!(fixture.kinesis.memory(), 0);
}

#[tokio::test]
async fn on_demand_streams_cannot_be_resharded_by_hand() {
    let fixture = Fixture::new().await;
    let request = json!({"StreamName": "orders", "StreamModeDetails": {"StreamMode": "ON_DEMAND"}});
    fixture.ok("CreateStream", request).await;
    let request =
        json!({"StreamName": "orders", "ShardToSplit": FIRST_SHARD, "NewStartingHashKey": "5"});
    assert_eq!(
        fixture.refused("SplitShard", request).await,
        "ValidationException"
    );
}
