//! Sees what is put, for a page or a test that shows it.

use std::{fmt, sync::Arc};

use bytes::Bytes;

/// A record that was put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutRecord {
    /// The shard's id.
    pub shard: Arc<str>,
    /// Its sequence number in the shard.
    pub sequence_number: String,
    /// The key that selected its shard.
    pub partition_key: String,
    /// Its data.
    pub data: Bytes,
}

/// Sees what an engine does. Puts wait for these methods: they must not block.
pub trait Observer: Send + Sync {
    /// Whether anybody wants [`Observer::records_put`]. Without, records are not copied for
    /// it.
    fn wants_records(&self) -> bool {
        true
    }

    /// One call has put records in a stream. Its readers are not woken yet.
    fn records_put(&self, stream: &str, records: Vec<PutRecord>) {
        let _ = (stream, records);
    }

    /// The list of a stream's shards has changed: the stream was created, deleted or
    /// resharded.
    fn shards_changed(&self, stream: &str) {
        let _ = stream;
    }
}

/// The observer of an engine, if it has one.
#[derive(Clone, Default)]
pub struct Observed(Option<Arc<dyn Observer>>);

impl Observed {
    /// Tells `observer`.
    #[must_use]
    pub fn by(observer: Arc<dyn Observer>) -> Self {
        Self(Some(observer))
    }

    pub(crate) fn get(&self) -> Option<&dyn Observer> {
        self.0.as_deref()
    }
}

impl fmt::Debug for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let observed = if self.0.is_some() { "yes" } else { "no" };
        f.debug_tuple("Observed").field(&observed).finish()
    }
}
