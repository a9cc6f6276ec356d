//! The second half of a pipeline: a second function works through what was discarded.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use aws_wire::DEFAULT_REGION;
use bytes::Bytes;
use event_source_mapping::{
    queue::settings::QueueSettings,
    settings::Settings,
    target::{ErrorKind, FunctionError, Reply, Target},
};
use integration_tests::patience::{eventually, same};
use local::{mappings::queues::queue_arn, provision::Provisioner};
use loopback_client::sdk_config;
use sam_template::environment::Queue;
use serde_json::Value;

use crate::{
    endpoint::Running,
    function::{Function, POISON},
    pipeline::Pipeline,
};

/// The on-failure destination, whose messages the second function gets.
const QUEUE: &str = "discarded-for-a-second-function";

/// A function that keeps its messages and fails at the first invocation.
#[derive(Default)]
struct Worker(Mutex<Vec<Value>>);

impl Worker {
    fn messages(&self) -> Vec<Value> {
        let messages = self.0.lock();
        messages.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Target for Worker {
    fn name(&self) -> String {
        "worker".to_owned()
    }

    async fn invoke(&self, event: Bytes) -> Reply {
        let event: Value = serde_json::from_slice(&event).unwrap_or_default();
        let records = event["Records"].as_array().cloned().unwrap_or_default();
        let mut messages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = messages.is_empty();
        messages.extend(records);
        if is_first {
            let error = FunctionError::new(ErrorKind::Handled, "Error", "not yet");
            return Reply::FunctionError(error);
        }
        Reply::Success(Bytes::from_static(b"null"))
    }
}

pub async fn a_poison_record_goes_through_the_queue_to_a_second_function(
    endpoint: &Running,
) -> anyhow::Result<()> {
    if !endpoint.endpoint.offers_sqs() {
        return Ok(());
    }
    let provisioner = Provisioner::new(&sdk_config(&endpoint.url, DEFAULT_REGION));
    // A message on which the second function fails comes again soon.
    let visibility = ("VisibilityTimeout".to_owned(), "1".to_owned());
    let queue = Queue {
        logical_id: "Discarded".to_owned(),
        name: QUEUE.to_owned(),
        attributes: [visibility].into(),
    };
    provisioner.queue(&queue).await?;
    let settings = Settings {
        maximum_retry_attempts: Some(1),
        bisect_batch_on_function_error: true,
        on_failure: Some(queue_arn(DEFAULT_REGION, QUEUE)),
        ..Settings::default()
    };
    let pipeline = Pipeline::create(endpoint, 1, settings).await?;
    let worker = Arc::new(Worker::default());
    let mappings = pipeline.mappings();
    let queue_settings = QueueSettings::default();
    let second = mappings.start_queue("Second", QUEUE, &queue_settings, worker.clone());
    let second = second.ok_or_else(|| anyhow::anyhow!("no SQS"))?;
    let function = Arc::new(Function::that_poison_fails());
    let first = pipeline.start(&function)?;
    let mut written = pipeline.stream.write(3).await?;
    let poison = pipeline.stream.put(&[POISON]).await?;
    written.extend(pipeline.stream.write(3).await?);

    function.has_done(written.len()).await?;
    let watch = second.watch();
    let deleted = || watch.status().deleted;
    eventually("messages processed", deleted, |deleted| *deleted == 1).await?;
    first.stop().await;
    second.stop().await;

    let messages = worker.messages();
    same("deliveries", messages.len(), 2)?;
    let receives = &messages[1]["attributes"]["ApproximateReceiveCount"];
    same("receive count", receives.as_str(), Some("2"))?;
    let body = messages[1]["body"].as_str().unwrap_or_default();
    let record: Value = serde_json::from_str(body)?;
    let number = record["KinesisBatchInfo"]["startSequenceNumber"].as_str();
    let expected = poison[0].sequence_number.as_str();
    same("sequence number", number, Some(expected))?;
    let status = watch.status();
    same("left in the queue", status.returned, 1)
}
