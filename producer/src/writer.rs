//! Puts batches of records, and retries only the entries that Kinesis refused.

use std::time::Duration;

use aws_sdk_kinesis::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    primitives::Blob,
    types::PutRecordsRequestEntry,
};
use rand::Rng;
use tokio::time::{Instant, sleep};

use crate::record::Reading;

/// The most records in one `PutRecords` (API reference, `PutRecords`).
pub const MAX_BATCH: usize = 500;

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

/// A fatal error: a retry cannot help.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The stream does not exist.
    #[error("stream {stream} does not exist")]
    NoStream {
        /// The stream's name.
        stream: String,
    },
    /// Kinesis cannot be reached, or refused the request.
    #[error("cannot write to stream {stream}: {reason}")]
    Refused {
        /// The stream's name.
        stream: String,
        /// The whole chain of causes.
        reason: String,
    },
    /// A record cannot be written as JSON.
    #[error("cannot write a record as JSON: {0}")]
    Unwritable(#[from] serde_json::Error),
}

impl WriteError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoStream { .. } => {
                Some("create it, or choose another one with --stream (KINESIS_STREAM_NAME)")
            }
            Self::Refused { .. } => {
                Some("check AWS_ENDPOINT_URL, AWS_REGION and the AWS credentials")
            }
            Self::Unwritable(_) => None,
        }
    }
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

    /// Puts `readings`, each until it is acknowledged or has failed
    /// [`MAX_TRIES`] times. Adds to `outcome`, and calls `acknowledged` with the
    /// index of each reading that Kinesis acknowledged and the moment it did.
    ///
    /// # Errors
    ///
    /// The stream does not exist or Kinesis cannot be reached. The readings that
    /// were not acknowledged by then count as failed.
    pub async fn write(
        &self,
        readings: &[Reading],
        outcome: &mut Outcome,
        mut acknowledged: impl FnMut(usize, Instant),
    ) -> Result<(), WriteError> {
        let mut waiting: Vec<usize> = (0..readings.len()).collect();
        for tries in 1..=MAX_TRIES {
            let put = self.put(readings, &waiting).await;
            let refused = put.inspect_err(|_| outcome.failed += waiting.len() as u64)?;
            let now = Instant::now();
            for index in waiting.iter().filter(|index| !refused.contains(index)) {
                acknowledged(*index, now);
            }
            outcome.written += (waiting.len() - refused.len()) as u64;
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

    /// Puts the readings at `indices` once. Returns the indices of the refused ones.
    async fn put(&self, readings: &[Reading], indices: &[usize]) -> Result<Vec<usize>, WriteError> {
        match (self.mode, indices) {
            (Mode::Single, [index]) => self.put_one(readings, *index).await,
            _ => self.put_many(readings, indices).await,
        }
    }

    async fn put_one(&self, readings: &[Reading], index: usize) -> Result<Vec<usize>, WriteError> {
        let reading = &readings[index];
        let sent = self
            .client
            .put_record()
            .stream_name(&self.stream)
            .partition_key(&reading.id)
            .data(Blob::new(serde_json::to_vec(reading)?))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(Vec::new()),
            Err(error) => self.refused(error, &[index]),
        }
    }

    async fn put_many(
        &self,
        readings: &[Reading],
        indices: &[usize],
    ) -> Result<Vec<usize>, WriteError> {
        let entries = indices
            .iter()
            .map(|index| entry(&readings[*index]))
            .collect::<Result<Vec<_>, _>>()?;
        let sent = self
            .client
            .put_records()
            .stream_name(&self.stream)
            .set_records(Some(entries))
            .send()
            .await;
        match sent {
            Ok(reply) => Ok(indices
                .iter()
                .zip(reply.records())
                .filter(|(_, result)| result.error_code().is_some())
                .map(|(index, _)| *index)
                .collect()),
            Err(error) => self.refused(error, indices),
        }
    }

    /// Handles a failed request. Throttling and internal failures are worth a retry;
    /// for anything else, the SDK's own three attempts were enough.
    fn refused<E>(&self, error: SdkError<E>, indices: &[usize]) -> Result<Vec<usize>, WriteError>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        match error.code() {
            Some("ProvisionedThroughputExceededException" | "InternalFailure") => {
                Ok(indices.to_vec())
            }
            Some("ResourceNotFoundException") => Err(WriteError::NoStream {
                stream: self.stream.clone(),
            }),
            _ => Err(WriteError::Refused {
                stream: self.stream.clone(),
                reason: format!("{:#}", anyhow::Error::new(error)),
            }),
        }
    }
}

fn entry(reading: &Reading) -> Result<PutRecordsRequestEntry, WriteError> {
    PutRecordsRequestEntry::builder()
        .partition_key(&reading.id)
        .data(Blob::new(serde_json::to_vec(reading)?))
        .build()
        .map_err(|error| WriteError::Refused {
            stream: String::new(),
            reason: error.to_string(),
        })
}

fn pause(tries: u32) -> Duration {
    let longest = FIRST_PAUSE
        .saturating_mul(2_u32.saturating_pow(tries - 1))
        .min(MAX_PAUSE);
    longest.mul_f64(rand::rng().random_range(0.5..1.0))
}
