//! Starts the mappings of queues.

use std::sync::Arc;

use aws_wire::ACCOUNT_ID;
use event_source_mapping::{
    queue::{
        context::QueueContext,
        mapping::QueueMapping,
        sdk_queue::SdkQueue,
        settings::QueueSettings,
        source::{MessageQueue, QueueState},
        status::Status,
    },
    target::Target,
};
use tokio_util::sync::CancellationToken;

use super::Mappings;
use crate::adapters::engine_queue::EngineQueue;

/// The ARN of a queue.
#[must_use]
pub fn queue_arn(region: &str, queue: &str) -> String {
    format!("arn:aws:sqs:{region}:{ACCOUNT_ID}:{queue}")
}

impl Mappings {
    /// Starts a mapping named `name` of the queue `queue`, which invokes `target`. `None`
    /// where there is no SQS.
    #[must_use]
    pub fn start_queue(
        &self,
        name: &str,
        queue: &str,
        settings: &QueueSettings,
        target: Arc<dyn Target>,
    ) -> Option<QueueMapping> {
        Some(QueueMapping::start(QueueContext {
            name: name.to_owned(),
            settings: settings.clone(),
            queue_arn: queue_arn(&self.region, queue),
            region: self.region.clone(),
            queue: self.message_queue(queue)?,
            target,
            observer: self.observer.clone(),
            status: Status::default(),
            backoff: self.backoff,
            clock: self.clock.clone(),
            stop: CancellationToken::new(),
        }))
    }

    /// The state of the queue of this name; `None` where it does not exist.
    pub(crate) async fn queue_state(&self, queue: &str) -> Option<QueueState> {
        self.message_queue(queue)?.state().await.ok()
    }

    fn message_queue(&self, queue: &str) -> Option<Arc<dyn MessageQueue>> {
        if let Some(sqs) = &self.sqs {
            return Some(Arc::new(EngineQueue::new(sqs.clone(), queue)));
        }
        let config = self.queues_at.as_ref()?;
        Some(Arc::new(SdkQueue::new(config, queue)))
    }
}
