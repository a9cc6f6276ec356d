//! Invocation records that go to a queue and to a folder.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::{path::Path, sync::Arc};

use aws_config::SdkConfig;
use aws_wire::DEFAULT_REGION;
use event_source_mapping::{
    destination::{Destination, Destinations, FailureFolder},
    sqs_queue::SqsQueue,
};
use local::{aws::apis::AwsApis, ports};
use loopback_client::sdk_config;
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::header};

const ARN: &str = "arn:aws:sqs:us-east-1:000000000000:discarded-batches";

/// An endpoint with SQS that answers `SendMessage` with `sent`.
async fn endpoint(sent: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    let url = format!("{}/000000000000/discarded-batches", server.uri());
    let found = ResponseTemplate::new(200).set_body_json(json!({ "QueueUrl": url }));
    for (operation, reply) in [("GetQueueUrl", found), ("SendMessage", sent)] {
        let target = format!("AmazonSQS.{operation}");
        let call = Mock::given(header("x-amz-target", target.as_str()));
        call.respond_with(reply).mount(&server).await;
    }
    server
}

fn config(endpoint: &str) -> SdkConfig {
    sdk_config(endpoint, DEFAULT_REGION)
}

/// A mapping's two destinations: the folder and the queue.
fn both(folder: &Path, config: &SdkConfig) -> Destinations {
    let queue = SqsQueue::of_arn(ARN, config).unwrap();
    Destinations(vec![Arc::new(FailureFolder::new(folder)), Arc::new(queue)])
}

fn document() -> Value {
    json!({ "requestContext": { "condition": "RetryAttemptsExhausted" } })
}

async fn in_folder(folder: &Path) -> Vec<Value> {
    let all = FailureFolder::new(folder).list().await.unwrap();
    all.into_iter().map(|(_, document)| document).collect()
}

#[tokio::test]
async fn an_invocation_record_goes_to_the_queue_and_to_the_folder() {
    let sent = ResponseTemplate::new(200).set_body_json(json!({ "MessageId": "1" }));
    let server = endpoint(sent).await;
    let folder = tempfile::tempdir().unwrap();
    let destination = both(folder.path(), &config(&server.uri()));

    for _ in 0..2 {
        let kept_at = destination.keep(&document()).await.unwrap();
        assert!(
            kept_at.ends_with("/000000000000/discarded-batches"),
            "{kept_at}"
        );
    }

    assert_eq!(in_folder(folder.path()).await, [document(), document()]);
    let requests = server.received_requests().await.unwrap();
    let bodies: Vec<Value> = requests
        .iter()
        .map(|request| request.body_json().unwrap())
        .collect();
    assert_eq!(bodies[0], json!({ "QueueName": "discarded-batches" }));
    // One GetQueueUrl for both messages.
    assert_eq!(bodies.len(), 3);
    for body in &bodies[1..] {
        let message = body["MessageBody"].as_str().unwrap();
        let message: Value = serde_json::from_str(message).unwrap();
        assert_eq!(message, document());
    }
}

#[tokio::test]
async fn an_invocation_record_is_kept_in_the_folder_when_the_queue_refuses_it() {
    let gone = json!({ "__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "gone" });
    let server = endpoint(ResponseTemplate::new(400).set_body_json(gone)).await;
    let folder = tempfile::tempdir().unwrap();
    let destination = both(folder.path(), &config(&server.uri()));

    let kept_at = destination.keep(&document()).await.unwrap();

    assert!(!kept_at.contains("discarded-batches"), "{kept_at}");
    assert_eq!(in_folder(folder.path()).await, [document()]);
}

#[tokio::test]
async fn an_invocation_record_is_kept_in_the_folder_when_the_endpoint_has_no_sqs() {
    let listener = ports::listen([127, 0, 0, 1].into(), 0, "--port").await;
    let apis = AwsApis::start(listener.unwrap(), kinesis_engine::Options::default());
    let config = config(&apis.await.unwrap().url());
    let folder = tempfile::tempdir().unwrap();

    let error = SqsQueue::of_arn(ARN, &config).unwrap();
    let error = error.url().await.unwrap_err().to_string();
    assert!(error.starts_with("queue discarded-batches: "), "{error}");

    let kept = both(folder.path(), &config).keep(&document()).await;
    kept.unwrap();
    assert_eq!(in_folder(folder.path()).await, [document()]);
}

#[tokio::test]
async fn the_error_has_every_reason_when_no_destination_takes_a_document() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let config = config("http://127.0.0.1:1");
    let error = both(file.path(), &config).keep(&document()).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("; queue discarded-batches: "), "{error}");
}

#[test]
fn the_arn_of_another_service_is_not_a_queue() {
    let config = config("http://127.0.0.1:1");
    for arn in [
        "arn:aws:sns:us-east-1:000000000000:topic",
        "arn:aws:s3:::bucket",
        "queue",
    ] {
        assert!(SqsQueue::of_arn(arn, &config).is_none(), "{arn}");
    }
}
