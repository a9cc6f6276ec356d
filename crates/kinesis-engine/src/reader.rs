//! Reading records in this process: `GetRecords` without a request.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    engine::{Engine, sequence::SequenceNumber},
    error::KinesisError,
    operations::get_records,
};

/// Reads records of one engine.
#[derive(Debug, Clone)]
pub struct Reader(Arc<Engine>);

/// What one read gave, as the API reference has it for `GetRecords`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The records, in order.
    pub records: Vec<Record>,
    /// Where to go on; none once a closed shard has been read to its end.
    pub next_iterator: Option<String>,
    /// Milliseconds behind the shard's newest record.
    pub millis_behind_latest: u64,
}

/// A record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place in the shard: a decimal of many digits.
    pub sequence_number: String,
    /// What decided its shard.
    pub partition_key: String,
    /// Its data, shared with the shard.
    pub data: Bytes,
    /// When it arrived, milliseconds since the Unix epoch.
    pub arrival: u64,
}

impl Reader {
    pub(super) fn of(engine: &Arc<Engine>) -> Self {
        Self(engine.clone())
    }

    /// At most `limit` records at `iterator`.
    ///
    /// # Errors
    ///
    /// Whatever `GetRecords` refuses.
    pub fn records(&self, iterator: &str, limit: u32) -> Result<Page, KinesisError> {
        let read = get_records::read(&self.0, iterator, Some(limit.into()), None)?;
        let start = read.records.start;
        let records = read.records.batch.records.iter().zip(start.index..);
        let records = records.map(|(record, index)| Record {
            sequence_number: SequenceNumber { index, ..start }.to_string(),
            partition_key: record.partition_key().to_owned(),
            data: record.shared_data(),
            arrival: record.arrival,
        });
        Ok(Page {
            records: records.collect(),
            next_iterator: read.next_iterator,
            millis_behind_latest: read.millis_behind_latest,
        })
    }
}
