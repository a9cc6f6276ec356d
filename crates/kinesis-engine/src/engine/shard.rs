//! One shard: an ordered list of records, and whether it still takes new ones.

use std::{
    collections::VecDeque,
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::{
    batch::{Batch, Throttled, Window},
    hash_key::HashKeyRange,
    moment::Moment,
    record::{Chunk, Record},
    sequence::SequenceNumber,
    throttle::Throttle,
};
use crate::{
    log::{Commit, Entry, OpenError, ShardLog},
    options::FsyncPolicy,
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
    /// Where records are written before they are stored here.
    log: Option<ShardLog>,
}

/// How a shard ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// When, in milliseconds since the Unix epoch.
    pub at: u64,
    /// The index after the last record: the shard's ending sequence number.
    pub index: u64,
    /// The numbers of the shards that took over.
    pub children: Vec<u64>,
}

/// What is needed to open a shard.
#[derive(Debug, Clone, Serialize, Deserialize)]
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

/// What became of an append.
#[derive(Debug)]
pub struct Appended {
    /// For each record, in order.
    pub outcomes: Vec<Outcome>,
    /// To wait for before the put is acknowledged.
    pub commit: Option<Commit>,
}

/// Why nothing of an append was stored.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The shard has been closed: its children take the records now.
    #[error("the shard is closed")]
    Closed,
    /// The shard's log cannot be written.
    #[error("the shard's log cannot be written: {0}")]
    Log(#[from] io::Error),
}

impl Shard {
    /// Opens an empty shard that is kept in memory.
    #[must_use]
    pub fn open(opening: &Opening, memory: Arc<AtomicU64>) -> Self {
        let state = State::new(opening);
        Self::new(opening, state, memory)
    }

    /// Opens a shard with the log in `directory`, and what the log holds.
    ///
    /// # Errors
    ///
    /// As [`ShardLog::open`].
    pub fn recover(
        opening: &Opening,
        closing: Option<Closing>,
        memory: Arc<AtomicU64>,
        directory: PathBuf,
        fsync: FsyncPolicy,
    ) -> Result<Self, OpenError> {
        let mut state = State::new(opening);
        let mut stored = 0;
        let recovered = ShardLog::open(directory, fsync, |entry| stored += state.restore(entry))?;
        if state.records.is_empty() {
            state.first = recovered.next;
        }
        state.log = Some(recovered.log);
        state.closing = closing;
        memory.fetch_add(stored, Ordering::Relaxed);
        Ok(Self::new(opening, state, memory))
    }

    fn new(opening: &Opening, state: State, memory: Arc<AtomicU64>) -> Self {
        Self {
            number: opening.number,
            id: shard_id(opening.number),
            parent: opening.parent,
            adjacent_parent: opening.adjacent_parent,
            range: opening.range,
            opened: opening.opened,
            state: Mutex::new(state),
            memory,
        }
    }

    /// What [`Shard::open`] would need to open it again.
    #[must_use]
    pub fn opening(&self) -> Opening {
        Opening {
            number: self.number,
            range: self.range,
            parent: self.parent,
            adjacent_parent: self.adjacent_parent,
            opened: self.opened,
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
    /// [`AppendError`] says why nothing was stored.
    pub fn append(&self, records: &[NewRecord<'_>], now: Moment) -> Result<Appended, AppendError> {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        if state.closing.is_some() {
            return Err(AppendError::Closed);
        }
        self.trim_to(state, now.horizon);
        let arrival = state.last_arrival.max(now.millis());
        state.last_arrival = arrival;
        let outcomes = self.admit(state, records, now);
        let stored = || {
            let pairs = records.iter().zip(&outcomes);
            pairs.filter_map(|(record, outcome)| match outcome {
                Outcome::Stored(number) => Some((*record, number.index)),
                Outcome::Throttled => None,
            })
        };
        // On disk first: what a reader sees was written.
        let commit = match &mut state.log {
            Some(log) => log.append(stored().map(|(record, index)| Entry {
                index,
                arrival,
                partition_key: record.partition_key,
                data: record.data,
            }))?,
            None => None,
        };
        let mut footprint = 0;
        for (record, _) in stored() {
            footprint += state.push(arrival, record.partition_key, record.data);
        }
        self.memory.fetch_add(footprint, Ordering::Relaxed);
        Ok(Appended { outcomes, commit })
    }

    /// Numbers the records that the shard's throughput admits.
    fn admit(&self, state: &mut State, records: &[NewRecord<'_>], now: Moment) -> Vec<Outcome> {
        let mut index = state.next();
        let admit = |record: &NewRecord<'_>| {
            let size = (record.partition_key.len() + record.data.len()) as u64;
            if now.limited && !state.throttle.write(size, now.micros) {
                return Outcome::Throttled;
            }
            index += 1;
            Outcome::Stored(self.sequence(index - 1))
        };
        records.iter().map(admit).collect()
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
    /// `at` is in milliseconds since the Unix epoch.
    pub fn close(&self, children: Vec<u64>, at: u64) {
        let mut state = self.state.lock();
        state.closing = Some(Closing {
            at: at.max(state.last_arrival),
            index: state.next(),
            children,
        });
    }

    /// Takes records again: the resharding that closed it has failed.
    pub fn reopen(&self) {
        self.state.lock().closing = None;
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

    /// Drops the records that arrived before `horizon`, in milliseconds since
    /// the Unix epoch.
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
        if dropped > 0 {
            state.first += dropped;
            if let Some(log) = &mut state.log {
                log.forget(state.first);
            }
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
    fn new(opening: &Opening) -> Self {
        Self {
            records: VecDeque::new(),
            first: 1,
            chunk: Chunk::default(),
            last_arrival: 0,
            closing: None,
            throttle: Throttle::new(opening.opened),
            log: None,
        }
    }

    /// Stores a record and returns the bytes of memory that it takes.
    fn push(&mut self, arrival: u64, partition_key: &str, data: &[u8]) -> u64 {
        let record = self.chunk.store(arrival, partition_key, data);
        let footprint = record.footprint();
        self.records.push_back(record);
        footprint
    }

    /// Stores a record that the log holds already.
    fn restore(&mut self, entry: Entry<'_>) -> u64 {
        if self.records.is_empty() {
            self.first = entry.index;
        }
        self.last_arrival = self.last_arrival.max(entry.arrival);
        self.push(entry.arrival, entry.partition_key, entry.data)
    }

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
