//! Control-plane operations that race each other and puts.

use std::sync::Arc;

use serde_json::{Value, json};

use super::fixture::{Fixture, record};
use crate::Options;

const ROUNDS: usize = 150;

async fn on_disk(directory: &std::path::Path) -> Arc<Fixture> {
    let options = Options {
        data_dir: Some(directory.to_owned()),
        ..Options::default()
    };
    Arc::new(Fixture::with(options).await)
}

fn call(
    fixture: &Arc<Fixture>,
    operation: &'static str,
    request: Value,
) -> tokio::task::JoinHandle<(u16, Value)> {
    let fixture = Arc::clone(fixture);
    tokio::spawn(async move { fixture.call(operation, request).await })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn deleting_a_stream_leaves_its_namesake_that_is_being_created() {
    let directory = tempfile::tempdir().unwrap();
    let fixture = on_disk(directory.path()).await;
    let create = json!({"StreamName": "orders", "ShardCount": 2});
    let name = json!({"StreamName": "orders"});
    for round in 0..ROUNDS {
        fixture.ok("CreateStream", create.clone()).await;
        let delete = call(&fixture, "DeleteStream", name.clone());
        while fixture.call("CreateStream", create.clone()).await.0 != 200 {
            tokio::task::yield_now().await;
        }
        assert_eq!(delete.await.unwrap().0, 200, "round {round}");
        let (status, body) = fixture.call("PutRecord", record("k", "data")).await;
        assert_eq!(status, 200, "round {round}: {body}");
        fixture.call("DeleteStream", name.clone()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn settings_that_change_together_are_all_kept() {
    let directory = tempfile::tempdir().unwrap();
    let fixture = on_disk(directory.path()).await;
    let create = json!({"StreamName": "orders", "ShardCount": 1});
    fixture.ok("CreateStream", create).await;
    for round in 0..ROUNDS / 5 {
        let tag = |n: usize| json!({"StreamName": "orders", "Tags": {format!("{n}"): "x"}});
        let changes: Vec<_> = (0..8)
            .map(|n| call(&fixture, "AddTagsToStream", tag(n)))
            .collect();
        for change in changes {
            assert_eq!(change.await.unwrap().0, 200);
        }
        let name = json!({"StreamName": "orders"});
        let listed = fixture.ok("ListTagsForStream", name).await;
        assert_eq!(listed["Tags"].as_array().unwrap().len(), 8, "round {round}");
        let keys: Vec<_> = (0..8).map(|n| n.to_string()).collect();
        let remove = json!({"StreamName": "orders", "TagKeys": keys});
        fixture.ok("RemoveTagsFromStream", remove).await;
    }
}

/// Creates, deletes, splits, merges and puts at once, then restarts.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stream_survives_create_delete_reshard_and_put_at_once() {
    for round in 0..ROUNDS / 10 {
        let directory = tempfile::tempdir().unwrap();
        let fixture = on_disk(directory.path()).await;
        let create = json!({"StreamName": "orders", "ShardCount": 2});
        fixture.ok("CreateStream", create.clone()).await;
        let mut calls = Vec::new();
        for n in 0..12 {
            calls.push(call(&fixture, "PutRecord", record(&n.to_string(), "data")));
            let count = json!({"StreamName": "orders", "TargetShardCount": 1 + n % 4, "ScalingType": "UNIFORM_SCALING"});
            calls.push(call(&fixture, "UpdateShardCount", count));
            if n % 3 == 0 {
                calls.push(call(
                    &fixture,
                    "DeleteStream",
                    json!({"StreamName": "orders"}),
                ));
                calls.push(call(&fixture, "CreateStream", create.clone()));
            }
        }
        for call in calls {
            let (status, body) = call.await.unwrap();
            assert_ne!(status, 500, "round {round}: {body}");
        }
        fixture.call("CreateStream", create).await;
        fixture.put("last", "data").await;
        let name = json!({"StreamName": "orders"});
        let before = fixture.ok("ListShards", name.clone()).await;
        drop(fixture);
        let fixture = on_disk(directory.path()).await;
        assert_eq!(
            fixture.ok("ListShards", name).await,
            before,
            "round {round}"
        );
        fixture.put("later", "data").await;
    }
}
