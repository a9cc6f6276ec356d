//! Who watches a mapping: counts, latencies, tests.

use std::time::Duration;

use super::{batch::Prepared, retry_state::Discarded, target::Reply};

/// One invocation, as the mapping saw it.
#[derive(Debug)]
pub struct Invoked<'a> {
    /// The mapping's name.
    pub mapping: &'a str,
    /// The shard's id.
    pub shard: &'a str,
    /// The records that the event held.
    pub records: &'a [Prepared],
    /// How many of them, from the first on, are done.
    pub done: usize,
    /// From sending the event to its answer.
    pub elapsed: Duration,
    /// How it ended.
    pub reply: &'a Reply,
}

/// Sees what a mapping does. Its methods are called on the way: they must not
/// block.
pub trait Observer: Send + Sync {
    /// The function was invoked.
    fn invoked(&self, invoked: &Invoked<'_>) {
        let _ = invoked;
    }

    /// Records of `shard` were given up, `reply` being the last one to them.
    fn discarded(&self, mapping: &str, shard: &str, records: &[Prepared], discarded: &Discarded) {
        let _ = (mapping, shard, records, discarded);
    }
}

/// Watches nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoObserver;

impl Observer for NoObserver {}
