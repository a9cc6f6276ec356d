//! `PutRecord`.

use serde::{Deserialize, Serialize};

use super::put_records::Entry;
use aws_wire::blob::Blob;

use crate::{
    engine::{Engine, sequence::SequenceNumber, shard::Outcome},
    error::KinesisError,
    validation::Constraints,
};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    data: Option<Blob<'static>>,
    partition_key: Option<String>,
    explicit_hash_key: Option<String>,
    sequence_number_for_ordering: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Reply {
    shard_id: String,
    sequence_number: SequenceNumber,
    encryption_type: &'static str,
}

/// Stores one record.
pub(super) async fn put_record(engine: &Engine, request: Request) -> Result<Reply, KinesisError> {
    let mut constraints = Constraints::default();
    if let Some(number) = &request.sequence_number_for_ordering {
        // A shard's records are always in order.
        constraints.require(
            SequenceNumber::is_well_formed(number),
            "sequenceNumberForOrdering",
            number,
            "satisfy regular expression pattern: 0|([1-9]\\d{0,128})",
        );
    }
    let entry = Entry {
        data: request.data,
        partition_key: request.partition_key,
        explicit_hash_key: request.explicit_hash_key,
    };
    entry.check("", &mut constraints);
    constraints.finish()?;
    let stream = engine.readable(
        request.stream_name.as_deref(),
        request.stream_arn.as_deref(),
    )?;
    entry.check_size(stream.with_settings(|settings| settings.max_record_kib))?;
    let record = (entry.hash_key()?, entry.record());
    let routed = engine.put(&stream, &[record]).await?;
    let record = routed
        .first()
        .ok_or_else(|| KinesisError::Internal("no shard took the record".to_owned()))?;
    match record.outcome {
        Outcome::Stored(sequence_number) => Ok(Reply {
            shard_id: record.shard.id.clone(),
            sequence_number,
            encryption_type: "NONE",
        }),
        Outcome::Throttled(_) => Err(KinesisError::ThroughputExceeded(
            engine.rate_exceeded(&stream, &record.shard),
        )),
    }
}
