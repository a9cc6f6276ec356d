//! A record on its way to a stream.

use std::time::Duration;

/// A record that a load writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Decides its shard: 1 to 256 characters (API reference, `PutRecord`).
    pub partition_key: String,
    /// Its data.
    pub data: Vec<u8>,
    /// How long after the first record of its recording it arrived; `None` for a record
    /// that was not recorded.
    pub after: Option<Duration>,
}

impl Record {
    /// A record that was not recorded.
    #[must_use]
    pub fn new(partition_key: impl Into<String>, data: Vec<u8>) -> Self {
        Self {
            partition_key: partition_key.into(),
            data,
            after: None,
        }
    }

    /// Its bytes in a `PutRecords` request, as the limits count them: data and partition
    /// key.
    #[must_use]
    pub(crate) fn bytes(&self) -> usize {
        self.data.len() + self.partition_key.len()
    }
}
