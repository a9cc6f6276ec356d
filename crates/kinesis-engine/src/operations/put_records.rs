//! `PutRecords`.

use aws_wire::format::null_is_default;
use serde::{Deserialize, Serialize};

use aws_wire::blob::Blob;

use crate::{
    engine::{
        Engine,
        hash_key::HashKey,
        sequence::SequenceNumber,
        shard::{NewRecord, Outcome},
    },
    error::KinesisError,
    validation::Constraints,
};

/// Records in one request at most (API reference).
const MAX_RECORDS: usize = 500;
/// Bytes of keys and data in one request at most (API reference).
const MAX_BYTES: usize = 10 * 1024 * 1024;
/// The largest blob that the API's model allows, bytes.
const MAX_BLOB: usize = 10 * 1024 * 1024;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    #[serde(default, deserialize_with = "null_is_default")]
    records: Vec<Entry>,
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
}

/// `PutRecordsRequestEntry`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Entry {
    pub data: Option<Blob<'static>>,
    pub partition_key: Option<String>,
    pub explicit_hash_key: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Reply {
    failed_record_count: usize,
    records: Vec<EntryReply>,
    encryption_type: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum EntryReply {
    #[serde(rename_all = "PascalCase")]
    Stored {
        shard_id: String,
        sequence_number: SequenceNumber,
    },
    #[serde(rename_all = "PascalCase")]
    Refused {
        error_code: &'static str,
        error_message: String,
    },
}

/// Stores up to 500 records, each or not at all.
pub(super) async fn put_records(engine: &Engine, request: Request) -> Result<Reply, KinesisError> {
    check(&request.records)?;
    let stream = engine.readable(
        request.stream_name.as_deref(),
        request.stream_arn.as_deref(),
    )?;
    let largest = stream.with_settings(|settings| settings.max_record_kib);
    let mut bytes = 0;
    let mut records = Vec::with_capacity(request.records.len());
    for entry in &request.records {
        entry.check_size(largest)?;
        bytes += entry.size();
        records.push((entry.hash_key()?, entry.record()));
    }
    if bytes > MAX_BYTES {
        return Err(KinesisError::InvalidArgument(format!(
            "Records size {bytes} exceeds the limit of {MAX_BYTES} bytes"
        )));
    }
    let routed = engine.put(&stream, &records).await?;
    let replies: Vec<_> = routed
        .into_iter()
        .map(|record| match record.outcome {
            Outcome::Stored(sequence_number) => EntryReply::Stored {
                shard_id: record.shard.id.clone(),
                sequence_number,
            },
            Outcome::Throttled(_) => EntryReply::Refused {
                error_code: "ProvisionedThroughputExceededException",
                error_message: engine.rate_exceeded(&stream, &record.shard),
            },
        })
        .collect();
    let failed = replies
        .iter()
        .filter(|reply| matches!(reply, EntryReply::Refused { .. }));
    Ok(Reply {
        failed_record_count: failed.count(),
        records: replies,
        encryption_type: "NONE",
    })
}

fn check(records: &[Entry]) -> Result<(), KinesisError> {
    let mut constraints = Constraints::default();
    let count = records.len();
    constraints.require(
        count >= 1,
        "records",
        "[]",
        "have length greater than or equal to 1",
    );
    constraints.require(
        count <= MAX_RECORDS,
        "records",
        format_args!("[{count} entries]"),
        format_args!("have length less than or equal to {MAX_RECORDS}"),
    );
    constraints.finish()?;
    let mut constraints = Constraints::default();
    for (position, entry) in records.iter().enumerate() {
        if !entry.is_sound() {
            entry.check(
                &format!("records.{}.member.", position + 1),
                &mut constraints,
            );
        }
    }
    constraints.finish()
}

impl Entry {
    /// Notes the constraints that the entry breaks; `path` prefixes member names.
    pub(super) fn check(&self, path: &str, constraints: &mut Constraints) {
        let member = |name: &str| format!("{path}{name}");
        constraints.require(self.data.is_some(), member("data"), "null", "not be null");
        if let Some(data) = &self.data {
            let length = data.0.len();
            let value = format_args!("[{length} bytes]");
            let at_most = format_args!("have length less than or equal to {MAX_BLOB}");
            constraints.require(length <= MAX_BLOB, member("data"), value, at_most);
        }
        match &self.partition_key {
            Some(key) => constraints.length(member("partitionKey"), key, 1, 256),
            None => constraints.require(false, member("partitionKey"), "null", "not be null"),
        }
    }

    /// Whether [`Entry::check`] would find nothing; faster, as it formats no message.
    fn is_sound(&self) -> bool {
        let data = self
            .data
            .as_ref()
            .is_some_and(|data| data.0.len() <= MAX_BLOB);
        let key = self.partition_key.as_ref();
        data && key.is_some_and(|key| !key.is_empty() && key.len() <= 256)
    }

    /// # Errors
    ///
    /// `InvalidArgumentException` if key and data are over `max_kib` KiB
    /// (API reference, `PutRecord`, `Data`).
    pub(super) fn check_size(&self, max_kib: u32) -> Result<(), KinesisError> {
        let (size, max) = (self.size(), max_kib as usize * 1024);
        if size <= max {
            return Ok(());
        }
        Err(KinesisError::InvalidArgument(format!(
            "The partition key and the data of a record take {size} bytes; this stream's limit is {max}"
        )))
    }

    /// The hash key: the explicit one, or that of the partition key.
    ///
    /// # Errors
    ///
    /// `InvalidArgumentException` if the explicit one is outside the key space.
    pub(super) fn hash_key(&self) -> Result<HashKey, KinesisError> {
        let Some(explicit) = &self.explicit_hash_key else {
            return Ok(HashKey::of(
                self.partition_key.as_deref().unwrap_or_default(),
            ));
        };
        HashKey::parse(explicit).ok_or_else(|| {
            KinesisError::InvalidArgument(format!(
                "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was {explicit}"
            ))
        })
    }

    /// The record to store.
    pub(super) fn record(&self) -> NewRecord<'_> {
        NewRecord {
            partition_key: self.partition_key.as_deref().unwrap_or_default(),
            data: self.data.as_ref().map_or(&[], |data| &data.0),
        }
    }

    fn size(&self) -> usize {
        let record = self.record();
        record.partition_key.len() + record.data.len()
    }
}
