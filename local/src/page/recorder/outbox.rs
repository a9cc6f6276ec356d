//! What an exporter takes from the recorder: what has ended since it last did.

use std::collections::VecDeque;

use crate::events::BatchDiscarded;

/// Invocations, and discarded batches, that wait for the exporter at most.
const MOST: usize = 4096;

/// What waits for an exporter, the oldest dropped.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    /// The numbers of invocations, in the order of their end.
    pub(crate) ended: VecDeque<u64>,
    pub(crate) discarded: VecDeque<Discarded>,
    /// Invocations and discarded batches that were dropped.
    pub(crate) dropped: u64,
}

/// A discarded batch.
#[derive(Debug)]
pub(crate) struct Discarded {
    /// When, milliseconds since 1970.
    pub(crate) at: f64,
    /// The last invocation that had one of its records.
    pub(crate) invocation: Option<u64>,
    pub(crate) batch: BatchDiscarded,
}

impl Outbox {
    pub(super) fn ended(&mut self, invocation: u64) {
        self.dropped += u64::from(is_full(&mut self.ended));
        self.ended.push_back(invocation);
    }

    pub(super) fn discarded(&mut self, at: f64, invocation: Option<u64>, batch: &BatchDiscarded) {
        self.dropped += u64::from(is_full(&mut self.discarded));
        self.discarded.push_back(Discarded {
            at,
            invocation,
            batch: batch.clone(),
        });
    }
}

/// Makes room for one. Returns whether the oldest was dropped for it.
fn is_full<T>(waiting: &mut VecDeque<T>) -> bool {
    waiting.len() >= MOST && waiting.pop_front().is_some()
}
