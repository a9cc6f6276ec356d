//! `producer` as a program: what it prints, and its exit code.

// A test says what is wrong by stopping.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    process::{ExitStatus, Stdio},
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use tokio::{
    process::{Child, Command},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

/// A stream that is deleted after `takes` requests.
struct Stream {
    takes: usize,
    requests: AtomicUsize,
    /// Gets a message for each request.
    seen: UnboundedSender<()>,
}

impl Respond for Stream {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let _ = self.seen.send(());
        if self.requests.fetch_add(1, SeqCst) >= self.takes {
            return ResponseTemplate::new(400).set_body_json(json!({
                "__type": "ResourceNotFoundException",
                "message": "Stream model-one under account 000000000000 not found.",
            }));
        }
        let request: Value = request.body_json().unwrap();
        let records = request["Records"].as_array().unwrap().iter();
        let results: Vec<Value> = records
            .map(|_| json!({ "SequenceNumber": "1", "ShardId": "shardId-000000000000" }))
            .collect();
        ResponseTemplate::new(200)
            .set_body_json(json!({ "FailedRecordCount": 0, "Records": results }))
    }
}

/// A Kinesis endpoint, and a message for each request to it.
async fn kinesis(takes: usize) -> (MockServer, UnboundedReceiver<()>) {
    let (seen, requests) = unbounded_channel();
    let stream = Stream {
        takes,
        requests: AtomicUsize::new(0),
        seen,
    };
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(stream).mount(&server).await;
    (server, requests)
}

fn producer(endpoint: &str, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_producer"))
        .args(["--output", "json"])
        .args(arguments)
        .env_clear()
        .env("KINESIS_STREAM_NAME", "model-one")
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "local")
        .env("AWS_SECRET_ACCESS_KEY", "local")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// The exit status, the report and the standard error of a producer that ends.
async fn end(producer: Child) -> (ExitStatus, Value, String) {
    let output = producer.wait_with_output().await.unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    let report = serde_json::from_slice(&output.stdout);
    (output.status, report.unwrap_or(Value::Null), error)
}

#[tokio::test]
async fn a_stream_deleted_midway_still_gives_a_report_of_the_records_written() {
    let (server, _requests) = kinesis(2).await;
    let producer = producer(&server.uri(), &["--records", "5000"]);
    let (status, report, error) = end(producer).await;
    assert_eq!(status.code(), Some(1), "{error}");
    assert_eq!(report["asked"], 5000, "{report}");
    assert_eq!(report["written"], 1000);
    assert_eq!(report["failed"], 500, "the batch that Kinesis refused");
    assert_eq!(report["partial"], true);
    assert!(error.contains("model-one does not exist"), "{error}");
}

#[tokio::test]
async fn a_missing_stream_still_gives_a_json_report() {
    let (server, _requests) = kinesis(0).await;
    let producer = producer(&server.uri(), &["--records", "10"]);
    let (status, report, error) = end(producer).await;
    assert_eq!(status.code(), Some(1), "{error}");
    assert_eq!(report["written"], 0, "{report}");
    assert_eq!(report["failed"], 10);
}

#[tokio::test]
async fn sigint_and_sigterm_give_a_partial_report() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let (server, mut requests) = kinesis(usize::MAX).await;
        let arguments = ["--records", "1000000", "--rate", "100"];
        let producer = producer(&server.uri(), &arguments);
        requests.recv().await.unwrap();
        let pid = i32::try_from(producer.id().unwrap()).unwrap();
        kill(Pid::from_raw(pid), signal).unwrap();
        let (status, report, error) = end(producer).await;
        assert_eq!(status.code(), Some(130), "{signal}: {error}");
        assert_eq!(report["partial"], true, "{report}");
        assert_eq!(report["failed"], 0);
        assert!(report["written"].as_u64() >= Some(1), "{report}");
    }
}

#[tokio::test]
async fn each_thread_writes_the_requested_number_of_records() {
    let (server, _requests) = kinesis(usize::MAX).await;
    let arguments = ["--records", "10", "--threads", "3"];
    let (status, report, error) = end(producer(&server.uri(), &arguments)).await;
    assert!(status.success(), "{error}");
    assert_eq!(report["asked"], 30);
    assert_eq!(report["written"], 30);
}

#[tokio::test]
async fn bad_arguments_are_named_and_exit_with_code_2() {
    for (arguments, named) in [
        (["--rate", "0"], "--rate"),
        (["--rate", "-1"], "--rate"),
        (["--rate", "NaN"], "--rate"),
        (["--threads", "0"], "--threads"),
        (["--records", "0"], "--records"),
        (["--records", "18446744073709551615"], "--records"),
        (["--stream", ""], "--stream"),
    ] {
        // Nothing listens there: the program must refuse before it connects.
        let producer = producer("http://127.0.0.1:1", &arguments);
        let (status, _, error) = end(producer).await;
        assert_eq!(status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(named), "{arguments:?}: {error}");
    }
}
