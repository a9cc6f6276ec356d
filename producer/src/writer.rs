//! Puts batches of records, and repeats only the entries that Kinesis refused.

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

/// The most records that one `PutRecords` takes (API reference, `PutRecords`).
pub const MAX_BATCH: usize = 500;

/// How often an entry is tried before it counts as failed.
const MAX_TRIES: u32 = 10;

/// The first pause before a refused entry is tried again; it doubles up to
/// [`MAX_PAUSE`], with jitter.
const FIRST_PAUSE: Duration = Duration::from_millis(25);
const MAX_PAUSE: Duration = Duration::from_secs(2);

/// How records are put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// `PutRecords`, up to [`MAX_BATCH`] at a time.
    Batches,
    /// `PutRecord`, one at a time, as the article's program does it.
    Single,
}

/// What became of records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Records that Kinesis acknowledged.
    pub written: u64,
    /// Records that were sent and never acknowledged.
    pub failed: u64,
    /// Times that a record was sent again.
    pub retries: u64,
}

/// Writing cannot go on: what Kinesis said will not change by trying again.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// There is no such stream.
    #[error(
        "stream {stream} does not exist there; create it, or name another in KINESIS_STREAM_NAME"
    )]
    NoStream {
        /// The stream's name.
        stream: String,
    },
    /// Kinesis cannot be reached, or refuses every record.
    #[error("stream {stream} takes no records: {reason}")]
    Refused {
        /// The stream's name.
        stream: String,
        /// The whole chain of causes.
        reason: String,
    },
    /// A record cannot be written as JSON.
    #[error("a record cannot be written as JSON: {0}")]
    Unwritable(#[from] serde_json::Error),
}

/// Writes to one stream.
#[derive(Clone)]
pub struct Writer {
    client: Client,
    stream: String,
    mode: Mode,
}

impl Writer {
    /// A writer to `stream`.
    #[must_use]
    pub fn new(client: Client, stream: &str, mode: Mode) -> Self {
        Self {
            client,
            stream: stream.to_owned(),
            mode,
        }
    }

    /// The most records that one [`Writer::write`] should be given.
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
            for place in waiting.iter().filter(|place| !refused.contains(place)) {
                acknowledged(*place, now);
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

    /// Puts the readings at `places` once; what comes back was refused.
    async fn put(&self, readings: &[Reading], places: &[usize]) -> Result<Vec<usize>, WriteError> {
        match (self.mode, places) {
            (Mode::Single, [place]) => self.put_one(readings, *place).await,
            _ => self.put_many(readings, places).await,
        }
    }

    async fn put_one(&self, readings: &[Reading], place: usize) -> Result<Vec<usize>, WriteError> {
        let reading = &readings[place];
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
            Err(error) => self.refused(error, &[place]),
        }
    }

    async fn put_many(
        &self,
        readings: &[Reading],
        places: &[usize],
    ) -> Result<Vec<usize>, WriteError> {
        let entries = places
            .iter()
            .map(|place| entry(&readings[*place]))
            .collect::<Result<Vec<_>, _>>()?;
        let sent = self
            .client
            .put_records()
            .stream_name(&self.stream)
            .set_records(Some(entries))
            .send()
            .await;
        match sent {
            Ok(reply) => Ok(places
                .iter()
                .zip(reply.records())
                .filter(|(_, result)| result.error_code().is_some())
                .map(|(place, _)| *place)
                .collect()),
            Err(error) => self.refused(error, places),
        }
    }

    /// A whole call failed: throttling and the service's own errors are worth
    /// another try, the rest is not (the SDK has tried three times already).
    fn refused<E>(&self, error: SdkError<E>, places: &[usize]) -> Result<Vec<usize>, WriteError>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        match error.code() {
            Some("ProvisionedThroughputExceededException" | "InternalFailure") => {
                Ok(places.to_vec())
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
