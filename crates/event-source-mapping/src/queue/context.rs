//! What the parts of one queue's mapping share.

use std::{sync::Arc, time::Duration};

use movable_clock::Clock;
use tokio_util::sync::CancellationToken;

use super::{settings::QueueSettings, source::MessageQueue, status::Status};
use crate::{backoff::Backoff, observer::Observer, target::Target};

/// The options of a mapping, and its connections to everything outside it.
#[derive(Clone)]
pub struct QueueContext {
    /// The mapping's name, for messages.
    pub name: String,
    /// Its options.
    pub settings: QueueSettings,
    /// The queue's ARN.
    pub queue_arn: String,
    /// The queue's region.
    pub region: String,
    /// The queue.
    pub queue: Arc<dyn MessageQueue>,
    /// The function.
    pub target: Arc<dyn Target>,
    /// Observes invocations and filtered messages.
    pub observer: Arc<dyn Observer>,
    /// What the mapping is doing.
    pub status: Status,
    /// The waits after throttles and failed requests.
    pub backoff: Backoff,
    /// The time of day that batching windows and visibility timeouts are measured by.
    pub clock: Clock,
    /// Cancelled when the mapping is to stop: invocations under way are finished.
    pub stop: CancellationToken,
}

impl QueueContext {
    /// Whether the queue keeps the order of each message group.
    pub(super) fn is_fifo(&self) -> bool {
        is_fifo(&self.queue_arn)
    }

    /// The queue's name.
    pub(super) fn queue_name(&self) -> &str {
        name_of(&self.queue_arn)
    }

    /// Sleeps for `wait`; false when the mapping stops before.
    pub(super) async fn pause(&self, wait: Duration) -> bool {
        tokio::select! {
            () = tokio::time::sleep(wait) => true,
            () = self.stop.cancelled() => false,
        }
    }
}

/// Whether a queue of this name or ARN is a FIFO queue ("the name of a FIFO queue must
/// end with the .fifo suffix", `CreateQueue`).
#[must_use]
pub fn is_fifo(queue: &str) -> bool {
    queue.strip_suffix(".fifo").is_some()
}

fn name_of(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or(arn)
}
