//! Handles one invocation: processes a batch of Kinesis records, and reports the
//! first failed record.

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, HashSet},
    pin::pin,
    sync::Arc,
};

use aws_lambda_events::{event::kinesis::KinesisEvent, streams::KinesisEventResponse};
use futures_util::{StreamExt, stream};
use serde::Serialize;
use time::OffsetDateTime;
use tokio::time::{Instant, timeout_at};

use crate::{
    cache::Cache,
    cache_aside::{CacheAside, Lookup, Source},
    config::{Coalesce, Handling},
    invocation::Invocation,
    metrics::{Metrics, emf::Emf},
    output::Output,
    poison::{self, Poison},
    record::{EnrichedReading, Reading},
    store::{Store, StoreError},
};

/// Why a record failed.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// No retry can process it. The event source mapping discards it to its
    /// on-failure destination.
    #[error(transparent)]
    Poison(#[from] Poison),
    /// The location could not be read. A retry may succeed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The invocation's deadline passed first. Lambda delivers the record again, at
    /// the front of a batch.
    #[error("not processed before the invocation deadline")]
    OutOfTime,
}

impl RecordError {
    /// The `reason` field of the log line.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Poison(poison) => poison.reason(),
            Self::Store(_) => "store",
            Self::OutOfTime => "out_of_time",
        }
    }
}

/// The function: handles one batch per invocation.
pub struct Handler<C, S> {
    locations: CacheAside<C, S>,
    handling: Handling,
    metrics: Arc<Metrics>,
    /// `None` if metrics are off.
    emf: Option<Emf>,
    output: Arc<dyn Output>,
}

/// The line of one processed record.
#[derive(Serialize)]
struct ProcessedLine<'a> {
    level: &'static str,
    message: &'static str,
    source: Source,
    #[serde(skip_serializing_if = "Option::is_none")]
    xray_trace_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'a str>,
    before: &'a Reading<'a>,
    after: &'a EnrichedReading<'a>,
}

/// The record that ends the batch, by its index in the batch.
struct Failure {
    index: usize,
    error: RecordError,
}

impl<C: Cache, S: Store> Handler<C, S> {
    /// A function that looks up locations in `locations`. It writes its lines,
    /// metrics included, to `output`.
    pub fn new(
        locations: CacheAside<C, S>,
        handling: Handling,
        metrics: Arc<Metrics>,
        emf: Option<Emf>,
        output: Arc<dyn Output>,
    ) -> Self {
        Self {
            locations,
            handling,
            metrics,
            emf,
            output,
        }
    }

    /// Processes records until one fails, and reports that record
    /// (`ReportBatchItemFailures`). Lambda retries from the lowest reported sequence
    /// number, so it delivers all later records again too.
    pub async fn handle(
        &self,
        event: &KinesisEvent,
        invocation: &Invocation,
    ) -> KinesisEventResponse {
        let began = Instant::now();
        let (readings, poison) = decode(event);
        let mut response = KinesisEventResponse::default();
        let failure = self.process(&readings, invocation).await.err().or(poison);
        self.metrics.update(|sample| {
            sample.batch_size += event.records.len() as u64;
            sample.batch.push(began.elapsed());
        });
        if let Some(Failure { index, error }) = failure {
            let sequence_number = &event.records[index].kinesis.sequence_number;
            let reason = error.reason();
            let retryable = !matches!(error, RecordError::Poison(_));
            tracing::error!(%error, reason, retryable, sequence_number, "record failed");
            self.metrics.update(|sample| match error {
                RecordError::Poison(_) => sample.poison += 1,
                _ => sample.retryable += 1,
            });
            response.add_failure(sequence_number.clone());
        }
        self.print_metrics(invocation);
        response
    }

    async fn process(
        &self,
        readings: &[Reading<'_>],
        invocation: &Invocation,
    ) -> Result<(), Failure> {
        match self.handling.coalesce {
            Coalesce::Record => self.one_by_one(readings, invocation).await,
            Coalesce::Batch => self.key_by_key(readings, invocation).await,
        }
    }

    /// Looks up the location of each record, several at a time, and prints the
    /// records in their order.
    async fn one_by_one(
        &self,
        readings: &[Reading<'_>],
        invocation: &Invocation,
    ) -> Result<(), Failure> {
        let lookups = stream::iter(readings)
            .map(|reading| async move {
                let began = Instant::now();
                (self.locations.look_up(&reading.location).await, began)
            })
            .buffered(self.handling.concurrency);
        let mut lookups = pin!(lookups);
        let mut line = Vec::new();
        for (index, reading) in readings.iter().enumerate() {
            let fail = |error| Failure { index, error };
            let looked_up = timeout_at(invocation.deadline, lookups.next()).await;
            let (lookup, began) = looked_up
                .ok()
                .flatten()
                .ok_or_else(|| fail(RecordError::OutOfTime))?;
            let lookup = lookup.map_err(|error| fail(error.into()))?;
            self.print(reading, &lookup, invocation, began, &mut line);
        }
        Ok(())
    }

    /// Looks up each distinct location once, then prints the records.
    async fn key_by_key(
        &self,
        readings: &[Reading<'_>],
        invocation: &Invocation,
    ) -> Result<(), Failure> {
        let began = Instant::now();
        let mut seen = HashSet::new();
        let names = readings.iter().map(|reading| &*reading.location);
        let names: Vec<&str> = names.filter(|name| seen.insert(*name)).collect();
        let mut found = HashMap::with_capacity(names.len());
        let concurrency = self.handling.concurrency;
        let looking = self.locations.look_up_all(&names, concurrency, &mut found);
        // Past the deadline, locations are missing from `found`: see below.
        let _ = timeout_at(invocation.deadline, looking).await;
        let mut line = Vec::new();
        for (index, reading) in readings.iter().enumerate() {
            let fail = |error| Failure { index, error };
            match found.get(&*reading.location) {
                Some(Ok(lookup)) => self.print(reading, lookup, invocation, began, &mut line),
                Some(Err(error)) => return Err(fail(error.clone().into())),
                None => return Err(fail(RecordError::OutOfTime)),
            }
        }
        Ok(())
    }

    /// Prints the line of a processed record. Every line reuses the buffer `line`.
    fn print(
        &self,
        reading: &Reading<'_>,
        lookup: &Lookup,
        invocation: &Invocation,
        began: Instant,
        line: &mut Vec<u8>,
    ) {
        let read_time = OffsetDateTime::now_utc();
        let processed = ProcessedLine {
            level: "INFO",
            message: "processed",
            source: lookup.source,
            xray_trace_id: invocation.xray_trace_id.as_deref(),
            trace_id: invocation.trace_id.as_deref(),
            before: reading,
            after: &reading.enrich(&lookup.location, read_time),
        };
        line.clear();
        match serde_json::to_writer(&mut *line, &processed) {
            Ok(()) => line.push(b'\n'),
            // Cannot happen: strings and times can always be written as JSON.
            Err(error) => tracing::error!(%error, "processed line cannot be written as JSON"),
        }
        self.output.write(line);
        self.metrics.update(|sample| {
            sample.processed += 1;
            sample.record.push(began.elapsed());
            if let Ok(took) = (read_time - reading.write_time).try_into() {
                sample.write_to_read.push(took);
            }
        });
    }

    fn print_metrics(&self, invocation: &Invocation) {
        let sample = self.metrics.take();
        let Some(emf) = &self.emf else { return };
        let timestamp = OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000;
        let mut properties = vec![("request_id", invocation.request_id.as_str())];
        let xray = invocation.xray_trace_id.as_deref();
        properties.extend(xray.map(|id| ("xray_trace_id", id)));
        let trace = invocation.trace_id.as_deref();
        properties.extend(trace.map(|id| ("trace_id", id)));
        for mut line in emf.lines(&sample, timestamp, &properties) {
            line.push('\n');
            self.output.write(line.as_bytes());
        }
    }
}

/// Decodes the records up to the first poison one. Lambda delivers the later ones
/// again, so they are not looked up now.
fn decode(event: &KinesisEvent) -> (Vec<Reading<'_>>, Option<Failure>) {
    let mut readings = Vec::with_capacity(event.records.len());
    for (index, record) in event.records.iter().enumerate() {
        match poison::decode(&record.kinesis.data) {
            Ok(reading) => readings.push(reading),
            Err(poison) => {
                let error = poison.into();
                return (readings, Some(Failure { index, error }));
            }
        }
    }
    (readings, None)
}
