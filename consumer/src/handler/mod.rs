//! One invocation: a batch of Kinesis records in, the first failed one out.

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

/// Why a record is reported as failed.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Retrying cannot help; the event source mapping's failure destination is
    /// where it ends.
    #[error(transparent)]
    Poison(#[from] Poison),
    /// The location could not be read. Retrying may help.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The invocation's time was up. It comes again, first in its batch.
    #[error("its turn did not come in the time that Lambda gives an invocation")]
    OutOfTime,
}

impl RecordError {
    /// The name under which it is logged.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Poison(poison) => poison.reason(),
            Self::Store(_) => "store",
            Self::OutOfTime => "out_of_time",
        }
    }
}

/// The function.
pub struct Handler<C, S> {
    locations: CacheAside<C, S>,
    handling: Handling,
    metrics: Arc<Metrics>,
    /// None where metrics are off.
    emf: Option<Emf>,
    output: Arc<dyn Output>,
}

/// The line that tells of one processed record.
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

/// A record that ends the batch, by its place in it.
struct Failure {
    place: usize,
    error: RecordError,
}

impl<C: Cache, S: Store> Handler<C, S> {
    /// A function that looks locations up in `locations`.
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

    /// Processes records up to the first that fails, and reports that one
    /// (`ReportBatchItemFailures`). What comes after it comes again with it: the
    /// mapping goes on from the lowest sequence number that is reported.
    pub async fn handle(
        &self,
        event: &KinesisEvent,
        invocation: &Invocation,
    ) -> KinesisEventResponse {
        let began = Instant::now();
        let (readings, poison) = decode(event);
        let mut response = KinesisEventResponse::default();
        let failure = self.process(&readings, invocation).await.err().or(poison);
        self.metrics.note(|sample| {
            sample.batch_size += event.records.len() as u64;
            sample.batch.push(began.elapsed());
        });
        if let Some(Failure { place, error }) = failure {
            let sequence_number = &event.records[place].kinesis.sequence_number;
            let reason = error.reason();
            let retryable = !matches!(error, RecordError::Poison(_));
            tracing::error!(%error, reason, retryable, sequence_number, "record failed");
            self.metrics.note(|sample| match error {
                RecordError::Poison(_) => sample.poison += 1,
                _ => sample.retryable += 1,
            });
            response.add_failure(sequence_number.clone());
        }
        self.tell_metrics(invocation);
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

    /// Looks each record's location up, so many at a time, and tells of them in
    /// their order.
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
        for (place, reading) in readings.iter().enumerate() {
            let fail = |error| Failure { place, error };
            let looked_up = timeout_at(invocation.deadline, lookups.next()).await;
            let (lookup, began) = looked_up
                .ok()
                .flatten()
                .ok_or_else(|| fail(RecordError::OutOfTime))?;
            let lookup = lookup.map_err(|error| fail(error.into()))?;
            self.tell(reading, &lookup, invocation, began, &mut line);
        }
        Ok(())
    }

    /// Looks each location of the batch up once, then tells of the records.
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
        // What is not found by then has run out of time, and is told so below.
        let _ = timeout_at(invocation.deadline, looking).await;
        let mut line = Vec::new();
        for (place, reading) in readings.iter().enumerate() {
            let fail = |error| Failure { place, error };
            match found.get(&*reading.location) {
                Some(Ok(lookup)) => self.tell(reading, lookup, invocation, began, &mut line),
                Some(Err(error)) => return Err(fail(error.clone().into())),
                None => return Err(fail(RecordError::OutOfTime)),
            }
        }
        Ok(())
    }

    /// Tells of a processed record, in a line that reuses the last one's memory.
    fn tell(
        &self,
        reading: &Reading<'_>,
        lookup: &Lookup,
        invocation: &Invocation,
        began: Instant,
        line: &mut Vec<u8>,
    ) {
        let read_time = OffsetDateTime::now_utc();
        let told = ProcessedLine {
            level: "INFO",
            message: "processed",
            source: lookup.source,
            xray_trace_id: invocation.xray_trace_id.as_deref(),
            trace_id: invocation.trace_id.as_deref(),
            before: reading,
            after: &reading.enrich(&lookup.location, read_time),
        };
        line.clear();
        match serde_json::to_writer(&mut *line, &told) {
            Ok(()) => line.push(b'\n'),
            // Strings and times always are JSON.
            Err(error) => tracing::error!(%error, "the line of a record cannot be written"),
        }
        self.output.write(line);
        self.metrics.note(|sample| {
            sample.processed += 1;
            sample.record.push(began.elapsed());
            if let Ok(took) = (read_time - reading.write_time).try_into() {
                sample.write_to_read.push(took);
            }
        });
    }

    fn tell_metrics(&self, invocation: &Invocation) {
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

/// The records up to the first that is poison: what comes after it is not
/// processed now, so it is not looked up either.
fn decode(event: &KinesisEvent) -> (Vec<Reading<'_>>, Option<Failure>) {
    let mut readings = Vec::with_capacity(event.records.len());
    for (place, record) in event.records.iter().enumerate() {
        match poison::decode(&record.kinesis.data) {
            Ok(reading) => readings.push(reading),
            Err(poison) => {
                let error = poison.into();
                return (readings, Some(Failure { place, error }));
            }
        }
    }
    (readings, None)
}
