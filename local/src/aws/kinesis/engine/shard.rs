//! One shard: an ordered list of records, and whether it still takes new ones.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;

use super::{
    hash_key::HashKeyRange,
    record::{Chunk, Record},
    sequence::SequenceNumber,
    throttle::Throttle,
};

/// A shard of a stream. Its mutex is held for the time it takes to append or to
/// copy references, never while anything is parsed, serialised or awaited.
#[derive(Debug)]
pub struct Shard {
    /// Its number in the stream.
    pub number: u64,
    /// `shardId-` and the number in 12 digits.
    pub id: String,
    /// The shard that was split, or the first of two merged.
    pub parent: Option<u64>,
    /// The second of two merged.
    pub adjacent_parent: Option<u64>,
    /// The hash keys it owns.
    pub range: HashKeyRange,
    /// When it was opened, microseconds since the Unix epoch, unique in the engine.
    pub opened: u64,
    state: Mutex<State>,
    /// Bytes that the records of all shards take.
    memory: Arc<AtomicU64>,
}

#[derive(Debug)]
struct State {
    records: VecDeque<Record>,
    /// The index of the first of `records`; indices start at 1.
    first: u64,
    chunk: Chunk,
    /// Keeps arrival times from going back when the clock does.
    last_arrival: u64,
    closing: Option<Closing>,
    throttle: Throttle,
}

/// How a shard ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// When, in milliseconds since the Unix epoch.
    pub at: u64,
    /// The index after the last record: the shard's ending sequence number.
    pub index: u64,
    /// The numbers of the shards that took over.
    pub children: Vec<u64>,
}

/// What is needed to open a shard.
#[derive(Debug, Clone)]
pub struct Opening {
    /// Its number in the stream.
    pub number: u64,
    /// The hash keys it owns.
    pub range: HashKeyRange,
    /// The shard that was split, or the first of two merged.
    pub parent: Option<u64>,
    /// The second of two merged.
    pub adjacent_parent: Option<u64>,
    /// When, microseconds since the Unix epoch, unique in the engine.
    pub opened: u64,
}

/// A record that is about to be stored.
#[derive(Debug, Clone, Copy)]
pub struct NewRecord<'a> {
    /// At most 256 characters.
    pub partition_key: &'a str,
    /// The data blob.
    pub data: &'a [u8],
}

/// What became of one record of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Stored under this number.
    Stored(SequenceNumber),
    /// Refused: the shard's throughput is used up.
    Throttled,
}

/// The shard has been closed: its children take the records now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed;

/// The reads of a shard are used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttled;

/// What a read asks for.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// The index of the first record wanted.
    pub from: u64,
    /// Records at most.
    pub limit: usize,
    /// Bytes of keys and data at most; one record is returned even if it is larger.
    pub bytes: usize,
}

/// What a read found.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The index of the first of `records`.
    pub first: u64,
    /// The records, sharing their bytes with the shard.
    pub records: Vec<Record>,
    /// When the first unread record arrived, milliseconds since the Unix epoch.
    pub unread_since: Option<u64>,
    /// The children, once a closed shard is read to its end.
    pub ended: Option<Vec<u64>>,
}

impl Batch {
    /// The index to go on reading from.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.first + self.records.len() as u64
    }

    /// Milliseconds that a reader is behind after this batch: 0 at the tip, at
    /// least 1 before it.
    #[must_use]
    pub fn behind(&self, now: u64) -> u64 {
        self.unread_since
            .map_or(0, |arrival| now.saturating_sub(arrival).max(1))
    }
}

/// The time, and how far back records are kept.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Microseconds since the Unix epoch.
    pub micros: u64,
    /// Records that arrived before this, in milliseconds since the Unix epoch, are gone.
    pub horizon: u64,
    /// Whether throughput limits hold.
    pub limited: bool,
}

impl Moment {
    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub fn millis(&self) -> u64 {
        self.micros / 1000
    }
}

impl Shard {
    /// Opens an empty shard.
    #[must_use]
    pub fn open(opening: &Opening, memory: Arc<AtomicU64>) -> Self {
        Self {
            number: opening.number,
            id: shard_id(opening.number),
            parent: opening.parent,
            adjacent_parent: opening.adjacent_parent,
            range: opening.range,
            opened: opening.opened,
            state: Mutex::new(State {
                records: VecDeque::new(),
                first: 1,
                chunk: Chunk::default(),
                last_arrival: 0,
                closing: None,
                throttle: Throttle::new(opening.opened),
            }),
            memory,
        }
    }

    /// The sequence number of the record at `index`.
    #[must_use]
    pub fn sequence(&self, index: u64) -> SequenceNumber {
        SequenceNumber {
            opened: self.opened,
            shard: self.number,
            index,
        }
    }

    /// Stores `records` in their order, each or not at all.
    ///
    /// # Errors
    ///
    /// [`Closed`] if the shard takes no more; nothing is stored then.
    pub fn append(&self, records: &[NewRecord<'_>], now: Moment) -> Result<Vec<Outcome>, Closed> {
        let mut state = self.state.lock();
        if state.closing.is_some() {
            return Err(Closed);
        }
        self.trim_to(&mut state, now.horizon);
        let arrival = state.last_arrival.max(now.millis());
        state.last_arrival = arrival;
        let mut stored = 0;
        let outcomes = records
            .iter()
            .map(|record| {
                let size = (record.partition_key.len() + record.data.len()) as u64;
                if now.limited && !state.throttle.write(size, now.micros) {
                    return Outcome::Throttled;
                }
                let record = state
                    .chunk
                    .store(arrival, record.partition_key, record.data);
                stored += record.footprint();
                state.records.push_back(record);
                Outcome::Stored(self.sequence(state.next() - 1))
            })
            .collect();
        self.memory.fetch_add(stored, Ordering::Relaxed);
        Ok(outcomes)
    }

    /// Reads a window of the shard.
    ///
    /// # Errors
    ///
    /// [`Throttled`] if limits hold and the shard's reads are used up.
    pub fn read(&self, window: Window, now: Moment) -> Result<Batch, Throttled> {
        let mut state = self.state.lock();
        if now.limited && !state.throttle.read(now.micros) {
            return Err(Throttled);
        }
        self.trim_to(&mut state, now.horizon);
        let first = window.from.clamp(state.first, state.next());
        let skipped = usize::try_from(first - state.first).unwrap_or(usize::MAX);
        let mut bytes = 0;
        let records: Vec<_> = state
            .records
            .range(skipped..)
            .take(window.limit)
            .take_while(|record| {
                let fits = bytes == 0 || bytes + record.size() <= window.bytes;
                bytes += record.size().max(1);
                fits
            })
            .cloned()
            .collect();
        if now.limited {
            let read: usize = records.iter().map(Record::size).sum();
            state.throttle.charge_read(read as u64);
        }
        let unread = state.records.get(skipped + records.len());
        let ended = match (&state.closing, unread) {
            (Some(closing), None) => Some(closing.children.clone()),
            _ => None,
        };
        Ok(Batch {
            first,
            records,
            unread_since: unread.map(|record| record.arrival),
            ended,
        })
    }

    /// Takes no more records from now on, and names the shards that do.
    ///
    /// # Errors
    ///
    /// [`Closed`] if it was closed before.
    pub fn close(&self, children: Vec<u64>, at: u64) -> Result<Closing, Closed> {
        let mut state = self.state.lock();
        if state.closing.is_some() {
            return Err(Closed);
        }
        let closing = Closing {
            at: at.max(state.last_arrival),
            index: state.next(),
            children,
        };
        state.closing = Some(closing.clone());
        Ok(closing)
    }

    /// How the shard was closed, if it was.
    #[must_use]
    pub fn closing(&self) -> Option<Closing> {
        self.state.lock().closing.clone()
    }

    /// The index of the oldest record kept, or of the next one.
    #[must_use]
    pub fn oldest(&self, now: Moment) -> u64 {
        let mut state = self.state.lock();
        self.trim_to(&mut state, now.horizon);
        state.first
    }

    /// The index that the next record will get.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.state.lock().next()
    }

    /// The index of the first record that arrived at `millis` or later.
    #[must_use]
    pub fn at_time(&self, millis: u64) -> u64 {
        let state = self.state.lock();
        let before = state
            .records
            .partition_point(|record| record.arrival < millis);
        state.first + before as u64
    }

    /// When the oldest record kept arrived, milliseconds since the Unix epoch.
    #[must_use]
    pub fn oldest_arrival(&self) -> Option<u64> {
        self.state
            .lock()
            .records
            .front()
            .map(|record| record.arrival)
    }

    /// Drops the oldest records until `bytes` bytes of memory are free or none
    /// is left; says how many were dropped.
    pub fn evict(&self, bytes: u64) -> u64 {
        let mut state = self.state.lock();
        let mut freed = 0;
        self.drop_while(&mut state, |record| {
            let wanted = freed < bytes;
            freed += record.footprint();
            wanted
        })
    }

    /// Drops records that are past retention.
    pub fn trim(&self, horizon: u64) {
        self.trim_to(&mut self.state.lock(), horizon);
    }

    fn trim_to(&self, state: &mut State, horizon: u64) {
        self.drop_while(state, |record| record.arrival < horizon);
    }

    fn drop_while(&self, state: &mut State, mut gone: impl FnMut(&Record) -> bool) -> u64 {
        let (mut dropped, mut freed) = (0, 0);
        while state.records.front().is_some_and(&mut gone) {
            if let Some(record) = state.records.pop_front() {
                freed += record.footprint();
                dropped += 1;
            }
        }
        state.first += dropped;
        if freed > 0 {
            self.memory.fetch_sub(freed, Ordering::Relaxed);
        }
        dropped
    }
}

impl Drop for Shard {
    fn drop(&mut self) {
        let records = &self.state.get_mut().records;
        let freed = records.iter().map(Record::footprint).sum();
        self.memory.fetch_sub(freed, Ordering::Relaxed);
    }
}

impl State {
    fn next(&self) -> u64 {
        self.first + self.records.len() as u64
    }
}

/// `shardId-` and the number in 12 digits.
#[must_use]
pub fn shard_id(number: u64) -> String {
    format!("shardId-{number:012}")
}

/// The number in a shard id; AWS takes the bare number for the whole id.
#[must_use]
pub fn shard_number(id: &str) -> Option<u64> {
    let digits = id.strip_prefix("shardId-").unwrap_or(id);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}
