//! Observes a mapping, for counts, latencies, a terminal and tests.

use std::time::Duration;

use super::{
    batch::Prepared, queue::message::Message, retry_state::Discarded, settlement::DiscardedBatch,
    source::Record, target::Reply,
};

/// The log target of the lines that say what an observer sees too: whoever shows what an
/// observer sees may filter them out.
pub const LOG_TARGET: &str = "event_source_mapping::outcome";

/// An invocation that has returned.
#[derive(Debug)]
pub struct Invoked<'a> {
    /// The mapping's name.
    pub mapping: &'a str,
    /// The shard's id.
    pub shard: &'a str,
    /// The id that the target got for the invocation.
    pub request_id: &'a str,
    /// Whether the invocation retried records.
    pub retry: bool,
    /// The records of the event.
    pub records: &'a [Prepared],
    /// How many of them, from the first on, are processed.
    pub done: usize,
    /// From sending the event to its reply.
    pub elapsed: Duration,
    /// The outcome.
    pub reply: &'a Reply,
}

/// An invocation that is about to be sent.
#[derive(Debug)]
pub struct Invoking<'a> {
    /// The mapping's name.
    pub mapping: &'a str,
    /// The shard's id.
    pub shard: &'a str,
    /// The id that the target gets for the invocation.
    pub request_id: &'a str,
    /// Whether the invocation retries records.
    pub retry: bool,
    /// The records of the event.
    pub records: &'a [Prepared],
}

/// An invocation with messages of a queue that has returned.
#[derive(Debug)]
pub struct MessagesInvoked<'a> {
    /// The mapping's name.
    pub mapping: &'a str,
    /// The queue's name.
    pub queue: &'a str,
    /// The id that the target got for the invocation.
    pub request_id: &'a str,
    /// The messages of the event.
    pub messages: &'a [&'a Message],
    /// The indices of those that are not processed, and stay in the queue.
    pub failed: &'a [usize],
    /// From sending the event to its reply.
    pub elapsed: Duration,
    /// The outcome.
    pub reply: &'a Reply,
}

/// Why the poller of a shard ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShardEnd {
    /// The shard is closed and all of it is processed.
    Processed,
    /// The stream no longer lists the shard.
    Gone,
    /// The stream was deleted and created again.
    Recreated,
    /// The poller panicked. It starts again at the checkpoint.
    Panicked,
    /// The mapping is stopping.
    Stopped,
}

/// Sees what a mapping does. The mapping waits for these methods: they must not block.
pub trait Observer: Send + Sync {
    /// Records of a mapping's shard were read (`GetRecords`). They are not filtered yet.
    fn read(&self, mapping: &str, shard: &str, records: &[Record]) {
        let _ = (mapping, shard, records);
    }

    /// The function is about to be invoked.
    fn invoking(&self, invoking: &Invoking<'_>) {
        let _ = invoking;
    }

    /// The function was invoked.
    fn invoked(&self, invoked: &Invoked<'_>) {
        let _ = invoked;
    }

    /// A record of a mapping's shard was filtered out.
    fn filtered(&self, mapping: &str, shard: &str, record: &Record) {
        let _ = (mapping, shard, record);
    }

    /// Records of a mapping's shard were discarded.
    fn discarded(&self, mapping: &str, shard: &str, records: &[Prepared], discarded: &Discarded) {
        let _ = (mapping, shard, records, discarded);
    }

    /// The same batch, as [`Observer::discarded`] reports it, by its sequence numbers, and
    /// the location of its invocation record if it could be written.
    fn batch_discarded(&self, batch: &DiscardedBatch, invocation_record: Option<&str>) {
        let _ = (batch, invocation_record);
    }

    /// An invocation failed, and the shard waits for `wait` before the next one. `failures`
    /// counts the failed ones in a row.
    fn retrying(&self, mapping: &str, shard: &str, failures: u32, wait: Duration) {
        let _ = (mapping, shard, failures, wait);
    }

    /// A poller starts to read a shard.
    fn shard_opened(&self, mapping: &str, shard: &str) {
        let _ = (mapping, shard);
    }

    /// The function was invoked with messages of a queue.
    fn messages_invoked(&self, invoked: &MessagesInvoked<'_>) {
        let _ = invoked;
    }

    /// A message of a mapping's queue was filtered out.
    fn message_filtered(&self, mapping: &str, message: &Message) {
        let _ = (mapping, message);
    }

    /// The poller of a shard has ended.
    fn shard_closed(&self, mapping: &str, shard: &str, why: ShardEnd) {
        let _ = (mapping, shard, why);
    }
}

/// Observes nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoObserver;

impl Observer for NoObserver {}
