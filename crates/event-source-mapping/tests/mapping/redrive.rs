//! Redriving a discarded batch.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use event_source_mapping::{
    Clock,
    destination::{Destination, FailureFolder},
    redrive::{BatchInfo, RedriveError, function, function_name, redrive},
    target::{Reply, Target},
};
use serde_json::{Value, json};

use crate::stream::Stream;

/// Keeps the events of its invocations, and always replies the same.
struct Recorder {
    reply: Reply,
    events: Mutex<Vec<Value>>,
}

impl Recorder {
    fn new(reply: Reply) -> Self {
        Self {
            reply,
            events: Mutex::default(),
        }
    }
}

#[async_trait]
impl Target for Recorder {
    fn name(&self) -> String {
        "recorder".into()
    }

    async fn invoke(&self, event: Bytes) -> Reply {
        let event = serde_json::from_slice(&event).unwrap();
        self.events.lock().unwrap().push(event);
        self.reply.clone()
    }
}

fn stream() -> Arc<Stream> {
    let stream = Stream::new(Clock::system(), 1, 0, 1);
    for _ in 0..10 {
        stream.put(0, b"{}".to_vec());
    }
    stream
}

/// Of the records from the first to the last, as the invocation record has them.
fn info(first: &str, last: &str) -> BatchInfo {
    let document = json!({ "KinesisBatchInfo": {
        "shardId": "shardId-000000000000",
        "startSequenceNumber": first,
        "endSequenceNumber": last,
        "batchSize": 4,
        "streamArn": "arn:aws:kinesis:us-east-1:000000000000:stream/s",
    }});
    BatchInfo::of(&document).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_redrive_delivers_exactly_the_discarded_records() {
    let target = Recorder::new(Reply::Success(Bytes::new()));
    let delivered = redrive(&*stream(), &target, &info("98", "101"), "us-east-1").await;
    assert_eq!(delivered.unwrap(), ["98", "99", "100", "101"]);
    let events = target.events.lock().unwrap();
    let records = events[0]["Records"].as_array().unwrap();
    let numbers: Vec<_> = records
        .iter()
        .map(|record| record["kinesis"]["sequenceNumber"].as_str().unwrap())
        .collect();
    assert_eq!(numbers, ["98", "99", "100", "101"]);
}

#[tokio::test(start_paused = true)]
async fn a_redrive_fails_when_the_function_fails_again() {
    let partial = |item: &str| {
        let response = json!({ "batchItemFailures": [{ "itemIdentifier": item }] });
        Reply::Success(Bytes::from(response.to_string()))
    };
    for reply in [
        Reply::Throttled,
        partial("99"),
        // As a mapping does, of a response that names no record of the batch.
        partial("1"),
        partial(""),
    ] {
        let target = Recorder::new(reply);
        let delivered = redrive(&*stream(), &target, &info("98", "101"), "us-east-1").await;
        let failed = matches!(delivered, Err(RedriveError::Failed { delivered: 0, .. }));
        assert!(failed, "{delivered:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_redrive_takes_a_response_of_another_form_for_success() {
    for response in ["\"ok\"", "[]", "done", r#"{"statusCode":200}"#] {
        let target = Recorder::new(Reply::Success(Bytes::from_static(response.as_bytes())));
        let delivered = redrive(&*stream(), &target, &info("98", "101"), "us-east-1").await;
        assert_eq!(delivered.unwrap().len(), 4, "{response}");
    }
}

#[tokio::test]
async fn a_batch_is_found_by_its_id_in_its_folder_alone() {
    let root = tempfile::tempdir().unwrap();
    let folder = FailureFolder::new(&root.path().join("failures"));
    assert_eq!(folder.find("7").await.unwrap(), None);
    let kept = json!({ "version": "1.0" });
    folder.keep(&kept).await.unwrap();
    std::fs::write(root.path().join("other.json"), "{}").unwrap();
    std::fs::write(folder.path().join("broken.json"), "{").unwrap();
    let all = folder.list().await.unwrap();
    let [(id, document)] = &all[..] else {
        panic!("{all:?}")
    };
    assert_eq!(folder.find(id).await.unwrap().as_ref(), Some(document));
    let long = "x".repeat(300);
    for id in ["7", "", ".", "..", "../other", "broken", "a\0b", &long] {
        assert_eq!(folder.find(id).await.unwrap(), None, "{id:?}");
    }
}

#[test]
fn the_function_of_an_invocation_record_has_a_name_where_its_arn_is_known() {
    let of = |arn: &str| json!({ "requestContext": { "functionArn": arn } });
    let arn = "arn:aws:lambda:us-east-1:000000000000:function:work";
    assert_eq!(function_name(&of(arn)), Some("work"));
    let url = "http://127.0.0.1:9000/2015-03-31/functions/work/invocations";
    assert_eq!((function(&of(url)), function_name(&of(url))), (url, None));
    assert_eq!(
        (function(&json!({})), function_name(&json!({}))),
        ("", None)
    );
}

#[test]
fn a_document_of_another_form_is_refused() {
    let refused = BatchInfo::of(&json!({ "KinesisBatchInfo": { "shardId": 1 } }));
    assert!(matches!(refused, Err(RedriveError::NoBatch(_))));
}
