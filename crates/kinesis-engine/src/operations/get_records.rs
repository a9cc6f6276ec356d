//! `GetRecords`.

use std::borrow::Cow;

use aws_wire::format::null_is_default;
use serde::{Deserialize, Serialize, Serializer, ser::SerializeSeq};

use super::shapes::ChildShard;
use aws_wire::{blob::Blob, timestamp::Timestamp};

use crate::{
    engine::{
        Engine,
        batch::{Batch, Window},
        iterator::ShardIterator,
        sequence::SequenceNumber,
        shard::Shard,
    },
    error::KinesisError,
    validation::Constraints,
};

/// Records in one reply at most, and unless the request says otherwise (API
/// reference, `GetRecords`, `Limit`).
const MAX_RECORDS: i64 = 10_000;
/// Bytes of keys and data in one reply at most (API reference).
const MAX_BYTES: usize = 10 * 1024 * 1024;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Request {
    #[serde(default, deserialize_with = "null_is_default")]
    shard_iterator: String,
    limit: Option<i64>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    records: Records,
    /// Absent once a closed shard has been read to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_shard_iterator: Option<String>,
    millis_behind_latest: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    child_shards: Option<Vec<ChildShard>>,
}

/// The result of a read, before it is written in any format.
pub(crate) struct Read {
    /// The records.
    pub records: Records,
    /// The next shard iterator; `None` at the end of a closed shard.
    pub next_iterator: Option<String>,
    /// `MillisBehindLatest`.
    pub millis_behind_latest: u64,
    children: Option<Vec<ChildShard>>,
}

/// Reads from a shard iterator, and returns the next one.
pub(crate) async fn get_records(engine: &Engine, request: Request) -> Result<Reply, KinesisError> {
    let stream_arn = request.stream_arn.as_deref();
    let (iterator, limit) = (&request.shard_iterator, request.limit);
    let read = read(engine, iterator, limit, stream_arn, Throughput::Shared)?;
    Ok(Reply {
        records: read.records,
        next_shard_iterator: read.next_iterator,
        millis_behind_latest: read.millis_behind_latest,
        child_shards: read.children,
    })
}

/// Whose throughput a read uses (developer guide, "Developing enhanced fan-out consumers").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Throughput {
    /// The shard's five reads and 2 MiB a second, which its consumers share.
    Shared,
    /// The consumer's own.
    Dedicated,
}

/// As [`get_records`], for readers in this process.
pub(crate) fn read(
    engine: &Engine,
    iterator: &str,
    limit: Option<i64>,
    stream_arn: Option<&str>,
    throughput: Throughput,
) -> Result<Read, KinesisError> {
    let mut constraints = Constraints::default();
    constraints.length("shardIterator", iterator, 1, 512);
    constraints.range("limit", limit, 1, MAX_RECORDS);
    constraints.finish()?;
    let iterator = ShardIterator::unseal(iterator, engine.clock().millis())?;
    let stream = engine.readable(Some(&iterator.stream), stream_arn)?;
    let topology = stream.topology();
    let shard = topology
        .shard(iterator.shard)
        .filter(|shard| shard.opened == iterator.opened)
        .ok_or_else(|| {
            KinesisError::ResourceNotFound(format!(
                "The shard of this iterator is no longer in stream {}",
                stream.name
            ))
        })?;
    let window = Window {
        from: iterator.index,
        limit: usize::try_from(limit.unwrap_or(MAX_RECORDS)).unwrap_or(0),
        bytes: MAX_BYTES,
    };
    let mut now = engine.moment(&stream);
    now.limited &= throughput == Throughput::Shared;
    let batch = shard
        .read(window, now)
        .map_err(|_| KinesisError::ThroughputExceeded(engine.rate_exceeded(&stream, shard)))?;
    let next = ShardIterator {
        index: batch.next(),
        issued: now.millis(),
        ..iterator
    };
    let children = batch
        .ended
        .as_ref()
        // The topology may be older than the shard's end.
        .map(|children| ChildShard::of(&stream.topology(), children));
    Ok(Read {
        next_iterator: match children {
            Some(_) => None,
            None => Some(next.seal()?),
        },
        millis_behind_latest: batch.behind(now.millis()),
        children,
        records: Records::new(shard, batch),
    })
}

/// The records of a batch, written straight from where the shard keeps them.
#[derive(Debug)]
pub(crate) struct Records {
    /// The sequence number of the first.
    pub start: SequenceNumber,
    /// The records.
    pub batch: Batch,
}

impl Records {
    /// The records that were read from `shard`.
    pub(crate) fn new(shard: &Shard, batch: Batch) -> Self {
        Self {
            start: shard.sequence(batch.first),
            batch,
        }
    }
}

impl Serialize for Records {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let records = &self.batch.records;
        let mut list = serializer.serialize_seq(Some(records.len()))?;
        for (record, index) in records.iter().zip(self.start.index..) {
            list.serialize_element(&RecordReply {
                sequence_number: SequenceNumber {
                    index,
                    ..self.start
                },
                approximate_arrival_timestamp: Timestamp::from_millis(record.arrival),
                data: Blob(Cow::Borrowed(record.data())),
                partition_key: record.partition_key(),
                encryption_type: "NONE",
            })?;
        }
        list.end()
    }
}

/// `Record`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct RecordReply<'a> {
    sequence_number: SequenceNumber,
    approximate_arrival_timestamp: Timestamp,
    data: Blob<'a>,
    partition_key: &'a str,
    encryption_type: &'static str,
}
