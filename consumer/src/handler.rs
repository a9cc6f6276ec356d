//! One invocation: a batch of Kinesis records in, the failed ones out.

use aws_lambda_events::{
    event::kinesis::{KinesisEvent, KinesisEventRecord},
    streams::KinesisEventResponse,
};
use serde::Serialize;

use crate::{
    cache::Cache,
    cache_aside::{CacheAside, Source},
    record::{EnrichedReading, Reading},
    store::{Store, StoreError},
};

/// Why a record is reported as failed.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The data is not a reading. Retrying cannot help; the event source
    /// mapping's failure destination is where it ends.
    #[error("the data is not a record of this pipeline: {0}")]
    Malformed(#[from] serde_json::Error),
    /// The location could not be read. Retrying may help.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The function.
pub struct Handler<C, S> {
    locations: CacheAside<C, S>,
}

/// The line that tells of one processed record.
#[derive(Serialize)]
struct ProcessedLine<'a> {
    level: &'static str,
    message: &'static str,
    source: Source,
    before: &'a Reading,
    after: &'a EnrichedReading,
}

impl<C: Cache, S: Store> Handler<C, S> {
    /// A function that looks locations up in `locations`.
    pub fn new(locations: CacheAside<C, S>) -> Self {
        Self { locations }
    }

    /// Processes every record and reports those that failed
    /// (`ReportBatchItemFailures`): one that fails holds back no other.
    pub async fn handle(&self, event: KinesisEvent) -> KinesisEventResponse {
        let mut response = KinesisEventResponse::default();
        for record in event.records {
            if let Err(error) = self.process(&record).await {
                let sequence_number = record.kinesis.sequence_number;
                tracing::error!(%error, sequence_number, "record failed");
                response.add_failure(sequence_number);
            }
        }
        response
    }

    async fn process(&self, record: &KinesisEventRecord) -> Result<(), RecordError> {
        let before: Reading = serde_json::from_slice(&record.kinesis.data)?;
        let found = self.locations.look_up(&before.location).await?;
        let after = before.enrich(found.location);
        let line = serde_json::to_string(&ProcessedLine {
            level: "INFO",
            message: "processed",
            source: found.source,
            before: &before,
            after: &after,
        })?;
        println!("{line}");
        Ok(())
    }
}
