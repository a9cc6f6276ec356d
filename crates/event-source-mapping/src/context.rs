//! What the parts of one mapping have in common.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{
    backoff::Backoff, checkpoint::Checkpoints, clock::Clock, destination::Destination,
    observer::Observer, poll_trigger::PollTrigger, settings::Settings, source::Source,
    status::Status, target::Target,
};

/// What all shards of a mapping share: its options and the traits behind which the
/// outside stands.
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
    /// Who watches.
    pub observer: Arc<dyn Observer>,
    /// What each shard is doing.
    pub status: Status,
    /// What gets the records that are given up.
    pub failures: Arc<dyn Destination>,
    /// Says when a read is worth making.
    pub poll_trigger: Arc<dyn PollTrigger>,
    /// Waits between tries.
    pub backoff: Backoff,
    /// The time of day.
    pub clock: Clock,
    /// Cancelled when the mapping is to stop: what is under way is finished.
    pub stop: CancellationToken,
}
