//! What a recorder keeps, and how events change it.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use foldhash::fast::RandomState;
use time::OffsetDateTime;

use super::{
    counts::Counts,
    invocations::{Ended, Invocation, Invocations, Retried},
    kept::Kept,
    outbox::Outbox,
    record::{Mark, Recorded, Status},
    rings::{CallMade, Line, Rings},
};
use crate::events::{
    BatchDiscarded, BatchInvoked, Detail, Event, EventKind, Happened, Records, SeenRecord,
};

/// How long after its invocation a log line may be read from the pipe, milliseconds.
const LATE_LINE: f64 = 5.0;

/// What a recorder keeps.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) records: Kept,
    /// The records of a mapping and a shard that were discarded last: the id of their batch
    /// follows.
    discarded: HashMap<(Arc<str>, Arc<str>), Vec<u64>>,
    names: HashSet<Arc<str>, RandomState>,
    pub(crate) counts: Counts,
    pub(crate) rings: Rings,
    /// Of an exporter.
    pub(crate) outbox: Option<Outbox>,
    pub(crate) invocations: Invocations,
}

impl State {
    pub(super) fn apply(&mut self, happened: &Happened) {
        match happened {
            Happened::Event(event) => self.event(event),
            Happened::Detail(detail) => self.detail(milliseconds(detail.0), &detail.1),
        }
    }

    fn event(&mut self, event: &Event) {
        let at = milliseconds(event.time);
        match &event.kind {
            EventKind::Log {
                function,
                environment,
                text,
            } => {
                let function = self.name(function);
                self.rings.line(Line {
                    at,
                    function,
                    environment: *environment,
                    text: text.clone(),
                });
            }
            EventKind::InvocationStarted {
                environment,
                request_id,
                trace,
                ..
            } => {
                let environment = *environment;
                self.invocations.started(request_id, at, environment, trace);
            }
            EventKind::InvocationEnded(ended) => {
                self.counts.invocations += 1;
                self.counts.errors += u64::from(!ended.outcome.is_ok());
                self.counts.invoke.add(ended.duration_ms);
            }
            EventKind::RetryScheduled {
                mapping,
                shard,
                failures,
                wait_ms,
                ..
            } => {
                let (failures, wait_ms) = (*failures, *wait_ms);
                let retried = Retried {
                    at,
                    wait_ms,
                    failures,
                };
                self.invocations.retrying(mapping, shard, retried);
            }
            EventKind::BatchDiscarded(batch) => self.batch_discarded(at, batch),
            EventKind::Dropped { events } => self.counts.dropped += events,
            _ => {}
        }
    }

    fn detail(&mut self, at: f64, detail: &Detail) {
        match detail {
            Detail::RecordsPut { stream, records } => {
                let stream = self.name(stream);
                for record in records {
                    self.put(at, &stream, record);
                }
            }
            Detail::RecordsRead(records) => {
                let mapping = self.name(&records.mapping);
                self.records.change(&records.sequence_numbers, |record| {
                    let mapping = mapping.clone();
                    record.mark(at, Mark::Read { mapping });
                });
            }
            Detail::Invoking {
                records,
                request_id,
                retry,
            } => self.invoking(at, records, request_id, *retry),
            Detail::Invoked {
                stream,
                batch,
                records,
                response,
            } => {
                let processed = usize::try_from(batch.processed).unwrap_or(usize::MAX);
                let ended = Ended {
                    at,
                    duration_ms: batch.duration_ms,
                    outcome: batch.outcome,
                    error: batch.error.clone(),
                    processed: records.len().min(processed),
                    response: response.clone(),
                };
                self.invoked(stream, batch, records, ended);
            }
            Detail::Filtered(records) => {
                let (mapping, function) = self.names_of(records);
                self.counts.filtered += records.sequence_numbers.len() as u64;
                self.records.change(&records.sequence_numbers, |record| {
                    record.is(&mapping, &function, Status::Filtered, at);
                    let mapping = mapping.clone();
                    record.mark(at, Mark::Filtered { mapping });
                });
            }
            Detail::Discarded { records, condition } => self.discarded(at, records, condition),
            Detail::Redriven(redriven) => {
                let change = |record: &mut Recorded| record.redriven(at, redriven);
                self.records.change(&redriven.sequence_numbers, change);
            }
            Detail::CacheCalled {
                cache,
                operation,
                key,
                outcome,
                duration_ms,
            } => {
                let made = CallMade {
                    ended: at,
                    duration_ms: *duration_ms,
                    cache: true,
                    name: self.name(cache),
                    operation: self.name(operation),
                    keys: vec![vec![String::from_utf8_lossy(key).into_owned()]],
                    ok: outcome.code().is_none(),
                    outcome: Some(*outcome),
                };
                self.rings.call(made);
            }
            Detail::StoreCalled {
                operation,
                table,
                keys,
                ok,
                duration_ms,
            } => {
                let made = CallMade {
                    ended: at,
                    duration_ms: *duration_ms,
                    cache: false,
                    name: self.name(table),
                    operation: self.name(operation),
                    keys: keys.clone(),
                    outcome: None,
                    ok: *ok,
                };
                self.rings.call(made);
            }
        }
    }

    fn put(&mut self, at: f64, stream: &Arc<str>, record: &SeenRecord) {
        self.counts.put += 1;
        let shard = self.name(&record.shard);
        let number = self.ensure(at, stream, record);
        let shard = (stream.clone(), shard);
        self.counts.shards.entry(shard).or_default().0 += 1;
        if let Some(kept) = self.records.get_mut(number) {
            kept.put_at = at;
        }
        self.records.changed(number);
    }

    fn invoking(&mut self, at: f64, records: &Records, request_id: &str, retry: bool) {
        let (mapping, function) = self.names_of(records);
        let shard = self.name(&records.shard);
        let numbers = &records.sequence_numbers;
        let first = numbers.first().unwrap_or_default().into();
        let last = numbers.last().unwrap_or_default().into();
        let number = self.invocations.push(Invocation {
            request_id: request_id.into(),
            mapping: mapping.clone(),
            function: function.clone(),
            shard,
            retry,
            records: records.sequence_numbers.len(),
            first,
            last,
            formed: at,
            ..Invocation::default()
        });
        self.records.change(&records.sequence_numbers, |record| {
            record.is(&mapping, &function, Status::Invoked, at);
            record.tries += 1;
            record.mark(at, Mark::Invocation(number));
        });
    }

    fn invoked(
        &mut self,
        stream: &Arc<str>,
        batch: &BatchInvoked,
        records: &[SeenRecord],
        ended: Ended,
    ) {
        let at = ended.at;
        self.counts.retries += u64::from(batch.retry);
        let (mapping, function) = (self.name(&batch.mapping), self.name(&batch.function));
        let shard = self.name(&batch.shard);
        let known = self.invocations.number(&batch.request_id);
        let invocation = known.unwrap_or_else(|| {
            self.invocations.push(Invocation {
                request_id: batch.request_id.as_str().into(),
                mapping: mapping.clone(),
                function: function.clone(),
                shard: shard.clone(),
                retry: batch.retry,
                records: records.len(),
                first: batch.start_sequence_number.as_str().into(),
                last: batch.end_sequence_number.as_str().into(),
                formed: at - ended.duration_ms,
                ..Invocation::default()
            })
        });
        let (processed, began) = (ended.processed, at - ended.duration_ms);
        self.counts.processed += processed as u64;
        let key = (self.name(stream), shard);
        self.counts.shards.entry(key).or_default().1 += processed as u64;
        self.invocations.ended(invocation, ended);
        if let Some(outbox) = &mut self.outbox {
            outbox.ended(invocation);
        }
        for (index, seen) in records.iter().enumerate() {
            let number = self.ensure(at, stream, seen);
            let Some(record) = self.records.get_mut(number) else {
                continue;
            };
            record.arrived = seen.arrived.map(milliseconds).or(record.arrived);
            // It began before the recorder, or the put was in another process.
            if !record.was_in(invocation) {
                record.tries += 1;
                record.mark(began, Mark::Invocation(invocation));
            }
            let latency = at - record.put_at;
            if index < processed {
                record.is(&mapping, &function, Status::Processed, at);
                let mapping = mapping.clone();
                record.mark(at, Mark::Processed { mapping });
                self.counts.latency.add(latency);
            } else {
                record.is(&mapping, &function, Status::Retrying, at);
            }
            self.records.changed(number);
        }
    }

    fn discarded(&mut self, at: f64, records: &Records, condition: &'static str) {
        let (mapping, function) = self.names_of(records);
        self.counts.discarded += records.sequence_numbers.len() as u64;
        let mut numbers = Vec::new();
        for sequence_number in records.sequence_numbers.iter() {
            numbers.extend(self.records.number(sequence_number));
        }
        self.records.change(&records.sequence_numbers, |record| {
            record.is(&mapping, &function, Status::Discarded, at);
            let mapping = mapping.clone();
            let batch = None;
            record.mark(
                at,
                Mark::Discarded {
                    mapping,
                    condition,
                    batch,
                },
            );
        });
        let shard = self.name(&records.shard);
        self.discarded.insert((mapping, shard), numbers);
    }

    /// The batch of the records that were discarded last has an id.
    fn batch_discarded(&mut self, time: f64, batch: &BatchDiscarded) {
        let at = (self.name(&batch.mapping), self.name(&batch.shard));
        let about = Arc::new((batch.id.clone(), batch.error.clone()));
        let mut last = None;
        for number in self.discarded.remove(&at).unwrap_or_default() {
            let marks = self.records.get_mut(number).map(|record| &mut record.marks);
            let mut is_told = false;
            for (_, mark) in marks.into_iter().flatten().rev() {
                match mark {
                    Mark::Discarded { mapping, batch, .. } if *mapping == at.0 && !is_told => {
                        *batch = Some(about.clone());
                        is_told = true;
                    }
                    Mark::Invocation(number) if is_told => {
                        last = last.max(Some(*number));
                        break;
                    }
                    _ => {}
                }
            }
        }
        if let Some(outbox) = &mut self.outbox {
            outbox.discarded(time, last, batch);
        }
    }

    /// The number of a record, which is kept from now on.
    fn ensure(&mut self, at: f64, stream: &Arc<str>, seen: &SeenRecord) -> u64 {
        if let Some(number) = self.records.number(&seen.sequence_number) {
            return number;
        }
        let arrived = seen.arrived.map(milliseconds);
        let record = Recorded {
            stream: self.name(stream),
            shard: self.name(&seen.shard),
            sequence_number: seen.sequence_number.as_str().into(),
            partition_key: seen.partition_key.clone(),
            data: match arrived {
                // A put's own copy.
                None => seen.data.clone(),
                // Of the record alone: a shared chunk would be kept for it.
                Some(_) => bytes::Bytes::copy_from_slice(&seen.data),
            },
            put_at: arrived.unwrap_or(at),
            arrived,
            progress: Vec::new(),
            marks: Vec::new(),
            omitted: 0,
            tries: 0,
            settled_at: None,
            failed: false,
        };
        self.records.push(record)
    }

    /// The lines that the environment of an invocation wrote during it, and after it until the
    /// next one began.
    pub(crate) fn lines_of(&self, number: u64) -> impl Iterator<Item = &Line> {
        let invocation = self.invocations.get(number);
        let invocation = invocation.and_then(|one| Some((one, one.environment?)));
        let lines = invocation.map(|(invocation, environment)| {
            let began = invocation.started.unwrap_or(invocation.formed);
            let ended = invocation.ended.as_ref();
            let until = ended.map_or(f64::INFINITY, |ended| ended.at + LATE_LINE);
            let next = self.invocations.next_start(number);
            let until = until.min(next.unwrap_or(f64::INFINITY));
            let writer = (&*invocation.function, environment);
            self.rings.lines(writer, began, until)
        });
        lines.into_iter().flatten()
    }

    fn names_of(&mut self, records: &Records) -> (Arc<str>, Arc<str>) {
        (self.name(&records.mapping), self.name(&records.function))
    }

    /// The same text for all records.
    fn name(&mut self, text: &str) -> Arc<str> {
        if let Some(name) = self.names.get(text) {
            return name.clone();
        }
        let name: Arc<str> = text.into();
        self.names.insert(name.clone());
        name
    }
}

/// Milliseconds since 1970. Their fraction is exact to less than a microsecond.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn milliseconds(time: OffsetDateTime) -> f64 {
    let microseconds = time.unix_timestamp_nanos() / 1000;
    microseconds as f64 / 1000.0
}
