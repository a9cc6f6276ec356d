//! A stream through the AWS SDK, at any Kinesis endpoint.

use std::time::Duration;

use async_trait::async_trait;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_kinesis::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    primitives::DateTime,
    types::ShardIteratorType,
};
use bytes::Bytes;
use time::OffsetDateTime;

use super::{
    sdk_error,
    source::{Page, Position, Record, Shard, Source, SourceError, StartingPosition},
};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(2);

/// How long one attempt of a request may take: a full page of 10 MB included.
const ATTEMPT: Duration = Duration::from_secs(10);

/// How long a request may take with the SDK's own retries.
const REQUEST: Duration = Duration::from_secs(20);

/// A stream at the SDK's endpoint.
#[derive(Debug, Clone)]
pub struct SdkSource {
    client: Client,
    stream: String,
}

impl SdkSource {
    /// The stream of that name. Requests through it end after 20 s, whatever the
    /// client's own time-outs: an endpoint that never answers shows as an error.
    #[must_use]
    #[allow(
        clippy::needless_pass_by_value,
        reason = "a client is cheap to clone, and the caller's has other time-outs"
    )]
    pub fn new(client: Client, stream: &str) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_attempt_timeout(ATTEMPT)
            .operation_timeout(REQUEST);
        let config = client.config().to_builder();
        let config = config.timeout_config(timeouts.build());
        Self {
            client: Client::from_conf(config.build()),
            stream: stream.to_owned(),
        }
    }
}

#[async_trait]
impl Source for SdkSource {
    async fn created(&self) -> Option<OffsetDateTime> {
        let described = self.client.describe_stream_summary();
        let described = described.stream_name(&self.stream).send().await.ok()?;
        let summary = described.stream_description_summary?;
        // In milliseconds: the protocols carry the fraction as a float. An endpoint
        // that reports no time is read as 1970.
        let milliseconds = summary.stream_creation_timestamp.to_millis().ok()?;
        let created =
            OffsetDateTime::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000);
        created.ok().filter(|_| milliseconds > 0)
    }

    async fn shards(&self) -> Result<Vec<Shard>, SourceError> {
        let mut shards = Vec::new();
        let mut token = None;
        loop {
            // A token names the stream too; naming both is an error.
            let stream = token.is_none().then(|| self.stream.clone());
            let page = self
                .client
                .list_shards()
                .set_stream_name(stream)
                .set_next_token(token)
                .send()
                .await
                .map_err(failed)?;
            shards.extend(page.shards().iter().map(|shard| {
                Shard {
                    id: shard.shard_id().to_owned(),
                    parents: [shard.parent_shard_id(), shard.adjacent_parent_shard_id()]
                        .into_iter()
                        .flatten()
                        .map(str::to_owned)
                        .collect(),
                }
            }));
            token = page.next_token;
            if token.is_none() {
                return Ok(shards);
            }
        }
    }

    async fn iterator(&self, shard: &str, position: &Position) -> Result<String, SourceError> {
        let request = self
            .client
            .get_shard_iterator()
            .stream_name(&self.stream)
            .shard_id(shard);
        let request = match position {
            Position::At(sequence_number) => request
                .shard_iterator_type(ShardIteratorType::AtSequenceNumber)
                .starting_sequence_number(sequence_number),
            Position::After(sequence_number) => request
                .shard_iterator_type(ShardIteratorType::AfterSequenceNumber)
                .starting_sequence_number(sequence_number),
            Position::Starting(StartingPosition::TrimHorizon) => {
                request.shard_iterator_type(ShardIteratorType::TrimHorizon)
            }
            Position::Starting(StartingPosition::Latest) => {
                request.shard_iterator_type(ShardIteratorType::Latest)
            }
            Position::Starting(StartingPosition::AtTimestamp(at)) => request
                .shard_iterator_type(ShardIteratorType::AtTimestamp)
                .timestamp(
                    DateTime::from_nanos(at.unix_timestamp_nanos()).map_err(|error| {
                        SourceError::Unavailable(format!("StartingPositionTimestamp: {error}"))
                    })?,
                ),
        };
        let reply = request.send().await.map_err(failed)?;
        reply
            .shard_iterator
            .ok_or_else(|| SourceError::Unavailable("GetShardIterator gave no iterator".to_owned()))
    }

    async fn records(&self, iterator: &str, limit: u32) -> Result<Page, SourceError> {
        let reply = self
            .client
            .get_records()
            .shard_iterator(iterator)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(failed)?;
        Ok(Page {
            millis_behind_latest: reply.millis_behind_latest.unwrap_or(0),
            next_iterator: reply.next_shard_iterator,
            records: reply.records.into_iter().map(record).collect(),
        })
    }
}

fn record(record: aws_sdk_kinesis::types::Record) -> Record {
    let arrived = record
        .approximate_arrival_timestamp
        .and_then(|at| OffsetDateTime::from_unix_timestamp_nanos(at.as_nanos()).ok());
    Record {
        sequence_number: record.sequence_number,
        partition_key: record.partition_key.unwrap_or_default(),
        data: Bytes::from(record.data.into_inner()),
        arrived: arrived.unwrap_or_else(OffsetDateTime::now_utc),
    }
}

fn failed<E>(error: SdkError<E>) -> SourceError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let code = error.code().map(str::to_owned);
    SourceError::of(code.as_deref(), sdk_error::reason(error))
}
