//! Where a mapping reads its records: the [`Source`] trait.

use async_trait::async_trait;
use bytes::Bytes;
use time::OffsetDateTime;

/// A record as `GetRecords` returns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Orders the shard's records: a decimal of many digits.
    pub sequence_number: String,
    /// Decided its shard.
    pub partition_key: String,
    /// Its data.
    pub data: Bytes,
    /// When Kinesis accepted it (`ApproximateArrivalTimestamp`).
    pub arrived: OffsetDateTime,
}

/// A shard and the shards it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// Such as `shardId-000000000000`.
    pub id: String,
    /// The shard it was split from, or the two that were merged into it.
    pub parents: Vec<String>,
}

/// `StartingPosition`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartingPosition {
    /// The oldest record that the stream keeps.
    TrimHorizon,
    /// Records that arrive after the mapping's start.
    Latest,
    /// `StartingPositionTimestamp`: records that arrived then or later.
    AtTimestamp(OffsetDateTime),
}

/// Where reading a shard begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Position {
    /// Where the mapping's `StartingPosition` says.
    Starting(StartingPosition),
    /// At the record of this sequence number.
    At(String),
    /// After the record of this sequence number.
    After(String),
}

/// The result of one read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The records, in order.
    pub records: Vec<Record>,
    /// The next read's iterator; `None` when the shard is closed and read to its end.
    pub next_iterator: Option<String>,
    /// How far behind the shard's newest record this read was, milliseconds.
    pub millis_behind_latest: i64,
}

/// Why a request to Kinesis failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// A shard iterator expires five minutes after it is returned.
    #[error("the shard iterator has expired")]
    ExpiredIterator,
    /// Kinesis refuses the iterator, the position or the shard
    /// (`InvalidArgumentException`, `ResourceNotFoundException`): after
    /// `GetShardIterator`, the position is trimmed or the shard does not exist; after
    /// `GetRecords`, a new iterator may still work.
    #[error("{0}")]
    Refused(String),
    /// Everything else; the mapping retries.
    #[error("{0}")]
    Unavailable(String),
}

impl SourceError {
    /// The error that Kinesis reports with this code.
    #[must_use]
    pub fn of(code: Option<&str>, reason: String) -> Self {
        match code {
            Some("ExpiredIteratorException") => Self::ExpiredIterator,
            Some("InvalidArgumentException" | "ResourceNotFoundException") => Self::Refused(reason),
            _ => Self::Unavailable(reason),
        }
    }
}

/// One stream.
#[async_trait]
pub trait Source: Send + Sync {
    /// When the stream was created (`DescribeStreamSummary`,
    /// `StreamCreationTimestamp`). It tells a stream from an earlier one of the same
    /// name, whose checkpoints mean nothing in it. `None` when it is not known now.
    async fn created(&self) -> Option<OffsetDateTime> {
        None
    }

    /// Every shard that may still have records to read (`ListShards`).
    async fn shards(&self) -> Result<Vec<Shard>, SourceError>;

    /// An iterator at `position` of `shard` (`GetShardIterator`).
    async fn iterator(&self, shard: &str, position: &Position) -> Result<String, SourceError>;

    /// At most `limit` records at `iterator` (`GetRecords`).
    async fn records(&self, iterator: &str, limit: u32) -> Result<Page, SourceError>;
}
