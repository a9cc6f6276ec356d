use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::json;

use super::fixture::{FIRST_SHARD, Fixture, data};
use crate::{FsyncPolicy, Kinesis, OpenError, Options, arrivals::Arrivals};

fn on_disk(directory: &Path) -> Options {
    Options {
        data_dir: Some(directory.to_owned()),
        ..Options::default()
    }
}

async fn with_stream(directory: &Path, shards: u32) -> Fixture {
    let fixture = Fixture::with(on_disk(directory)).await;
    fixture
        .ok(
            "CreateStream",
            json!({"StreamName": "orders", "ShardCount": shards}),
        )
        .await;
    fixture
}

fn stream_folder(directory: &Path) -> PathBuf {
    let folders = fs::read_dir(directory.join("kinesis")).unwrap();
    let mut folders = folders.map(|entry| entry.unwrap().path());
    folders.find(|path| path.is_dir()).unwrap()
}

fn log_file(directory: &Path) -> PathBuf {
    let shards = fs::read_dir(stream_folder(directory))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let shard = shards.filter(|path| path.is_dir()).min().unwrap();
    fs::read_dir(shard).unwrap().next().unwrap().unwrap().path()
}

#[tokio::test]
async fn streams_and_records_outlive_the_engine() {
    let directory = tempfile::tempdir().unwrap();
    let fixture = with_stream(directory.path(), 1).await;
    let first = fixture.put("k", "one").await;
    let tags = json!({"StreamName": "orders", "Tags": {"a": "1"}});
    fixture.ok("AddTagsToStream", tags).await;
    let described = fixture
        .ok("DescribeStream", json!({"StreamName": "orders"}))
        .await;
    let iterator = fixture
        .iterator(FIRST_SHARD, "TRIM_HORIZON", json!({}))
        .await;
    drop(fixture);

    let fixture = Fixture::with(on_disk(directory.path())).await;
    assert_eq!(
        fixture
            .ok("DescribeStream", json!({"StreamName": "orders"}))
            .await,
        described
    );
    let second = fixture.put("k", "two").await;
    assert!(second > first);
    assert_eq!(data(&fixture.read(&iterator).await), ["one", "two"]);
}

#[tokio::test]
async fn resharding_outlives_the_engine() {
    let directory = tempfile::tempdir().unwrap();
    let fixture = with_stream(directory.path(), 2).await;
    fixture.put("k", "before").await;
    let request = json!({"StreamName": "orders", "ShardToMerge": FIRST_SHARD, "AdjacentShardToMerge": "shardId-000000000001"});
    fixture.ok("MergeShards", request).await;
    fixture.put("k", "after").await;
    let shards = fixture
        .ok("ListShards", json!({"StreamName": "orders"}))
        .await;
    drop(fixture);

    let fixture = Fixture::with(on_disk(directory.path())).await;
    assert_eq!(
        fixture
            .ok("ListShards", json!({"StreamName": "orders"}))
            .await,
        shards
    );
    assert_eq!(fixture.contents("shardId-000000000002").await, ["after"]);
    fixture.put("k", "later").await;
}

#[tokio::test]
async fn only_a_torn_tail_is_dropped() {
    let directory = tempfile::tempdir().unwrap();
    let fixture = with_stream(directory.path(), 1).await;
    fixture.put("k", "whole").await;
    let good = fs::metadata(log_file(directory.path())).unwrap().len();
    fixture.put("k", "torn").await;
    drop(fixture);
    let path = log_file(directory.path());
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();

    let fixture = Fixture::with(on_disk(directory.path())).await;
    assert_eq!(fixture.contents(FIRST_SHARD).await, ["whole"]);
    assert_eq!(fs::metadata(&path).unwrap().len(), good);
    fixture.put("k", "next").await;
    drop(fixture);
    let fixture = Fixture::with(on_disk(directory.path())).await;
    assert_eq!(fixture.contents(FIRST_SHARD).await, ["whole", "next"]);
}

#[tokio::test]
async fn damage_before_the_tail_stops_the_start_and_names_the_byte() {
    let directory = tempfile::tempdir().unwrap();
    let fixture = with_stream(directory.path(), 1).await;
    for _ in 0..3 {
        fixture.put("k", "data").await;
    }
    drop(fixture);
    let path = log_file(directory.path());
    let mut bytes = fs::read(&path).unwrap();
    bytes[12] ^= 1;
    fs::write(&path, bytes).unwrap();
    let error = Kinesis::open(on_disk(directory.path()), Arrivals::default())
        .await
        .unwrap_err();
    assert!(
        matches!(error, OpenError::Damaged { offset: 0, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_data_directory_has_one_engine() {
    let directory = tempfile::tempdir().unwrap();
    let _fixture = with_stream(directory.path(), 1).await;
    let error = Kinesis::open(on_disk(directory.path()), Arrivals::default())
        .await
        .unwrap_err();
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
}

#[tokio::test]
async fn a_deleted_stream_stays_deleted() {
    let directory = tempfile::tempdir().unwrap();
    let fixture = with_stream(directory.path(), 1).await;
    fixture.put("k", "data").await;
    fixture
        .ok("DeleteStream", json!({"StreamName": "orders"}))
        .await;
    drop(fixture);
    let fixture = Fixture::with(on_disk(directory.path())).await;
    assert_eq!(
        fixture.ok("ListStreams", json!({})).await["StreamNames"],
        json!([])
    );
}

#[tokio::test]
async fn puts_under_fsync_always_share_flushes() {
    let directory = tempfile::tempdir().unwrap();
    let fixture = Fixture::with(Options {
        fsync: FsyncPolicy::Always,
        ..on_disk(directory.path())
    })
    .await;
    fixture
        .ok(
            "CreateStream",
            json!({"StreamName": "orders", "ShardCount": 1}),
        )
        .await;
    let mut puts = tokio::task::JoinSet::new();
    for n in 0..20 {
        let kinesis = std::sync::Arc::clone(&fixture.kinesis);
        let fixture = Fixture {
            kinesis,
            arrivals: Arrivals::default(),
        };
        puts.spawn(async move { fixture.put("k", &n.to_string()).await });
    }
    let mut numbers = puts.join_all().await;
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), 20);
}

#[tokio::test(start_paused = true)]
async fn the_files_of_trimmed_records_are_deleted() {
    let directory = tempfile::tempdir().unwrap();
    let fixture = with_stream(directory.path(), 1).await;
    let large = "x".repeat(1_000_000);
    for _ in 0..10 {
        fixture.put("k", &large).await;
    }
    tokio::time::advance(std::time::Duration::from_secs(24 * 60 * 60 + 1)).await;
    fixture.put("k", "new").await;
    let path = log_file(directory.path());
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    drop(fixture);
    let fixture = Fixture::with(on_disk(directory.path())).await;
    assert_eq!(fixture.contents(FIRST_SHARD).await.last().unwrap(), "new");
}

#[tokio::test]
async fn the_logs_of_a_stream_without_a_description_are_kept() {
    let directory = tempfile::tempdir().unwrap();
    let fixture = with_stream(directory.path(), 1).await;
    fixture.put("k", "data").await;
    drop(fixture);
    let content = fs::read(log_file(directory.path())).unwrap();
    fs::remove_file(stream_folder(directory.path()).join("stream.json")).unwrap();

    let fixture = with_stream(directory.path(), 1).await;
    assert_eq!(fixture.contents(FIRST_SHARD).await, Vec::<String>::new());
    let kept = fs::read_dir(directory.path().join("kinesis")).unwrap();
    let mut kept = kept.map(|entry| entry.unwrap().path());
    let lost = kept.find(|path| path.extension().is_some_and(|end| end == "lost"));
    let shard = fs::read_dir(lost.unwrap())
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let log = fs::read_dir(shard).unwrap().next().unwrap().unwrap().path();
    assert_eq!(fs::read(log).unwrap(), content);
}

#[tokio::test]
async fn streams_whose_names_differ_in_case_have_folders_that_differ_in_more() {
    let directory = tempfile::tempdir().unwrap();
    let fixture = with_stream(directory.path(), 1).await;
    let create = json!({"StreamName": "Orders", "ShardCount": 1});
    fixture.ok("CreateStream", create).await;
    let folders = fs::read_dir(directory.path().join("kinesis")).unwrap();
    let mut names: Vec<_> = folders
        .map(|entry| entry.unwrap().file_name().to_str().unwrap().to_lowercase())
        .filter(|name| name.starts_with("orders"))
        .collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 2, "{names:?}");
}

/// As version 0.1.0 laid it out: one folder for each name.
#[tokio::test]
async fn a_stream_in_a_folder_of_its_plain_name_is_still_opened() {
    let directory = tempfile::tempdir().unwrap();
    let fixture = with_stream(directory.path(), 1).await;
    fixture.put("k", "data").await;
    drop(fixture);
    let folder = stream_folder(directory.path());
    fs::rename(&folder, folder.with_file_name("orders.stream")).unwrap();

    let fixture = Fixture::with(on_disk(directory.path())).await;
    assert_eq!(fixture.contents(FIRST_SHARD).await, ["data"]);
    fixture.put("k", "more").await;
}
