//! Cuts batches: at most `BatchSize` records and 6 MB of payload.

use std::collections::VecDeque;

use bytes::Bytes;
use time::OffsetDateTime;

use super::{
    event,
    source::Record,
    window::{MAX_STATE, Window},
};
use crate::MAX_PAYLOAD;

/// Bytes of an event's fields about its tumbling window, without the state.
const WINDOW_FIELDS: usize = 1024;

/// A record with its JSON, which is encoded once for all attempts.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The record.
    pub record: Record,
    /// Its entry in an event's `Records`.
    pub(crate) json: Bytes,
    /// Its number in the shard's low watermark.
    pub(crate) ordinal: u64,
}

impl Prepared {
    /// A record as observers see it, for their tests: it has no entry in an event.
    #[must_use]
    pub fn observed(record: Record) -> Self {
        Self {
            json: Bytes::new(),
            record,
            ordinal: 0,
        }
    }
}

/// Records that wait for their batch.
#[derive(Debug)]
pub(crate) struct Buffer {
    waiting: VecDeque<Prepared>,
    /// Bytes of JSON that wait, commas included.
    bytes: usize,
    batch_size: usize,
    /// Bytes of an event that are not records.
    overhead: usize,
}

impl Buffer {
    /// An empty buffer for batches of at most `batch_size` records; with
    /// `tumbling`, each event leaves room for a tumbling window's state.
    #[must_use]
    pub(crate) fn new(batch_size: u32, tumbling: bool) -> Self {
        let window = if tumbling {
            MAX_STATE + WINDOW_FIELDS
        } else {
            0
        };
        Self {
            waiting: VecDeque::new(),
            bytes: 0,
            batch_size: batch_size as usize,
            overhead: event::overhead() + window,
        }
    }

    /// Adds a record at the end.
    pub(crate) fn push(&mut self, prepared: Prepared) {
        self.bytes += prepared.json.len() + 1;
        self.waiting.push_back(prepared);
    }

    /// How many records wait.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// How many bytes of JSON wait.
    #[must_use]
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether no record waits.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// When the first waiting record arrived.
    #[must_use]
    pub(crate) fn first_arrival(&self) -> Option<OffsetDateTime> {
        self.waiting.front().map(|first| first.record.arrived)
    }

    /// Whether a batch is full: it has `BatchSize` records or the payload of one
    /// invocation, or a record of a later tumbling window follows it.
    #[must_use]
    pub(crate) fn is_full(&self, window: Option<&Window>) -> bool {
        let ended = |window: &Window| {
            self.waiting
                .back()
                .is_some_and(|last| window.ends_before(last.record.arrived))
        };
        self.waiting.len() >= self.batch_size
            || self.overhead + self.bytes >= MAX_PAYLOAD
            || window.is_some_and(ended)
    }

    /// Takes the next batch: at most `BatchSize` records, the payload of one invocation
    /// and the records of one tumbling window, but at least one record if any waits.
    pub(crate) fn cut(&mut self, window: Option<&Window>) -> Vec<Prepared> {
        let mut batch = Vec::new();
        let mut size = self.overhead;
        while batch.len() < self.batch_size {
            let Some(next) = self.waiting.front() else {
                break;
            };
            let comma = usize::from(!batch.is_empty());
            let later = window.is_some_and(|window| window.ends_before(next.record.arrived));
            let too_large = size + comma + next.json.len() > MAX_PAYLOAD;
            if !batch.is_empty() && (later || too_large) {
                break;
            }
            size += comma + next.json.len();
            self.bytes -= next.json.len() + 1;
            batch.extend(self.waiting.pop_front());
        }
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::{Buffer, Prepared};
    use crate::{
        MAX_PAYLOAD,
        event::{self, Origin},
        source::Record,
    };
    use bytes::Bytes;
    use time::OffsetDateTime;

    fn origin() -> Origin {
        Origin::new(
            "arn:aws:kinesis:us-east-1:000000000000:stream/s",
            "us-east-1",
            "shardId-000000000000",
        )
    }

    fn records(count: usize, bytes: usize) -> impl Iterator<Item = Prepared> {
        let record = move |number: usize| Record {
            sequence_number: number.to_string(),
            partition_key: "k".into(),
            data: Bytes::from(vec![b'x'; bytes]),
            arrived: OffsetDateTime::UNIX_EPOCH,
        };
        (0..count).map(record).map(|record| Prepared {
            json: event::encode(&record, &origin()),
            record,
            ordinal: 0,
        })
    }

    fn filled(batch_size: u32, count: usize, bytes: usize) -> Buffer {
        let mut buffer = Buffer::new(batch_size, false);
        records(count, bytes).for_each(|prepared| buffer.push(prepared));
        buffer
    }

    #[test]
    fn a_batch_has_at_most_the_batch_size() {
        let mut buffer = filled(10, 25, 1);
        let sizes: Vec<_> = (0..4).map(|_| buffer.cut(None).len()).collect();
        assert_eq!(sizes, [10, 10, 5, 0]);
        assert!(buffer.is_empty());
    }

    #[test]
    fn a_batch_is_cut_at_six_megabytes_of_json_base64_included() {
        let mut buffer = filled(10_000, 10, 1024 * 1024);
        assert!(buffer.is_full(None));
        let mut seen = 0;
        while !buffer.is_empty() {
            let batch = buffer.cut(None);
            seen += batch.len();
            let event = event::join(batch.iter().map(|prepared| &prepared.json), None);
            assert!(event.len() <= MAX_PAYLOAD, "{}", event.len());
        }
        assert_eq!(seen, 10);
    }

    #[test]
    fn a_record_too_large_for_any_payload_is_a_batch_of_its_own() {
        let mut buffer = filled(100, 2, 6 * 1024 * 1024);
        assert_eq!(buffer.cut(None).len(), 1);
        assert_eq!(buffer.cut(None).len(), 1);
    }
}
