//! An engine to talk to, on tokio's clock.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use aws_wire::service::{Call, Service};
use axum_core::body::Body;
use durable_files::Disk;
use http::{HeaderMap, HeaderValue};
use movable_clock::Clock;
use proptest::prelude::ProptestConfig;
use serde_json::{Value, json};

use crate::{OpenError, Options, Queue, Receive, Received, SendMessage, Sqs};

pub(super) struct Fixture {
    pub(super) sqs: Arc<Sqs>,
    pub(super) clock: Clock,
}

impl Fixture {
    pub(super) async fn new() -> Self {
        Self::with(Options::default()).await
    }

    pub(super) async fn with(options: Options) -> Self {
        let clock = Clock::tokio();
        let options = Options {
            clock: clock.clone(),
            ..options
        };
        let sqs = Sqs::open(options).await.unwrap();
        Self { sqs, clock }
    }

    /// An engine with its queues in `folder`.
    pub(super) async fn in_folder(folder: &Path) -> Result<Self, OpenError> {
        let options = Options {
            data_dir: Some(folder.to_owned()),
            ..Options::default()
        };
        let clock = options.clock.clone();
        let sqs = Sqs::open(options).await?;
        Ok(Self { sqs, clock })
    }

    /// An engine on a disk of the test's own.
    pub(super) async fn on(disk: Arc<dyn Disk>, options: Options) -> Result<Self, OpenError> {
        let clock = options.clock.clone();
        let sqs = Sqs::open_on(disk, options).await?;
        Ok(Self { sqs, clock })
    }

    pub(super) async fn queue(&self, name: &str, attributes: &[(&str, &str)]) -> Queue {
        let attributes = map(attributes);
        self.sqs.create_queue(name, &attributes).await.unwrap()
    }

    /// A FIFO queue with content-based deduplication.
    pub(super) async fn fifo(&self, attributes: &[(&str, &str)]) -> Queue {
        let mut all = vec![("FifoQueue", "true"), ("ContentBasedDeduplication", "true")];
        all.extend(attributes);
        self.queue("orders.fifo", &all).await
    }

    pub(super) async fn call(&self, operation: &str, request: Value) -> (u16, HeaderMap, Value) {
        let mut headers = HeaderMap::new();
        let json = HeaderValue::from_static("application/x-amz-json-1.0");
        headers.insert("content-type", json);
        headers.insert("host", HeaderValue::from_static("localhost:4566"));
        let call = Call::new(operation, headers, request.to_string());
        let reply = self.sqs.call(call).await.unwrap();
        let (parts, body) = reply.into_parts();
        let body = bytes(body).await;
        let body = if body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&body).unwrap()
        };
        (parts.status.as_u16(), parts.headers, body)
    }

    /// The reply to a call that has to succeed.
    #[track_caller]
    pub(super) fn ok(&self, operation: &str, request: Value) -> impl Future<Output = Value> {
        let what = format!("{operation} {request}");
        let reply = self.call(operation, request);
        async move {
            let (status, _, body) = reply.await;
            assert_eq!(status, 200, "{what}: {body}");
            body
        }
    }

    /// The code, in the query protocol, of the error that a call has to end in.
    pub(super) async fn refused(&self, operation: &str, request: Value) -> String {
        let what = format!("{operation} {request}");
        let (status, headers, body) = self.call(operation, request).await;
        assert!((400..500).contains(&status), "{what}: {status} {body}");
        let code = headers["x-amzn-query-error"].to_str().unwrap();
        code.strip_suffix(";Sender").unwrap().to_owned()
    }

    pub(super) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

pub(super) async fn bytes(body: Body) -> bytes::Bytes {
    use http_body_util::BodyExt as _;
    body.collect().await.unwrap().to_bytes()
}

pub(super) fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// The URL of a queue, as the fixture's calls name it.
pub(super) fn url(name: &str) -> Value {
    json!(format!("http://localhost:4566/000000000000/{name}"))
}

/// A message of a group, without a deduplication id.
pub(super) fn of_group(group: &str, body: &str) -> SendMessage {
    SendMessage {
        group_id: Some(group.to_owned()),
        ..SendMessage::new(body)
    }
}

/// Receives up to ten messages, without waiting.
pub(super) async fn receive(queue: &Queue) -> Vec<Received> {
    let request = Receive {
        max_messages: 10,
        ..Receive::default()
    };
    queue.receive(&request).await.unwrap()
}

pub(super) fn bodies(received: &[Received]) -> Vec<&str> {
    received.iter().map(|one| &*one.message.body).collect()
}

pub(super) async fn send(queue: &Queue, bodies: &[&str]) {
    for body in bodies {
        queue.send(SendMessage::new(*body)).await.unwrap();
    }
}

/// Ready, delayed and in flight, as `GetQueueAttributes` counts them.
pub(super) fn counts(queue: &Queue) -> (usize, usize, usize) {
    let attributes = queue.attributes().unwrap();
    let count = |name: &str| attributes[name].parse().unwrap();
    (
        count("ApproximateNumberOfMessages"),
        count("ApproximateNumberOfMessagesDelayed"),
        count("ApproximateNumberOfMessagesNotVisible"),
    )
}

/// Random histories: `SQS_HISTORIES`, or `usual`.
pub(super) fn histories(usual: u32) -> ProptestConfig {
    let cases = std::env::var("SQS_HISTORIES").ok();
    let cases = cases.and_then(|cases| cases.parse().ok()).unwrap_or(usual);
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

pub(super) fn block_on(history: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(history);
}
