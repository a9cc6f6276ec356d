//! Cutting batches: as many records as fit, or as have come in time.

use std::collections::VecDeque;

use bytes::Bytes;

use super::{
    event::{self, Origin},
    source::Record,
};
use crate::lambda::MAX_PAYLOAD;

/// A record with its JSON, which is written once for all tries.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The record.
    pub record: Record,
    /// As it stands in an event.
    pub json: Bytes,
}

/// Records of one shard that wait for their batch.
#[derive(Debug)]
pub struct Buffer {
    waiting: VecDeque<Prepared>,
    /// Bytes of JSON that wait, commas included.
    bytes: usize,
    batch_size: usize,
}

impl Buffer {
    /// An empty buffer for batches of at most `batch_size` records.
    #[must_use]
    pub fn new(batch_size: u32) -> Self {
        Self {
            waiting: VecDeque::new(),
            bytes: 0,
            batch_size: batch_size as usize,
        }
    }

    /// Adds records behind those that wait.
    pub fn extend(&mut self, records: Vec<Record>, origin: &Origin) {
        for record in records {
            let json = event::encode(&record, origin);
            self.bytes += json.len() + 1;
            self.waiting.push_back(Prepared { record, json });
        }
    }

    /// Whether none wait.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether a batch need not wait for more: it has all records it may have,
    /// or all bytes of an invocation's payload.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.waiting.len() >= self.batch_size || event::overhead() + self.bytes >= MAX_PAYLOAD
    }

    /// Takes the next batch: at most the batch size, at most the payload of one
    /// invocation, but at least one record where one waits.
    pub fn cut(&mut self) -> Vec<Prepared> {
        let mut batch = Vec::new();
        let mut size = event::overhead();
        while batch.len() < self.batch_size {
            let Some(next) = self.waiting.front() else {
                break;
            };
            let comma = usize::from(!batch.is_empty());
            if !batch.is_empty() && size + comma + next.json.len() > MAX_PAYLOAD {
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
    use super::Buffer;
    use crate::{
        event_source::{
            event::{self, Origin},
            source::Record,
        },
        lambda::MAX_PAYLOAD,
    };
    use bytes::Bytes;
    use time::OffsetDateTime;

    fn origin() -> Origin {
        Origin {
            stream_arn: "arn:aws:kinesis:us-east-1:000000000000:stream/s".into(),
            region: "us-east-1".into(),
            shard_id: "shardId-000000000000".into(),
            role_arn: "arn:aws:iam::000000000000:role/r".into(),
        }
    }

    fn records(count: usize, bytes: usize) -> Vec<Record> {
        (0..count)
            .map(|number| Record {
                sequence_number: number.to_string(),
                partition_key: "k".into(),
                data: Bytes::from(vec![b'x'; bytes]),
                arrived: OffsetDateTime::UNIX_EPOCH,
            })
            .collect()
    }

    #[test]
    fn a_batch_has_at_most_the_batch_size() {
        let mut buffer = Buffer::new(10);
        buffer.extend(records(25, 1), &origin());
        let sizes: Vec<_> = (0..4).map(|_| buffer.cut().len()).collect();
        assert_eq!(sizes, [10, 10, 5, 0]);
        assert!(buffer.is_empty());
    }

    #[test]
    fn a_batch_is_cut_at_six_megabytes_of_json_base64_included() {
        let mut buffer = Buffer::new(10_000);
        buffer.extend(records(10, 1024 * 1024), &origin());
        assert!(buffer.is_full());
        let mut seen = 0;
        while !buffer.is_empty() {
            let batch = buffer.cut();
            seen += batch.len();
            let event = event::join(batch.iter().map(|prepared| &prepared.json));
            assert!(event.len() <= MAX_PAYLOAD, "{}", event.len());
        }
        assert_eq!(seen, 10);
    }

    #[test]
    fn a_record_too_large_for_any_payload_is_a_batch_of_its_own() {
        let mut buffer = Buffer::new(100);
        buffer.extend(records(2, 6 * 1024 * 1024), &origin());
        assert_eq!(buffer.cut().len(), 1);
        assert_eq!(buffer.cut().len(), 1);
    }
}
