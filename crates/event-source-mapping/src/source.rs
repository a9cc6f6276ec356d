//! What a mapping needs of Kinesis.

use async_trait::async_trait;
use bytes::Bytes;
use time::OffsetDateTime;

use super::settings::StartingPosition;

/// A record as `GetRecords` gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place in the shard: a decimal of many digits.
    pub sequence_number: String,
    /// What decided its shard.
    pub partition_key: String,
    /// Its data.
    pub data: Bytes,
    /// When Kinesis took it.
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

/// What one read gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The records, in order.
    pub records: Vec<Record>,
    /// Where to go on; none where the shard is closed and read to its end.
    pub next_iterator: Option<String>,
    /// How far behind the shard's newest record this read was, milliseconds.
    pub millis_behind_latest: i64,
}

/// Why Kinesis gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// A shard iterator lives for five minutes.
    #[error("the shard iterator has expired")]
    ExpiredIterator,
    /// The records after a checkpoint, or the shard itself, are no longer kept.
    #[error("{0}")]
    Trimmed(String),
    /// Everything else; it is tried again.
    #[error("{0}")]
    Unavailable(String),
}

impl SourceError {
    /// What a refusal of Kinesis with this code means to a reader.
    #[must_use]
    pub fn of(code: Option<&str>, reason: String) -> Self {
        match code {
            Some("ExpiredIteratorException") => Self::ExpiredIterator,
            Some("InvalidArgumentException" | "ResourceNotFoundException") => Self::Trimmed(reason),
            _ => Self::Unavailable(reason),
        }
    }
}

/// One stream.
#[async_trait]
pub trait Source: Send + Sync {
    /// Every shard that still has records to read (`ListShards`).
    async fn shards(&self) -> Result<Vec<Shard>, SourceError>;

    /// An iterator at `position` of `shard` (`GetShardIterator`).
    async fn iterator(&self, shard: &str, position: &Position) -> Result<String, SourceError>;

    /// At most `limit` records at `iterator` (`GetRecords`).
    async fn records(&self, iterator: &str, limit: u32) -> Result<Page, SourceError>;
}
