//! Redrives a discarded batch: reads the records that its invocation record names from
//! the stream, and invokes the function with them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    batch::{Buffer, Prepared},
    event::{self, Origin},
    response::{self, BatchResult},
    sequence_number::is_later,
    source::{Position, Record, Source, SourceError},
    target::{Reply, Target},
};

/// Records read at once.
const PAGE: u32 = 1000;

/// Empty pages in a row after which the records count as gone.
const MOST_EMPTY_PAGES: u32 = 100;

/// The `KinesisBatchInfo` of an invocation record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchInfo {
    /// The shard's id.
    pub shard_id: String,
    /// The first record.
    pub start_sequence_number: String,
    /// The last record.
    pub end_sequence_number: String,
    /// How many records were discarded.
    pub batch_size: u32,
    /// The stream's ARN.
    pub stream_arn: String,
}

/// Why a batch is not redriven.
#[derive(Debug, thiserror::Error)]
pub enum RedriveError {
    /// The document has no `KinesisBatchInfo`, or another form of it.
    #[error("the document has no KinesisBatchInfo as AWS describes it: {0}")]
    NoBatch(serde_json::Error),
    /// The stream cannot be read.
    #[error("the records cannot be read: {0}")]
    Source(#[from] SourceError),
    /// The stream no longer keeps a record of that range.
    #[error("the stream no longer keeps any of the records")]
    Gone,
    /// The function failed on them again.
    #[error("the function failed again, after {delivered} records: {reason}")]
    Failed {
        /// Records that the function processed before.
        delivered: usize,
        /// The error of the function or its endpoint.
        reason: String,
    },
}

impl BatchInfo {
    /// Reads an invocation record.
    ///
    /// # Errors
    ///
    /// The document is not an invocation record of a Kinesis batch.
    pub fn of(document: &Value) -> Result<Self, RedriveError> {
        let info = document
            .get("KinesisBatchInfo")
            .cloned()
            .unwrap_or_default();
        serde_json::from_value(info).map_err(RedriveError::NoBatch)
    }

    /// The stream's name.
    #[must_use]
    pub fn stream(&self) -> &str {
        let arn = &self.stream_arn;
        arn.rsplit('/').next().unwrap_or(arn)
    }
}

/// The function of an invocation record: its ARN, or its URL where the ARN is not known.
#[must_use]
pub fn function(document: &Value) -> &str {
    let arn = document.pointer("/requestContext/functionArn");
    arn.and_then(Value::as_str).unwrap_or_default()
}

/// The name of an invocation record's function, if its ARN is known.
#[must_use]
pub fn function_name(document: &Value) -> Option<&str> {
    let arn = function(document).strip_prefix("arn:")?;
    arn.rsplit(':').next()
}

/// Reads the batch's records from `source` and invokes `target` with them, once.
/// Returns the sequence numbers of those that it delivered.
///
/// The document names the first record and the last. With filters or concurrent batches
/// there may be others in between: they are delivered too.
///
/// # Errors
///
/// The records cannot be read, or the function fails on them again.
pub async fn redrive(
    source: &dyn Source,
    target: &dyn Target,
    info: &BatchInfo,
    region: &str,
) -> Result<Vec<String>, RedriveError> {
    let origin = Origin::new(&info.stream_arn, region, &info.shard_id);
    let mut buffer = Buffer::new(info.batch_size.max(1), false);
    for record in records(source, info).await? {
        let json = event::encode(&record, &origin);
        let ordinal = 0;
        buffer.push(Prepared {
            record,
            json,
            ordinal,
        });
    }
    let mut delivered = Vec::new();
    while !buffer.is_empty() {
        let batch = buffer.cut(None);
        invoke(target, &batch)
            .await
            .map_err(|reason| RedriveError::Failed {
                delivered: delivered.len(),
                reason,
            })?;
        let numbers = batch
            .into_iter()
            .map(|prepared| prepared.record.sequence_number);
        delivered.extend(numbers);
    }
    Ok(delivered)
}

/// Reads the batch's records from `source`, and those in between.
///
/// # Errors
///
/// The records cannot be read, or the stream keeps none of them.
pub async fn records(source: &dyn Source, info: &BatchInfo) -> Result<Vec<Record>, RedriveError> {
    let mut records = Vec::new();
    let start = Position::At(info.start_sequence_number.clone());
    let mut iterator = Some(source.iterator(&info.shard_id, &start).await?);
    let mut empty = 0;
    while let Some(current) = iterator {
        let page = source.records(&current, PAGE).await?;
        empty = if page.records.is_empty() {
            empty + 1
        } else {
            0
        };
        for record in page.records {
            if is_later(&record.sequence_number, &info.end_sequence_number) {
                return some(records);
            }
            let last = record.sequence_number == info.end_sequence_number;
            records.push(record);
            if last {
                return Ok(records);
            }
        }
        iterator = page.next_iterator.filter(|_| empty < MOST_EMPTY_PAGES);
    }
    some(records)
}

fn some(records: Vec<Record>) -> Result<Vec<Record>, RedriveError> {
    if records.is_empty() {
        return Err(RedriveError::Gone);
    }
    Ok(records)
}

async fn invoke(target: &dyn Target, batch: &[Prepared]) -> Result<(), String> {
    let event = event::join(batch.iter().map(|prepared| &prepared.json), None);
    match target.invoke(event).await {
        Reply::Success(payload) => {
            let numbers: Vec<_> = batch
                .iter()
                .map(|prepared| prepared.record.sequence_number.as_str())
                .collect();
            match response::read(&payload, &numbers) {
                BatchResult::FailedFrom(index) => {
                    let number = numbers[index];
                    Err(format!("its partial batch response names record {number}"))
                }
                BatchResult::AllFailed if response::is_partial(&payload) => {
                    Err("its partial batch response names no record of the batch".to_owned())
                }
                // The document does not say whether the mapping reads responses: text of
                // another form is a success without `ReportBatchItemFailures`.
                BatchResult::AllDone | BatchResult::AllFailed => Ok(()),
            }
        }
        Reply::FunctionError(error) => Err(error.summary()),
        Reply::Throttled => Err("it is throttled".to_owned()),
        Reply::TooLarge => Err("the payload is too large".to_owned()),
        Reply::Unavailable(reason) => Err(reason),
    }
}
