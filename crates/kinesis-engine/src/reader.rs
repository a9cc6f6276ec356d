//! Reading records in this process: `GetRecords` without a request.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    ThrottledRecords,
    engine::{Engine, sequence::SequenceNumber, shard::shard_id},
    error::KinesisError,
    operations::get_records::{self, Throughput},
};

/// Reads records of one engine.
#[derive(Debug, Clone)]
pub struct Reader(Arc<Engine>);

/// The result of one read (API reference, `GetRecords`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The records, in order.
    pub records: Vec<Record>,
    /// The next shard iterator; `None` at the end of a closed shard.
    pub next_iterator: Option<String>,
    /// Milliseconds behind the tip of the shard (`MillisBehindLatest`).
    pub millis_behind_latest: u64,
}

/// A record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Increases within the shard; 56 decimal digits.
    pub sequence_number: String,
    /// The key that selected its shard.
    pub partition_key: String,
    /// Its data, shared with the shard.
    pub data: Bytes,
    /// When it arrived, milliseconds since the Unix epoch.
    pub arrival: u64,
}

/// A shard of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// Its id.
    pub id: String,
    /// The shard that was split, or the first of two merged.
    pub parent: Option<String>,
    /// The second of two merged.
    pub adjacent_parent: Option<String>,
    /// Whether it takes records.
    pub open: bool,
}

impl Reader {
    /// The names of the streams, in order.
    #[must_use]
    pub fn streams(&self) -> Vec<String> {
        let streams = self.0.streams().into_iter();
        streams.map(|stream| stream.name.clone()).collect()
    }

    /// The records that the shards of a stream have refused since the engine was opened:
    /// none without [`Options::enforce_limits`](crate::Options::enforce_limits).
    #[must_use]
    pub fn throttled(&self, stream: &str) -> ThrottledRecords {
        let stream = self.0.stream(Some(stream), None);
        stream.map_or_else(
            |_| ThrottledRecords::default(),
            |stream| stream.throttled.counted(),
        )
    }

    /// The shards that `ListShards` lists; none for a stream that does not exist.
    #[must_use]
    pub fn shards(&self, stream: &str) -> Vec<Shard> {
        let Ok(stream) = self.0.stream(Some(stream), None) else {
            return Vec::new();
        };
        let shards = self.0.listed_shards(&stream).into_iter();
        let shards = shards.map(|shard| Shard {
            id: shard.id.clone(),
            parent: shard.parent.map(shard_id),
            adjacent_parent: shard.adjacent_parent.map(shard_id),
            open: shard.closing().is_none(),
        });
        shards.collect()
    }

    pub(super) fn of(engine: &Arc<Engine>) -> Self {
        Self(engine.clone())
    }

    /// At most `limit` records at `iterator`. The read uses none of the shard's five reads a
    /// second: who is told of each put would use them up.
    ///
    /// # Errors
    ///
    /// As `GetRecords` of the API.
    pub fn records(&self, iterator: &str, limit: u32) -> Result<Page, KinesisError> {
        let read = get_records::read(
            &self.0,
            iterator,
            Some(limit.into()),
            None,
            Throughput::Dedicated,
        )?;
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
