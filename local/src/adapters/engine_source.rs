//! A source that reads records from the engine in this process. Reading records is
//! most of a mapping's traffic, and this way it needs no request.

use async_trait::async_trait;
use event_source_mapping::{
    sdk_source::SdkSource,
    source::{Page, Position, Record, Shard, Source, SourceError},
};
use kinesis_engine::{error::KinesisError, reader::Reader};
use time::OffsetDateTime;

/// A stream whose shards and iterators come through the SDK, and whose records come
/// from the engine itself.
#[derive(Debug, Clone)]
pub struct EngineSource {
    api: SdkSource,
    reader: Reader,
}

impl EngineSource {
    /// The stream of `api`; `reader` belongs to the engine that serves it.
    #[must_use]
    pub fn new(api: SdkSource, reader: Reader) -> Self {
        Self { api, reader }
    }
}

#[async_trait]
impl Source for EngineSource {
    async fn created(&self) -> Option<OffsetDateTime> {
        self.api.created().await
    }

    async fn shards(&self) -> Result<Vec<Shard>, SourceError> {
        self.api.shards().await
    }

    async fn iterator(&self, shard: &str, position: &Position) -> Result<String, SourceError> {
        self.api.iterator(shard, position).await
    }

    async fn records(&self, iterator: &str, limit: u32) -> Result<Page, SourceError> {
        let page = self
            .reader
            .records(iterator, limit)
            .map_err(|error| failed(&error))?;
        let records = page.records.into_iter().map(|record| Record {
            sequence_number: record.sequence_number,
            partition_key: record.partition_key,
            data: record.data,
            arrived: milliseconds(record.arrival),
        });
        Ok(Page {
            records: records.collect(),
            next_iterator: page.next_iterator,
            millis_behind_latest: i64::try_from(page.millis_behind_latest).unwrap_or(i64::MAX),
        })
    }
}

fn milliseconds(since_1970: u64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(since_1970) * 1_000_000)
        .unwrap_or_else(|_| OffsetDateTime::now_utc())
}

fn failed(error: &KinesisError) -> SourceError {
    SourceError::of(Some(error.code()), error.to_string())
}
