//! Records of templates, files and recordings.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{collections::BTreeMap, fs, path::Path};

use load_generator::{
    feed::{Feed, Order},
    files::{FeedError, Files},
    record::Record,
    shape::Shape,
    template::Template,
};
use serde_json::{Value, json};
use time::OffsetDateTime;

fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(1_795_658_400_123_000_000).unwrap()
}

async fn of_template(text: &str, key: Option<&str>, seed: u64, count: usize) -> Vec<Record> {
    let template = Template::parse(text, key).unwrap();
    let feed = Feed::of_template_at(template, Shape::default(), seed, now);
    feed.take(count).await.unwrap()
}

fn document(record: &Record) -> Value {
    serde_json::from_slice(&record.data).unwrap()
}

/// All records of files.
async fn of_files(path: &Path, shape: Shape, order: Order) -> Result<Vec<Record>, FeedError> {
    let feed = Feed::of_files(Files::Path(path.to_owned()), shape, 1, order);
    let mut all = Vec::new();
    loop {
        let records = feed.take(100).await?;
        if records.is_empty() {
            return Ok(all);
        }
        all.extend(records);
    }
}

fn data(records: &[Record]) -> Vec<&str> {
    let data = records.iter();
    data.map(|record| std::str::from_utf8(&record.data).unwrap())
        .collect()
}

#[tokio::test]
async fn placeholders_are_filled_in_and_numbers_stay_numbers() {
    let text = r#"{
        "order": "order-${sequence}", "number": "${sequence}", "at": "${time}",
        "ms": "${time:ms}", "static": [1.50, "a \" b", null], "price": "$${x}",
        "${sequence}": true
    }"#;
    let records = of_template(text, None, 1, 2).await;
    let expected = "{\"order\":\"order-1\",\"number\":1,\"at\":\"2026-11-26T02:00:00.123Z\",\
                    \"ms\":1795658400123,\"static\":[1.50,\"a \\\" b\",null],\"price\":\"${x}\",\"1\":true}";
    assert_eq!(data(&records)[0], expected);
    assert_eq!(document(&records[1])["order"], "order-2");
    assert_eq!(records[0].partition_key.len(), 16, "a random key");
}

#[tokio::test]
async fn random_values_are_in_their_ranges() {
    let text = r#"{"int":"${int:-1..1}","pick":"${pick: red , green}","zipf":"${zipf:10}","hot":"${hot:90%,5}","uuid":"${uuid}","ksuid":"${ksuid}"}"#;
    let records = of_template(text, None, 7, 2_000).await;
    let mut counts: BTreeMap<(&str, String), u32> = BTreeMap::new();
    for record in &records {
        let document = document(record);
        for field in ["int", "pick", "zipf", "hot"] {
            *counts
                .entry((field, document[field].to_string()))
                .or_default() += 1;
        }
        assert_eq!(document["uuid"].as_str().unwrap().len(), 36);
        assert_eq!(document["ksuid"].as_str().unwrap().len(), 27);
    }
    let of = |field: &'static str, value: &str| {
        counts.get(&(field, value.to_owned())).copied().unwrap_or(0)
    };
    let values = |field: &str| counts.keys().filter(|(name, _)| *name == field).count();
    assert_eq!((values("int"), values("pick"), values("hot")), (3, 2, 5));
    assert_eq!(of("pick", "\"red\"") + of("pick", "\"green\""), 2_000);
    assert!(of("hot", "1") > 1_700, "{counts:?}");
    // 1/H(10) of 2,000 is 683.
    assert!((600..780).contains(&of("zipf", "1")), "{counts:?}");
    assert!(of("zipf", "2") > of("zipf", "5"));
}

#[tokio::test]
async fn the_same_seed_gives_the_same_records() {
    let text = r#"{"id":"${ksuid}","other":"${uuid}","amount":"${int:1..1000000}","at":"${time}"}"#;
    let records = of_template(text, Some("/id"), 42, 50).await;
    assert_eq!(records, of_template(text, Some("/id"), 42, 50).await);
    assert_ne!(records, of_template(text, Some("/id"), 43, 50).await);
}

#[tokio::test]
async fn the_partition_key_is_what_the_pointer_leads_to() {
    for (text, pointer) in [
        (r#"{"a":{"id":"x-${uuid}"}}"#, "/a/id"),
        (r#"{"a":["${int:1..1000}"]}"#, "/a/0"),
        (r#"{"a":"\"${sequence}\""}"#, "/a"),
        (r#"{"a":"constant"}"#, "/a"),
        (r#"{"a":12}"#, "/a"),
        (r#""${ksuid}""#, ""),
    ] {
        for record in of_template(text, Some(pointer), 3, 3).await {
            let document = document(&record);
            let value = document.pointer(pointer).unwrap();
            let expected = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            assert_eq!(record.partition_key, expected, "{text}");
        }
    }
}

#[test]
fn a_wrong_template_has_its_line_and_what_is_expected() {
    for (text, key, expected) in [
        ("{\n\"a\": }", None, "2: expected a JSON document"),
        (
            "{\n\"a\":\n\"${color}\"}",
            None,
            "3: unknown placeholder ${color}; expected one of ${sequence}, ",
        ),
        (
            "[\"${int:5..1}\"]",
            None,
            "1: ${int:5..1}: expected the smallest and the largest number, such as ${int:1..100}",
        ),
        (
            "[\"${zipf:0}\"]",
            None,
            "1: ${zipf:0}: expected a number of keys",
        ),
        (
            "[\"${hot:90,10}\"]",
            None,
            "1: ${hot:90,10}: expected the hot key's share",
        ),
        ("[\"${uuid\"]", None, "1: \"${uuid\" has no } after ${"),
        (
            "{\"a\":true}",
            Some("/a"),
            "1: no string or number at /a, the partition key",
        ),
        (
            "{\"a\":1}",
            Some("/b"),
            "1: no string or number at /b, the partition key",
        ),
    ] {
        let error = Template::parse(text, key).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[tokio::test]
async fn each_line_of_a_file_is_a_record_and_a_captured_one_keeps_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("records.jsonl");
    let text = "{\"id\": \"a\"}\n\n  [1, 2]  \n\
        {\"partitionKey\":\"kept\",\"data\":{\"id\":  \"b\"},\"shardId\":\"shardId-0\"}\n\
        {\"partitionKey\":\"bytes\",\"dataBase64\":\"aGk=\"}";
    fs::write(&file, text).unwrap();
    let records = of_files(&file, Shape::default(), Order::Once)
        .await
        .unwrap();
    assert_eq!(
        data(&records),
        ["{\"id\": \"a\"}", "[1, 2]", "{\"id\":  \"b\"}", "hi"]
    );
    assert_eq!(records[2].partition_key, "kept");
    assert_eq!(records[3].partition_key, "bytes");

    let shape = Shape {
        partition_key: Some("/id".to_owned()),
        ..Shape::default()
    };
    let error = of_files(&file, shape, Order::Once).await.unwrap_err();
    let expected = format!(
        "{}:3: no string or number at /id, the partition key",
        file.display()
    );
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn a_folder_has_a_record_in_each_file_and_in_each_line_of_jsonl() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("b.json", "{\n  \"b\": 1\n}\n"),
        ("a.jsonl", "1\n2\n"),
        ("c.txt", "not JSON"),
        (".hidden", "x"),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let shape = Shape::default();
    let records = of_files(folder.path(), shape, Order::Once).await.unwrap();
    assert_eq!(data(&records), ["1", "2", "{\n  \"b\": 1\n}", "not JSON"]);
}

#[tokio::test]
async fn a_file_is_read_again_as_often_as_asked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("records.jsonl");
    fs::write(&file, "1\n2\n").unwrap();
    let feed = Feed::of_files(Files::Path(file), Shape::default(), 1, Order::Again);
    let mut records = Vec::new();
    while records.len() < 5 {
        records.extend(feed.take(5 - records.len()).await.unwrap());
    }
    assert_eq!(data(&records), ["1", "2", "1", "2", "1"]);
}

#[tokio::test]
async fn what_is_no_record_is_an_error_after_the_records_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("records.jsonl");
    fs::write(&file, "1\n2\nnonsense\n").unwrap();
    let feed = Feed::of_files(Files::Path(file.clone()), Shape::default(), 1, Order::Once);
    let mut taken = Vec::new();
    let error = loop {
        match feed.take(10).await {
            Ok(records) => taken.extend(records),
            Err(error) => break error,
        }
    };
    assert_eq!(data(&taken), ["1", "2"]);
    let expected = format!("{}:3: expected a JSON document", file.display());
    assert!(error.to_string().starts_with(&expected), "{error}");

    fs::write(&file, "\n").unwrap();
    let empty = of_files(&file, Shape::default(), Order::Again)
        .await
        .unwrap_err();
    assert_eq!(
        empty.to_string(),
        format!("{} has no records", file.display())
    );
    let plain = of_files(
        &file.with_file_name("nowhere"),
        Shape::default(),
        Order::Once,
    )
    .await;
    assert!(matches!(plain, Err(FeedError::Unreadable { .. })));
}

#[tokio::test]
async fn a_recording_needs_the_times_of_its_records() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("captured.jsonl");
    let line = |second: u32| {
        let at = format!("2026-11-26T03:00:{second:02}Z");
        json!({ "partitionKey": "a", "data": second, "approximateArrivalTimestamp": at })
    };
    fs::write(&file, format!("{}\n{}\n", line(10), line(12))).unwrap();
    let shape = Shape::default();
    let records = of_files(&file, shape.clone(), Order::AsRecorded)
        .await
        .unwrap();
    let after: Vec<_> = records
        .iter()
        .map(|one| one.after.unwrap().as_secs())
        .collect();
    assert_eq!(after, [0, 2]);

    fs::write(&file, "{}\n").unwrap();
    let error = of_files(&file, shape, Order::AsRecorded).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains(":1: expected a record with approximateArrivalTimestamp"),
        "{error}"
    );
}

#[tokio::test]
async fn about_the_given_share_of_records_is_malformed_and_keeps_its_key() {
    let shape = Shape {
        malformed: 0.1,
        size: 64,
        ..Shape::default()
    };
    let template = Template::parse(r#"{"id":"${uuid}"}"#, Some("/id")).unwrap();
    let feed = Feed::of_template(template, shape, 5);
    let records = feed.take(1_000).await.unwrap();
    let is_json = |record: &&Record| serde_json::from_slice::<Value>(&record.data).is_ok();
    let malformed = 1_000 - records.iter().filter(is_json).count();
    assert!((70..130).contains(&malformed), "{malformed}");
    assert!(
        records
            .iter()
            .all(|one| one.data.len() == 64 && one.partition_key.len() == 36)
    );
}
