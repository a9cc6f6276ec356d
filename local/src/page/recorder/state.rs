//! What a recorder keeps, and how events change it.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use time::OffsetDateTime;

use super::{
    counts::Counts,
    invocations::{Ended, Invocation, Invocations, Retried},
    outbox::Outbox,
    record::{Mark, Recorded, Status, Summary},
    rings::{CallMade, Line, Rings},
};
use crate::events::{
    BatchDiscarded, BatchInvoked, Detail, Event, EventKind, Happened, Records, SeenRecord,
};

/// Records that are kept at most.
pub(super) const MOST_RECORDS: usize = 10_000;

/// Bytes of records that are kept at most.
pub(super) const MOST_BYTES: usize = 32 * 1024 * 1024;

/// Changes that are remembered, for pages that show what changed.
const MOST_CHANGES: usize = 4096;

/// What a recorder keeps.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// In the order in which they were seen first.
    records: VecDeque<Recorded>,
    /// The number of the first one kept.
    first: u64,
    /// By sequence number, which no other record of the engine has.
    numbers: HashMap<Arc<str>, u64>,
    bytes: usize,
    /// The numbers of the records that changed last.
    changes: VecDeque<u64>,
    /// How many changes there were before those.
    changes_before: u64,
    /// The records of a mapping and a shard that were discarded last: the id of their batch
    /// follows.
    discarded: HashMap<(Arc<str>, Arc<str>), Vec<u64>>,
    names: HashSet<Arc<str>>,
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
                for record in records {
                    self.put(at, stream, record);
                }
            }
            Detail::RecordsRead(records) => {
                let mapping = self.name(&records.mapping);
                self.each(records, |record| {
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
                self.each(records, |record| {
                    record.is(&mapping, &function, Status::Filtered, at);
                    let mapping = mapping.clone();
                    record.mark(at, Mark::Filtered { mapping });
                });
            }
            Detail::Discarded { records, condition } => self.discarded(at, records, condition),
            Detail::CacheCalled {
                cache,
                operation,
                key,
                outcome,
                duration_ms,
            } => self.rings.call(CallMade {
                ended: at,
                duration_ms: *duration_ms,
                cache: true,
                name: cache.clone(),
                operation: operation.clone(),
                keys: vec![vec![String::from_utf8_lossy(key).into_owned()]],
                ok: outcome.code().is_none(),
                outcome: Some(*outcome),
            }),
            Detail::StoreCalled {
                operation,
                table,
                keys,
                ok,
                duration_ms,
            } => self.rings.call(CallMade {
                ended: at,
                duration_ms: *duration_ms,
                cache: false,
                name: table.clone(),
                operation: operation.clone(),
                keys: keys.clone(),
                outcome: None,
                ok: *ok,
            }),
        }
    }

    fn put(&mut self, at: f64, stream: &Arc<str>, record: &SeenRecord) {
        self.counts.put += 1;
        let shard = (self.name(stream), self.name(&record.shard));
        self.counts.shards.entry(shard).or_default().0 += 1;
        let number = self.ensure(at, stream, record);
        if let Some(kept) = self.get_mut(number) {
            kept.put_at = at;
        }
        self.changed(number);
    }

    fn invoking(&mut self, at: f64, records: &Records, request_id: &str, retry: bool) {
        let (mapping, function) = self.names_of(records);
        let shard = self.name(&records.shard);
        let number = self.invocations.push(Invocation {
            request_id: request_id.into(),
            mapping: mapping.clone(),
            function: function.clone(),
            shard,
            retry,
            records: records.sequence_numbers.len(),
            formed: at,
            started: None,
            environment: None,
            trace: None,
            ended: None,
            retried: None,
        });
        self.each(records, |record| {
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
                formed: at - ended.duration_ms,
                started: None,
                environment: None,
                trace: None,
                ended: None,
                retried: None,
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
            let Some(record) = self.get_mut(number) else {
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
            self.changed(number);
        }
    }

    fn discarded(&mut self, at: f64, records: &Records, condition: &'static str) {
        let (mapping, function) = self.names_of(records);
        self.counts.discarded += records.sequence_numbers.len() as u64;
        let mut numbers = Vec::new();
        for sequence_number in &records.sequence_numbers {
            numbers.extend(self.numbers.get(sequence_number.as_str()));
        }
        self.each(records, |record| {
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
            let marks = self.get_mut(number).map(|record| &mut record.marks);
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

    /// Changes the records that are kept.
    fn each(&mut self, records: &Records, mut change: impl FnMut(&mut Recorded)) {
        for sequence_number in &records.sequence_numbers {
            let number = self.numbers.get(sequence_number.as_str()).copied();
            if let Some(number) = number
                && let Some(record) = self.get_mut(number)
            {
                change(record);
                self.changed(number);
            }
        }
    }

    /// The number of a record, which is kept from now on.
    fn ensure(&mut self, at: f64, stream: &Arc<str>, seen: &SeenRecord) -> u64 {
        if let Some(number) = self.numbers.get(seen.sequence_number.as_str()) {
            return *number;
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
        };
        let number = self.first + self.records.len() as u64;
        self.bytes += record.bytes();
        self.numbers.insert(record.sequence_number.clone(), number);
        self.records.push_back(record);
        while self.records.len() > MOST_RECORDS || self.bytes > MOST_BYTES {
            let Some(oldest) = self.records.pop_front() else {
                break;
            };
            self.bytes -= oldest.bytes();
            self.numbers.remove(&oldest.sequence_number);
            self.first += 1;
        }
        number
    }

    fn changed(&mut self, number: u64) {
        self.changes.push_back(number);
        if self.changes.len() > MOST_CHANGES {
            self.changes.pop_front();
            self.changes_before += 1;
        }
    }

    fn get_mut(&mut self, number: u64) -> Option<&mut Recorded> {
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.records.get_mut(index)
    }

    /// A record by its number.
    pub(crate) fn get(&self, number: u64) -> Option<&Recorded> {
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.records.get(index)
    }

    /// A record by its sequence number, and its stream's name if that is known.
    pub(crate) fn find(&self, stream: Option<&str>, sequence_number: &str) -> Option<&Recorded> {
        let number = self.numbers.get(sequence_number)?;
        let record = self.get(*number)?;
        stream
            .is_none_or(|stream| *record.stream == *stream)
            .then_some(record)
    }

    /// The records, the newest first, with their numbers.
    pub(crate) fn newest(&self) -> impl Iterator<Item = (u64, &Recorded)> {
        let records = self.records.iter().zip(self.first..);
        let records = records.map(|(record, number)| (number, record));
        records.collect::<Vec<_>>().into_iter().rev()
    }

    /// The records of these invocations, in the order of their put.
    pub(crate) fn records_of(&self, invocations: &HashSet<u64>) -> HashMap<u64, Vec<u64>> {
        let mut records: HashMap<_, Vec<_>> = HashMap::new();
        for (record, number) in self.records.iter().zip(self.first..) {
            for (_, mark) in &record.marks {
                if let Mark::Invocation(invocation) = mark
                    && invocations.contains(invocation)
                {
                    records.entry(*invocation).or_default().push(number);
                }
            }
        }
        records
    }

    /// How many records are kept, and their bytes.
    pub(crate) fn kept(&self) -> (usize, usize) {
        (self.records.len(), self.bytes)
    }

    /// How many changes there were.
    pub(crate) fn changes(&self) -> u64 {
        self.changes_before + self.changes.len() as u64
    }

    /// At most `most` of the records that changed after that many changes, those that
    /// changed last, and how many others there are at most.
    pub(crate) fn changed_since(&self, seen: u64, most: usize) -> (Vec<Summary>, u64) {
        let skip = usize::try_from(seen.saturating_sub(self.changes_before)).unwrap_or(0);
        let mut known = HashSet::new();
        let (mut changed, mut skipped) = (Vec::new(), 0);
        for number in self.changes.iter().skip(skip).rev() {
            if !known.insert(*number) {
                continue;
            }
            match self.get(*number) {
                Some(record) if changed.len() < most => changed.push(record.summary()),
                _ => skipped += 1,
            }
        }
        // Changes that are forgotten may have been of other records.
        (changed, skipped + self.changes_before.saturating_sub(seen))
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
