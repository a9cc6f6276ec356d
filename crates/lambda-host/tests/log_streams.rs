//! What an execution environment writes to its log stream.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use lambda_host::{Function, FunctionConfig, LogFormat, LogStream, LogStreams};
use serde_json::Value;
use time::OffsetDateTime;

/// Streams by name, with their events.
#[derive(Default)]
struct Streams(Mutex<BTreeMap<String, Events>>);

type Events = Arc<Mutex<Vec<String>>>;

struct Stream(Events);

impl LogStreams for Streams {
    fn now(&self) -> OffsetDateTime {
        // 2023-11-14T22:13:20Z
        OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap()
    }

    fn open(&self, group: &str, stream: &str) -> Box<dyn LogStream> {
        let events = Events::default();
        let name = format!("{group} {stream}");
        self.0.lock().unwrap().insert(name, events.clone());
        Box::new(Stream(events))
    }
}

impl LogStream for Stream {
    fn write(&self, event: &str) {
        self.0.lock().unwrap().push(event.to_owned());
    }
}

impl Streams {
    /// The name and the events of the only stream.
    fn only(&self) -> (String, Vec<String>) {
        let streams = self.0.lock().unwrap();
        assert_eq!(streams.len(), 1);
        let (name, events) = streams.iter().next().unwrap();
        (name.clone(), events.lock().unwrap().clone())
    }
}

fn function(config: FunctionConfig) -> (Function, Arc<Streams>) {
    let streams = Arc::new(Streams::default());
    let function = Function::new(config, Arc::new(|_| {}));
    (function.kept_in(streams.clone()), streams)
}

/// The events with the numbers of durations and memory left out.
fn shape(events: &[String]) -> Vec<String> {
    let without = |event: &String| {
        let mut shape = String::new();
        for part in event.split_inclusive([' ', '\t', '\n']) {
            let number = part.trim_end().parse::<f64>().is_ok();
            shape.push_str(if number { "N " } else { part });
        }
        shape
    };
    events.iter().map(without).collect()
}

#[tokio::test]
async fn every_invocation_has_its_lines_between_start_and_end() {
    let script = r#"echo init; while next; do echo "one of $id"; echo "two of $id" >&2; respond '{}' >/dev/null; done"#;
    let (function, streams) = function(support::config(script));
    let mut ids = Vec::new();
    for _ in 0..20 {
        let invoked = function.invoke(Bytes::from_static(b"{}")).await;
        ids.push(invoked.request_id);
    }
    let (name, events) = streams.only();
    let (group, stream) = name.split_once(' ').unwrap();
    assert_eq!(group, "/aws/lambda/function");
    let hex = stream.strip_prefix("2023/11/14/[$LATEST]").unwrap();
    assert!(hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()));

    let mut events = events.into_iter();
    assert_eq!(
        events.next().unwrap(),
        "INIT_START Runtime Version: provided:al2023\t\
         Runtime Version ARN: arn:aws:lambda:us-east-1::runtime:local\n"
    );
    assert_eq!(events.next().unwrap(), "init\n");
    for (number, id) in ids.iter().enumerate() {
        assert_eq!(
            events.next().unwrap(),
            format!("START RequestId: {id} Version: $LATEST\n")
        );
        // Two pipes have no order between each other.
        let mut lines = [events.next().unwrap(), events.next().unwrap()];
        lines.sort();
        assert_eq!(lines, [format!("one of {id}\n"), format!("two of {id}\n")]);
        assert_eq!(events.next().unwrap(), format!("END RequestId: {id}\n"));
        let report = events.next().unwrap();
        let start = format!("REPORT RequestId: {id}\tDuration: ");
        assert!(report.starts_with(&start), "{report}");
        assert!(report.contains(" ms\tMemory Size: 128 MB\t"), "{report}");
        assert_eq!(
            report.contains("Max Memory Used: "),
            cfg!(target_os = "linux")
        );
        assert_eq!(report.contains("Init Duration: "), number == 0, "{report}");
    }
    assert_eq!(events.next(), None);
    function.shut_down().await;
}

#[tokio::test]
async fn a_time_out_and_an_exit_are_named_before_end() {
    let mut config = support::config("while next; do echo hello; sleep 60; done");
    config.timeout = Duration::from_millis(500);
    let (function, streams) = function(config);
    let id = function.invoke(Bytes::from_static(b"{}")).await.request_id;
    let events = shape(&streams.only().1[1..]);
    assert_eq!(
        events[0],
        format!("START RequestId: {id} Version: $LATEST\n")
    );
    assert_eq!(events[1], "hello\n");
    assert_eq!(
        events[2],
        format!("2023-11-14T22:13:20Z {id} Task timed out after N seconds\n")
    );
    assert_eq!(events[3], format!("END RequestId: {id}\n"));
    assert!(events[4].ends_with("Status: timeout\n"), "{events:?}");

    let (function, streams) = self::function(support::config("next; echo bye; exit 3"));
    let id = function.invoke(Bytes::from_static(b"{}")).await.request_id;
    let events = streams.only().1;
    assert_eq!(events[2], "bye\n");
    assert_eq!(
        events[3],
        format!(
            "RequestId: {id} Error: Runtime exited with error: exit status: 3\nRuntime.ExitError\n"
        )
    );
    assert_eq!(events[4], format!("END RequestId: {id}\n"));
    let status = "Status: error\tError Type: Runtime.ExitError\n";
    assert!(events[5].ends_with(status), "{events:?}");
}

#[tokio::test]
async fn a_failed_init_is_reported() {
    let (function, streams) = function(support::config("echo broken; exit 1"));
    function.invoke(Bytes::from_static(b"{}")).await;
    let events = shape(&streams.only().1);
    assert_eq!(events[1], "broken\n");
    assert_eq!(
        events[2],
        "INIT_REPORT Init Duration: N ms\tPhase: init\tStatus: error\tError Type: Runtime.ExitError\n"
    );
}

#[tokio::test]
async fn json_format_writes_platform_events_and_tells_the_runtime() {
    let script = r#"while next; do echo "$AWS_LAMBDA_LOG_FORMAT $AWS_LAMBDA_LOG_GROUP_NAME $AWS_LAMBDA_LOG_STREAM_NAME"; respond '{}' >/dev/null; done"#;
    let config = FunctionConfig {
        log_format: LogFormat::Json,
        log_group: Some("mine".to_owned()),
        ..support::config(script)
    };
    let (function, streams) = function(config);
    let id = function.invoke(Bytes::from_static(b"{}")).await.request_id;
    let (name, events) = streams.only();
    assert_eq!(events[2], format!("JSON {name}\n"));
    let event = |at: usize| serde_json::from_str::<Value>(&events[at]).unwrap();
    assert_eq!(event(0)["type"], "platform.initStart");
    assert_eq!(event(0)["time"], "2023-11-14T22:13:20Z");
    assert_eq!(event(1)["type"], "platform.start");
    assert_eq!(event(1)["record"]["requestId"], id.as_str());
    let report = event(3);
    assert_eq!(report["type"], "platform.report");
    assert_eq!(report["record"]["status"], "success");
    let metrics = &report["record"]["metrics"];
    assert_eq!(metrics["memorySizeMB"], 128);
    assert!(metrics["durationMs"].is_number() && metrics["initDurationMs"].is_number());
    function.shut_down().await;
}

#[tokio::test]
async fn a_stream_ends_with_its_environment_and_has_its_last_lines() {
    let script = r"trap 'echo bye >&2; exit' TERM; next; respond '{}' >/dev/null; while :; do sleep 0.01; done";
    let (function, streams) = function(support::config(script));
    function.invoke(Bytes::from_static(b"{}")).await;
    function.shut_down().await;
    assert_eq!(streams.only().1.last().unwrap(), "bye\n");
    drop(function);
    let ended = || {
        let streams = streams.0.lock().unwrap();
        // Only the map of this test has the events then.
        streams
            .values()
            .all(|events| Arc::strong_count(events) == 1)
    };
    support::eventually("the stream has ended", ended).await;
}

#[tokio::test]
async fn lines_joined_by_carriage_returns_are_one_event() {
    let script = r#"while next; do printf 'Traceback\r  File "a"\rKeyError\n'; respond '{}' >/dev/null; done"#;
    let (function, streams) = function(support::config(script));
    function.invoke(Bytes::from_static(b"{}")).await;
    assert_eq!(streams.only().1[2], "Traceback\n  File \"a\"\nKeyError\n");
    function.shut_down().await;
}
