//! Reading a shard: request and result, with `MillisBehindLatest`.

use super::record::Record;

/// The reads of a shard are used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Throttled;

/// The part of a shard to read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    /// The index of the first record wanted.
    pub from: u64,
    /// Records at most.
    pub limit: usize,
    /// Bytes of keys and data at most; one record is returned even if it is larger.
    pub bytes: usize,
}

/// The result of a read.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    /// The index of the first of `records`.
    pub first: u64,
    /// The records, sharing their bytes with the shard.
    pub records: Vec<Record>,
    /// When the first unread record arrived, milliseconds since the Unix epoch.
    pub unread_since: Option<u64>,
    /// The children, once a closed shard is read to its end.
    pub ended: Option<Vec<u64>>,
}

impl Batch {
    /// The index to read next.
    #[must_use]
    pub(crate) fn next(&self) -> u64 {
        self.first + self.records.len() as u64
    }

    /// `MillisBehindLatest` after this batch: 0 at the tip of the shard, at
    /// least 1 before it.
    #[must_use]
    pub(crate) fn behind(&self, now: u64) -> u64 {
        self.unread_since
            .map_or(0, |arrival| now.saturating_sub(arrival).max(1))
    }
}
