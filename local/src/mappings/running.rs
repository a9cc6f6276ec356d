//! A mapping that runs, whatever it reads: the one place that tells kinds of event sources
//! apart while they run.

use event_source_mapping::{
    mapping::{EventSourceMapping, PausedMapping, Watch},
    queue::mapping::{PausedQueueMapping, QueueMapping, QueueWatch},
    settlement::DiscardedBatch,
};

/// A running mapping. Dropping it ends it at once, as in a crash.
pub enum RunningMapping {
    /// Of a Kinesis stream.
    Stream(EventSourceMapping),
    /// Of an SQS queue.
    Queue(QueueMapping),
}

/// A mapping that has stopped and may continue where it stopped.
pub enum Paused {
    /// Of a Kinesis stream.
    Stream(PausedMapping),
    /// Of an SQS queue.
    Queue(PausedQueueMapping),
}

/// A view of a mapping, which does not keep it running.
#[derive(Clone)]
pub enum MappingWatch {
    /// Of a Kinesis stream.
    Stream(Watch),
    /// Of an SQS queue.
    Queue(QueueWatch),
}

impl RunningMapping {
    /// Waits until the mapping delivers what is written from then on.
    pub async fn ready(&self) {
        match self {
            Self::Stream(mapping) => mapping.ready().await,
            Self::Queue(mapping) => mapping.ready().await,
        }
    }

    /// A view of its status.
    #[must_use]
    pub fn watch(&self) -> MappingWatch {
        match self {
            Self::Stream(mapping) => MappingWatch::Stream(mapping.watch()),
            Self::Queue(mapping) => MappingWatch::Queue(mapping.watch()),
        }
    }

    /// Finishes the invocations under way, however long they take, and stops.
    pub async fn pause(self) -> Paused {
        match self {
            Self::Stream(mapping) => Paused::Stream(mapping.pause().await),
            Self::Queue(mapping) => Paused::Queue(mapping.pause().await),
        }
    }

    /// Finishes the invocations under way, in a few seconds, and ends.
    pub async fn stop(self) {
        match self {
            Self::Stream(mapping) => mapping.stop().await,
            Self::Queue(mapping) => mapping.stop().await,
        }
    }
}

impl MappingWatch {
    /// Waits until every record written so far is settled, or the queue is empty; false if
    /// the mapping stops before.
    pub async fn settled(&self) -> bool {
        match self {
            Self::Stream(watch) => watch.settled().await,
            Self::Queue(watch) => watch.settled().await,
        }
    }

    /// The batches discarded after the first `before` ones, and how many there are now. A
    /// mapping of a queue discards none.
    #[must_use]
    pub fn discarded_after(&self, before: u64) -> (Vec<DiscardedBatch>, u64) {
        match self {
            Self::Stream(watch) => watch.discarded_after(before),
            Self::Queue(_) => (Vec::new(), 0),
        }
    }

    /// Whether the last invocation processed all that it got; `None` before the first.
    #[must_use]
    pub fn last_succeeded(&self) -> Option<bool> {
        match self {
            Self::Stream(watch) => watch.last_succeeded(),
            Self::Queue(watch) => watch.last_succeeded(),
        }
    }
}
