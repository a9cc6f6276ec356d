//! A mapping in memory, and functions that do what a test says.

use std::{collections::VecDeque, sync::Arc, sync::Mutex, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use event_source_mapping::{
    Clock,
    backoff::Backoff,
    observer::NoObserver,
    queue::{
        context::QueueContext, mapping::QueueMapping, settings::QueueSettings, status::Status,
    },
    target::{ErrorKind, FunctionError, Reply, Target},
};
use serde_json::{Value, json};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::memory::Memory;

pub const VISIBILITY: Duration = Duration::from_secs(30);

/// A queue whose messages go to a dead-letter queue after three receives.
pub fn queue(clock: &Clock) -> Arc<Memory> {
    Memory::new(clock, VISIBILITY, Some(3), 0)
}

/// Starts a mapping of `queue`, a FIFO queue if its messages have groups.
pub fn start(
    clock: &Clock,
    queue: &Arc<Memory>,
    target: Arc<dyn Target>,
    settings: QueueSettings,
    is_fifo: bool,
) -> QueueMapping {
    let suffix = if is_fifo { ".fifo" } else { "" };
    QueueMapping::start(QueueContext {
        name: "mapping".into(),
        settings,
        queue_arn: format!("arn:aws:sqs:us-east-1:000000000000:queue{suffix}"),
        region: "us-east-1".into(),
        queue: queue.clone(),
        target,
        observer: Arc::new(NoObserver),
        status: Status::default(),
        backoff: Backoff::default(),
        clock: clock.clone(),
        stop: CancellationToken::new(),
    })
}

/// A function that keeps its events, takes a while and replies as it is told, at the end
/// with success.
pub struct Function {
    pub events: Mutex<Vec<Value>>,
    pub replies: Mutex<VecDeque<Reply>>,
    pub takes: Duration,
}

impl Function {
    pub fn new(replies: impl IntoIterator<Item = Reply>) -> Arc<Self> {
        Self::taking(Duration::ZERO, replies)
    }

    pub fn taking(takes: Duration, replies: impl IntoIterator<Item = Reply>) -> Arc<Self> {
        Arc::new(Self {
            events: Mutex::default(),
            replies: Mutex::new(replies.into_iter().collect()),
            takes,
        })
    }

    /// The message ids of each event.
    pub fn batches(&self) -> Vec<Vec<String>> {
        let events = self.events.lock().unwrap();
        let ids = |event: &Value| {
            let records = event["Records"].as_array().unwrap().iter();
            let ids = records.map(|record| record["messageId"].as_str().unwrap().to_owned());
            ids.collect()
        };
        events.iter().map(ids).collect()
    }
}

#[async_trait]
impl Target for Function {
    fn name(&self) -> String {
        "arn:aws:lambda:us-east-1:000000000000:function:f".into()
    }

    async fn invoke(&self, event: Bytes) -> Reply {
        let event = serde_json::from_slice(&event).unwrap();
        self.events.lock().unwrap().push(event);
        let reply = self.replies.lock().unwrap().pop_front();
        sleep(self.takes).await;
        reply.unwrap_or_else(ok)
    }
}

pub fn ok() -> Reply {
    Reply::Success(Bytes::from_static(b"null"))
}

pub fn error() -> Reply {
    Reply::FunctionError(FunctionError::new(ErrorKind::Handled, "E", "it fails"))
}

/// A partial batch response.
pub fn failed(ids: &[&str]) -> Reply {
    let failures: Vec<_> = ids
        .iter()
        .map(|id| json!({ "itemIdentifier": id }))
        .collect();
    let response = json!({ "batchItemFailures": failures });
    Reply::Success(Bytes::from(response.to_string()))
}

/// Lets everything happen that is due soon: time is paused, and moves only here.
pub async fn soon() {
    sleep(Duration::from_secs(2)).await;
}
