//! The content of a shard, behind its mutex.

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicU64, Ordering},
};

use super::{
    record::{Chunk, Record},
    shard::{Closing, Opening},
    throttle::Throttle,
};
use crate::log::{Entry, ShardLog};

/// A shard's records, and whether it takes more.
#[derive(Debug)]
pub(super) struct State {
    pub(super) records: VecDeque<Record>,
    /// The chunks that `records` lie in, by the index of their first record, with their
    /// bytes: a chunk is freed with its last record.
    pub(super) chunks: VecDeque<(u64, u64)>,
    /// Bytes of all `chunks`.
    pub(super) chunk_bytes: u64,
    /// This shard's part of the bytes that all shards take.
    pub(super) counted: u64,
    /// The index of the first of `records`; indices start at 1.
    pub(super) first: u64,
    pub(super) chunk: Chunk,
    /// Keeps arrival times from going back when the clock does.
    pub(super) last_arrival: u64,
    pub(super) closing: Option<Closing>,
    /// Takes no records, and its readers see no end: a reshard is being stored.
    pub(super) sealed: bool,
    /// The stream was deleted.
    pub(super) deleted: bool,
    pub(super) throttle: Throttle,
    /// Where records are written before they are stored here.
    pub(super) log: Option<ShardLog>,
}

impl State {
    pub(super) fn new(opening: &Opening) -> Self {
        Self {
            records: VecDeque::new(),
            chunks: VecDeque::new(),
            chunk_bytes: 0,
            counted: 0,
            first: 1,
            chunk: Chunk::default(),
            last_arrival: 0,
            closing: None,
            sealed: false,
            deleted: false,
            throttle: Throttle::new(opening.opened),
            log: None,
        }
    }

    /// Stores a record.
    pub(super) fn push(&mut self, arrival: u64, partition_key: &str, data: &[u8]) {
        let length = partition_key.len() + data.len();
        if let Some(bytes) = self.chunk.reserve(length, self.chunk_bytes) {
            self.chunks.push_back((self.next(), bytes));
            self.chunk_bytes += bytes;
        }
        let record = self.chunk.store(arrival, partition_key, data);
        if self.records.len() == self.records.capacity() {
            // A list that doubles would have as much spare room as records.
            self.records.reserve_exact((self.records.len() / 4).max(4));
        }
        self.records.push_back(record);
    }

    /// Stores a record that the log holds already. Records before a gap were trimmed.
    pub(super) fn restore(&mut self, entry: Entry<'_>) {
        if entry.index != self.next() {
            self.records.clear();
            self.first = entry.index;
            self.release();
        }
        self.last_arrival = self.last_arrival.max(entry.arrival);
        self.push(entry.arrival, entry.partition_key, entry.data);
    }

    /// Frees chunks without records, and spare room.
    pub(super) fn release(&mut self) {
        if self.records.is_empty() {
            self.chunk = Chunk::default();
        }
        while let Some((_, bytes)) = self.chunks.front() {
            let used = match self.chunks.get(1) {
                Some((next, _)) => *next > self.first,
                None => !self.records.is_empty(),
            };
            if used {
                break;
            }
            self.chunk_bytes -= bytes;
            self.chunks.pop_front();
        }
        let length = self.records.len();
        if length < self.records.capacity() / 2 {
            self.records.shrink_to(length + length / 4);
        }
    }

    /// Updates `memory`, the bytes that all shards take, with this shard's.
    pub(super) fn count(&mut self, memory: &AtomicU64) {
        let slots = (self.records.capacity() * size_of::<Record>()) as u64;
        let taken = slots + self.chunk_bytes;
        // Wraps around where the shard takes less than before.
        memory.fetch_add(taken.wrapping_sub(self.counted), Ordering::Relaxed);
        self.counted = taken;
    }

    pub(super) fn next(&self) -> u64 {
        self.first + self.records.len() as u64
    }
}
