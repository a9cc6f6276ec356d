//! What the parts of one mapping share.

use std::sync::Arc;

use movable_clock::Clock;
use tokio_util::sync::CancellationToken;

use super::{
    backoff::Backoff, checkpoint::Checkpoints, destination::Destination, observer::Observer,
    poll_trigger::PollTrigger, settings::Settings, source::Source, status::Status, target::Target,
};

/// The options of a mapping, and its connections to everything outside it.
#[derive(Clone)]
pub struct MappingContext {
    /// The mapping's name, for messages.
    pub name: String,
    /// Its options.
    pub settings: Settings,
    /// The stream's ARN.
    pub stream_arn: String,
    /// The stream's region.
    pub region: String,
    /// The stream.
    pub source: Arc<dyn Source>,
    /// The function.
    pub target: Arc<dyn Target>,
    /// How far each shard is.
    pub checkpoints: Checkpoints,
    /// Observes invocations and discarded batches.
    pub observer: Arc<dyn Observer>,
    /// The status of each shard.
    pub status: Status,
    /// The on-failure destination: gets the invocation records of discarded batches.
    pub failures: Arc<dyn Destination>,
    /// Decides when to read again.
    pub poll_trigger: Arc<dyn PollTrigger>,
    /// The waits between attempts.
    pub backoff: Backoff,
    /// The time of day that ages, batching windows and tumbling windows are measured by.
    pub clock: Clock,
    /// Cancelled when the mapping is to stop: invocations under way are finished.
    pub stop: CancellationToken,
}
