//! Puts batches of records, and retries only the entries that Kinesis refused.

use std::time::Duration;

use aws_sdk_kinesis::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::{
        put_record::{PutRecordError, PutRecordOutput},
        put_records::{PutRecordsError, PutRecordsOutput},
    },
    primitives::Blob,
    types::PutRecordsRequestEntry,
};
use rand::Rng;
use tokio::time::sleep;

use crate::record::Record;
pub use crate::write_error::WriteError;
use crate::write_error::chain;

/// The most records in one `PutRecords` (API reference, `PutRecords`).
pub const MAX_BATCH: usize = 500;

/// The most bytes in one `PutRecords`, partition keys included: the limit of every
/// endpoint. AWS raised its own to 10 MiB in 2025.
const MAX_BYTES: usize = 5 * 1024 * 1024;

/// Attempts to put an entry before it counts as failed.
const MAX_TRIES: u32 = 10;

/// The pause before the first retry of refused entries. It doubles with each retry,
/// up to [`MAX_PAUSE`], and has jitter.
const FIRST_PAUSE: Duration = Duration::from_millis(25);
const MAX_PAUSE: Duration = Duration::from_secs(2);

/// How to put records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// `PutRecords`, up to [`MAX_BATCH`] at a time.
    Batches,
    /// `PutRecord`, one record at a time, as in the article's program.
    Single,
}

/// Counts of records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Records that Kinesis acknowledged.
    pub written: u64,
    /// Records that were sent and never acknowledged.
    pub failed: u64,
    /// Retries of single records.
    pub retries: u64,
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put<'r> {
    /// Kinesis acknowledged it.
    Acknowledged {
        /// The shard's id.
        shard: &'r str,
        /// The sequence number in the shard.
        sequence_number: &'r str,
        /// Attempts until then.
        tries: u32,
    },
    /// Kinesis refused it for the last time.
    Refused {
        /// The code of its error.
        error: &'r str,
        /// Attempts.
        tries: u32,
    },
}

/// Writes to one stream.
#[derive(Clone)]
pub struct Writer {
    client: Client,
    stream: String,
    mode: Mode,
}

impl Writer {
    /// A writer for `stream`.
    #[must_use]
    pub fn new(client: Client, stream: &str, mode: Mode) -> Self {
        Self {
            client,
            stream: stream.to_owned(),
            mode,
        }
    }

    /// The most records for one [`Writer::write`].
    #[must_use]
    pub fn batch_size(&self) -> usize {
        match self.mode {
            Mode::Batches => MAX_BATCH,
            Mode::Single => 1,
        }
    }

    /// Puts `records`, each until it is acknowledged or has failed [`MAX_TRIES`] times.
    /// Adds to `outcome`, and calls `told` with the index of each record and what became
    /// of it.
    ///
    /// # Errors
    ///
    /// The stream does not exist or Kinesis cannot be reached. The records that were not
    /// acknowledged by then count as failed.
    pub async fn write(
        &self,
        records: &[Record],
        outcome: &mut Outcome,
        mut told: impl FnMut(usize, Put<'_>),
    ) -> Result<(), WriteError> {
        let mut waiting: Vec<usize> = (0..records.len()).collect();
        for tries in 1..=MAX_TRIES {
            let mut refused = Vec::new();
            let mut left = waiting.len();
            for request in requests(records, &waiting) {
                let put = self.put(records, request, tries, &mut told).await;
                let put = put.inspect_err(|_| outcome.failed += (left + refused.len()) as u64)?;
                outcome.written += (request.len() - put.len()) as u64;
                left -= request.len();
                refused.extend(put);
            }
            waiting = refused;
            if waiting.is_empty() {
                break;
            }
            if tries < MAX_TRIES {
                outcome.retries += waiting.len() as u64;
                sleep(pause(tries)).await;
            }
        }
        outcome.failed += waiting.len() as u64;
        Ok(())
    }

    /// Puts the records at `indices` once. Returns the indices of the refused ones.
    async fn put(
        &self,
        records: &[Record],
        indices: &[usize],
        tries: u32,
        told: &mut impl FnMut(usize, Put<'_>),
    ) -> Result<Vec<usize>, WriteError> {
        let last = tries == MAX_TRIES;
        let refuse = |error: &str, told: &mut dyn FnMut(usize, Put<'_>)| {
            let refused = indices.iter().filter(|_| last);
            refused.for_each(|index| told(*index, Put::Refused { error, tries }));
            indices.to_vec()
        };
        if let (Mode::Single, [index]) = (self.mode, indices) {
            return match self.put_one(&records[*index]).await {
                Ok(reply) => {
                    let put = Put::Acknowledged {
                        shard: reply.shard_id(),
                        sequence_number: reply.sequence_number(),
                        tries,
                    };
                    told(*index, put);
                    Ok(Vec::new())
                }
                Err(error) => Ok(refuse(&self.worth_a_retry(&error)?, told)),
            };
        }
        let reply = match self.put_many(records, indices).await? {
            Ok(reply) => reply,
            Err(error) => return Ok(refuse(&self.worth_a_retry(&error)?, told)),
        };
        let mut refused = Vec::new();
        for (index, entry) in indices.iter().zip(reply.records()) {
            match entry.error_code() {
                None => told(
                    *index,
                    Put::Acknowledged {
                        shard: entry.shard_id().unwrap_or_default(),
                        sequence_number: entry.sequence_number().unwrap_or_default(),
                        tries,
                    },
                ),
                Some(error) => {
                    refused.push(*index);
                    if last {
                        told(*index, Put::Refused { error, tries });
                    }
                }
            }
        }
        Ok(refused)
    }

    async fn put_one(&self, record: &Record) -> Result<PutRecordOutput, SdkError<PutRecordError>> {
        let put = self.client.put_record().stream_name(&self.stream);
        let put = put.partition_key(&record.partition_key);
        put.data(Blob::new(record.data.clone())).send().await
    }

    async fn put_many(
        &self,
        records: &[Record],
        indices: &[usize],
    ) -> Result<Result<PutRecordsOutput, SdkError<PutRecordsError>>, WriteError> {
        let entries = indices
            .iter()
            .map(|index| self.entry(&records[*index]))
            .collect::<Result<Vec<_>, _>>()?;
        let put = self.client.put_records().stream_name(&self.stream);
        Ok(put.set_records(Some(entries)).send().await)
    }

    fn entry(&self, record: &Record) -> Result<PutRecordsRequestEntry, WriteError> {
        PutRecordsRequestEntry::builder()
            .partition_key(&record.partition_key)
            .data(Blob::new(record.data.clone()))
            .build()
            .map_err(|error| WriteError::Refused {
                stream: self.stream.clone(),
                reason: error.to_string(),
            })
    }

    /// The code of an error that is worth a retry: throttling and internal failures. For
    /// anything else, the SDK's own three attempts were enough.
    fn worth_a_retry<E>(&self, error: &SdkError<E>) -> Result<String, WriteError>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        match error.code() {
            Some(code @ ("ProvisionedThroughputExceededException" | "InternalFailure")) => {
                Ok(code.to_owned())
            }
            Some("ResourceNotFoundException") => Err(WriteError::NoStream {
                stream: self.stream.clone(),
            }),
            _ => Err(WriteError::Refused {
                stream: self.stream.clone(),
                reason: chain(error),
            }),
        }
    }
}

/// Splits the indices so that each request keeps the limit of bytes. A record above it
/// has a request of its own, which Kinesis then refuses.
fn requests<'i>(records: &[Record], indices: &'i [usize]) -> Vec<&'i [usize]> {
    let (mut requests, mut start, mut bytes) = (Vec::new(), 0, 0);
    for (at, index) in indices.iter().enumerate() {
        let more = records[*index].bytes();
        if at > start && bytes + more > MAX_BYTES {
            requests.push(&indices[start..at]);
            (start, bytes) = (at, 0);
        }
        bytes += more;
    }
    requests.push(&indices[start..]);
    requests
}

fn pause(tries: u32) -> Duration {
    let longest = FIRST_PAUSE
        .saturating_mul(2_u32.saturating_pow(tries - 1))
        .min(MAX_PAUSE);
    longest.mul_f64(rand::rng().random_range(0.5..1.0))
}
