//! `CloudWatch` Logs through the gateway.

use std::time::Duration;

use lambda_host::LogStreams as _;
use local::aws::logs::FunctionLogs;
use logs_engine::Clock;
use serde_json::{Value, json};

use super::{apis, call};

async fn ask(apis: &local::aws::apis::AwsApis, operation: &str, request: Value) -> Value {
    let target = format!("Logs_20140328.{operation}");
    let (status, body) = call(apis, Some(&target), &request.to_string()).await;
    assert_eq!(status, 200, "{body}");
    body
}

#[tokio::test]
async fn a_function_s_stream_is_read_over_http() {
    let apis = apis(None).await;
    let clock = Clock::system();
    let streams = FunctionLogs::new(&apis.logs, &clock);
    let stream = streams.open("/aws/lambda/orders", "2026/01/31/[$LATEST]0f");
    stream.write("START RequestId: 1 Version: $LATEST\n");
    stream.write_line(r#"{"level":"ERROR"}"#);

    let groups = ask(&apis, "DescribeLogGroups", json!({})).await;
    assert_eq!(groups["logGroups"][0]["logGroupName"], "/aws/lambda/orders");
    let request = json!({
        "logGroupName": "/aws/lambda/orders",
        "filterPattern": r#"{ $.level = "ERROR" }"#,
    });
    let found = ask(&apis, "FilterLogEvents", request).await;
    assert_eq!(found["events"][0]["message"], "{\"level\":\"ERROR\"}\n");
    assert_eq!(found["events"].as_array().unwrap().len(), 1);
    let stream = &found["events"][0]["logStreamName"];
    assert_eq!(stream, "2026/01/31/[$LATEST]0f");
}

#[test]
fn the_time_of_streams_moves_with_the_clock() {
    let logs = logs_engine::Logs::new(logs_engine::Options::default());
    let clock = Clock::system();
    let streams = FunctionLogs::new(&logs, &clock);
    let before = streams.now();
    clock.advance(Duration::from_hours(24));
    assert!(streams.now() - before >= Duration::from_hours(24));
}
