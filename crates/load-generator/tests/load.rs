//! A load against an endpoint of the test's own.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::{Arc, Mutex};

use aws_sdk_kinesis::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
};
use load_generator::{
    background::BackgroundLoad,
    feed::Feed,
    load::{self, LoadError, LoadObserver, NoObserver},
    plan::{Pace, Plan},
    record::Record,
    writer::{Mode, Put, WriteError, Writer},
};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

/// A stream that refuses records with certain keys, so many times each.
struct Stream {
    refuses: Mutex<Vec<(&'static str, u32)>>,
    /// Gets the keys of each request.
    requests: mpsc::UnboundedSender<Vec<String>>,
}

impl Respond for Stream {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let request: Value = request.body_json().unwrap();
        let records = request["Records"].as_array().unwrap();
        let keys = records
            .iter()
            .map(|one| one["PartitionKey"].as_str().unwrap());
        let keys: Vec<_> = keys.map(str::to_owned).collect();
        let mut refuses = self.refuses.lock().unwrap();
        let results = keys.iter().map(|key| {
            let refused = refuses.iter_mut().find(|(name, left)| name == key && *left > 0);
            if let Some((_, left)) = refused {
                *left -= 1;
                return json!({ "ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "slow down" });
            }
            json!({ "SequenceNumber": format!("49{key}"), "ShardId": "shardId-000000000000" })
        });
        let results: Vec<_> = results.collect();
        let failed = results
            .iter()
            .filter(|one| one["ErrorCode"].is_string())
            .count();
        self.requests.send(keys).unwrap();
        ResponseTemplate::new(200)
            .set_body_json(json!({ "FailedRecordCount": failed, "Records": results }))
    }
}

async fn stream(
    refuses: &[(&'static str, u32)],
) -> (MockServer, Writer, mpsc::UnboundedReceiver<Vec<String>>) {
    let (requests, seen) = mpsc::unbounded_channel();
    let refuses = Mutex::new(refuses.to_vec());
    let server = MockServer::start().await;
    let responder = Stream { refuses, requests };
    Mock::given(any())
        .respond_with(responder)
        .mount(&server)
        .await;
    let writer = writer(&server);
    (server, writer, seen)
}

fn writer(server: &MockServer) -> Writer {
    let config = aws_sdk_kinesis::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "test"))
        .endpoint_url(server.uri());
    Writer::new(Client::from_conf(config.build()), "orders", Mode::Batches)
}

/// Records with the keys 1, 2, 3, … and this many bytes.
fn numbered(bytes: usize) -> Feed {
    let mut number = 0;
    Feed::made(move || {
        number += 1;
        Record::new(number.to_string(), vec![b'1'; bytes])
    })
}

fn plan(records: u64) -> Plan {
    Plan {
        threads: 1,
        records: Some(records),
        duration: None,
        pace: Pace::Unlimited,
    }
}

/// Remembers what became of each record.
#[derive(Default)]
struct Puts(Mutex<Vec<(String, String, u32)>>);

impl LoadObserver for Puts {
    fn put(&self, record: &Record, put: &Put<'_>) {
        let (end, tries) = match *put {
            Put::Acknowledged {
                sequence_number,
                tries,
                ..
            } => (sequence_number, tries),
            Put::Refused { error, tries } => (error, tries),
        };
        let put = (record.partition_key.clone(), end.to_owned(), tries);
        self.0.lock().unwrap().push(put);
    }
}

#[tokio::test]
async fn only_refused_entries_are_retried_and_ten_times_at_the_most() {
    let (_server, writer, mut seen) = stream(&[("2", 1), ("3", u32::MAX)]).await;
    let puts = Arc::new(Puts::default());
    let stop = CancellationToken::new();
    let done = load::run(&writer, numbered(1).into(), plan(4), puts.clone(), &stop).await;
    assert!(done.error.is_none());
    let report = done.report;
    assert_eq!((report.written, report.failed, report.retries), (3, 1, 10));
    assert!(!report.partial);
    let mut requests = Vec::new();
    while let Ok(keys) = seen.try_recv() {
        requests.push(keys);
    }
    assert_eq!(requests.len(), 10);
    assert_eq!(requests[0], ["1", "2", "3", "4"]);
    assert_eq!(requests[1], ["2", "3"]);
    assert_eq!(requests[2], ["3"]);
    let mut puts = puts.0.lock().unwrap().clone();
    puts.sort();
    let of = |key: &str, end: &str, tries| (key.to_owned(), end.to_owned(), tries);
    let throttled = "ProvisionedThroughputExceededException";
    assert_eq!(
        puts,
        [
            of("1", "491", 1),
            of("2", "492", 2),
            of("3", throttled, 10),
            of("4", "494", 1)
        ]
    );
}

#[tokio::test]
async fn a_request_keeps_the_limits_of_records_and_bytes() {
    for (count, bytes, expected) in [
        (1_200, 1, &[500, 500, 200][..]),
        // With their keys, five would be more than 5 MiB.
        (6, 1024 * 1024, &[4, 2]),
        (2, 6 * 1024 * 1024, &[1, 1]),
    ] {
        let (_server, writer, mut seen) = stream(&[]).await;
        let (observer, stop) = (Arc::new(NoObserver), CancellationToken::new());
        let done = load::run(
            &writer,
            numbered(bytes).into(),
            plan(count),
            observer,
            &stop,
        )
        .await;
        assert_eq!(done.report.written, count);
        let mut sizes = Vec::new();
        while let Ok(keys) = seen.try_recv() {
            sizes.push(keys.len());
        }
        assert_eq!(sizes, expected);
    }
}

#[tokio::test]
async fn a_load_on_its_own_thread_ends_when_it_is_stopped() {
    let (_server, writer, mut seen) = stream(&[]).await;
    let endless = Plan {
        records: None,
        pace: Pace::Rate(50.0),
        threads: 3,
        ..plan(0)
    };
    let feed = Arc::new(numbered(1));
    let load = BackgroundLoad::start(writer, feed, endless, Arc::new(NoObserver)).unwrap();
    let stop = load.stop();
    for _ in 0..5 {
        seen.recv().await.unwrap();
    }
    stop.cancel();
    let report = load.done().await.unwrap().report;
    assert!(report.partial);
    assert!(report.written >= 5, "{report}");
    assert_eq!(report.failed, 0);
}

#[tokio::test]
async fn an_endpoint_that_refuses_everything_ends_the_load() {
    let server = MockServer::start().await;
    let refusal = ResponseTemplate::new(400)
        .set_body_json(json!({ "__type": "AccessDeniedException", "message": "no" }));
    Mock::given(any())
        .respond_with(refusal)
        .mount(&server)
        .await;
    let writer = writer(&server);
    let (observer, stop) = (Arc::new(NoObserver), CancellationToken::new());
    let done = load::run(&writer, numbered(1).into(), plan(1_000), observer, &stop).await;
    let Some(LoadError::Write(WriteError::Refused { stream, reason })) = done.error else {
        unreachable!("{:?}", done.error)
    };
    assert_eq!(stream, "orders");
    assert!(reason.contains("AccessDeniedException"), "{reason}");
    assert_eq!((done.report.written, done.report.failed), (0, 500));
}
