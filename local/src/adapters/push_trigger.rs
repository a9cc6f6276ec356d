//! A trigger that the engine in this process fires, so that the mapping need not
//! poll.

use event_source_mapping::poll_trigger::{PollTrigger, Waiter};
use kinesis_engine::arrivals::Arrivals;

/// Wakes the readers of one stream when the stream gets records or shards.
#[derive(Debug, Clone)]
pub struct PushTrigger {
    arrivals: Arrivals,
    stream: String,
}

impl PushTrigger {
    /// A trigger for `stream`, from the engine's `arrivals`.
    #[must_use]
    pub fn new(arrivals: Arrivals, stream: &str) -> Self {
        Self {
            arrivals,
            stream: stream.to_owned(),
        }
    }
}

impl PollTrigger for PushTrigger {
    fn for_records(&self, shard: &str) -> Waiter {
        Waiter::pushed(self.arrivals.records(&self.stream, shard))
    }

    fn for_shards(&self) -> Waiter {
        Waiter::pushed(self.arrivals.shards(&self.stream))
    }
}
