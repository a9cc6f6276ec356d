//! Observes a mapping, for counts, latencies and tests.

use std::time::Duration;

use super::{batch::Prepared, retry_state::Discarded, source::Record, target::Reply};

/// An invocation that has returned.
#[derive(Debug)]
pub struct Invoked<'a> {
    /// The mapping's name.
    pub mapping: &'a str,
    /// The shard's id.
    pub shard: &'a str,
    /// The records of the event.
    pub records: &'a [Prepared],
    /// How many of them, from the first on, are processed.
    pub done: usize,
    /// From sending the event to its reply.
    pub elapsed: Duration,
    /// The outcome.
    pub reply: &'a Reply,
}

/// Sees every invocation, every discarded batch and every record that is filtered out. The mapping waits for these
/// methods: they must not block.
pub trait Observer: Send + Sync {
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
}

/// Observes nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoObserver;

impl Observer for NoObserver {}
