//! Shard iterators: a position in a shard, valid for five minutes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    moment::Moment,
    sequence::SequenceNumber,
    shard::Shard,
    token::{LIFETIME, seal, unseal},
};
use aws_wire::timestamp::Timestamp;

use crate::error::KinesisError;

/// Where a reader starts (API reference, `GetShardIterator`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum StartingPoint {
    /// At the record with a sequence number.
    AtSequenceNumber,
    /// Right after the record with a sequence number.
    AfterSequenceNumber,
    /// At the oldest record kept.
    TrimHorizon,
    /// After the newest record: the next put is seen.
    Latest,
    /// At the first record that arrived at a time or later.
    AtTimestamp,
}

/// The content of a shard iterator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ShardIterator {
    /// The stream's name.
    pub stream: String,
    /// The shard's number.
    pub shard: u64,
    /// When the shard was opened: tells a stream from its namesake.
    pub opened: u64,
    /// The index of the next record.
    pub index: u64,
    /// When it was handed out, milliseconds since the Unix epoch.
    pub issued: u64,
}

impl ShardIterator {
    /// The token for this position.
    ///
    /// # Errors
    ///
    /// `InternalFailure` if it cannot be written.
    pub(crate) fn seal(&self) -> Result<String, KinesisError> {
        seal(self)
    }

    /// Reads a token, at `now` in milliseconds since the Unix epoch.
    ///
    /// # Errors
    ///
    /// `InvalidArgumentException` if it is not an iterator, `ExpiredIteratorException` if
    /// it is older than five minutes.
    pub(crate) fn unseal(token: &str, now: u64) -> Result<Self, KinesisError> {
        let iterator: Self = unseal(token)
            .ok_or_else(|| KinesisError::InvalidArgument("Invalid ShardIterator.".to_owned()))?;
        if now.saturating_sub(iterator.issued) > LIFETIME {
            return Err(KinesisError::ExpiredIterator(format!(
                "Iterator expired. The iterator was created at time {} while right now it is {now}, \
                 which is further in the future than the tolerated delay of {LIFETIME} milliseconds.",
                iterator.issued
            )));
        }
        Ok(iterator)
    }
}

/// Finds the index to start reading `shard` from.
///
/// # Errors
///
/// `InvalidArgumentException` if the sequence number or timestamp is missing or
/// unusable.
pub(crate) fn locate(
    shard: &Arc<Shard>,
    point: StartingPoint,
    sequence: Option<&str>,
    timestamp: Option<Timestamp>,
    now: Moment,
) -> Result<u64, KinesisError> {
    let index = || sequence_index(shard, point, sequence);
    match point {
        StartingPoint::TrimHorizon => Ok(shard.oldest(now)),
        StartingPoint::Latest => Ok(shard.next()),
        // The shard's own starting number stands before its first record.
        StartingPoint::AtSequenceNumber => Ok(index()?.max(1)),
        StartingPoint::AfterSequenceNumber => Ok(index()? + 1),
        StartingPoint::AtTimestamp => {
            let timestamp = timestamp.ok_or_else(|| {
                invalid(
                    "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP.",
                )
            })?;
            if timestamp.millis() > now.millis() {
                return Err(invalid(format!(
                    "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. \
                     timestampInMillis: {}, currentTimestampInMillis: {}",
                    timestamp.millis(),
                    now.millis()
                )));
            }
            Ok(shard.at_time(timestamp.millis()))
        }
    }
}

fn sequence_index(
    shard: &Shard,
    point: StartingPoint,
    sequence: Option<&str>,
) -> Result<u64, KinesisError> {
    let text = sequence.ok_or_else(|| {
        invalid(format!(
            "Must specify a starting sequence number for iterator of type {point:?}."
        ))
    })?;
    let number = SequenceNumber::parse(text).filter(|number| {
        let of_this_shard = number.opened == shard.opened && number.shard == shard.number;
        of_this_shard && number.index <= shard.next()
    });
    number.map(|number| number.index).ok_or_else(|| {
        invalid(format!(
            "StartingSequenceNumber {text} used in GetShardIterator on shard {} is invalid: \
             it does not come from this shard.",
            shard.id
        ))
    })
}

fn invalid(message: impl Into<String>) -> KinesisError {
    KinesisError::InvalidArgument(message.into())
}
