//! A shard: an ordered list of records, open or closed (by a shard split or merge).

use std::{
    collections::VecDeque,
    io,
    path::Path,
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
    shard_state::State,
    throttle::WriteLimit,
};
use durable_files::Commit;

use crate::log::{Entry, OpenError, Store};

/// A shard of a stream. Its mutex is held for the time it takes to append or to
/// copy references, never while anything is parsed, serialised or awaited.
#[derive(Debug)]
pub(crate) struct Shard {
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
    /// Bytes that all shards take.
    memory: Arc<AtomicU64>,
}

/// How a shard ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Closing {
    /// When, in milliseconds since the Unix epoch.
    pub at: u64,
    /// The index after the last record: the shard's ending sequence number.
    pub index: u64,
    /// The numbers of the shards that took over.
    pub children: Vec<u64>,
}

/// A shard's identity, fixed when it is opened.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Opening {
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
pub(crate) struct NewRecord<'a> {
    /// At most 256 characters.
    pub partition_key: &'a str,
    /// The data blob.
    pub data: &'a [u8],
}

/// The outcome of one record of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Stored under this number.
    Stored(SequenceNumber),
    /// Refused: the shard's throughput is used up.
    Throttled(WriteLimit),
}

/// The outcome of an append.
#[derive(Debug)]
pub(crate) struct Appended {
    /// For each record, in order.
    pub outcomes: Vec<Outcome>,
    /// To wait for before the put is acknowledged.
    pub commit: Option<Commit>,
}

/// Why nothing of an append was stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AppendError {
    /// A reshard closes the shard: its children take the records, now or soon.
    #[error("the shard is closed")]
    Closed,
    /// The stream was deleted.
    #[error("the stream was deleted")]
    Deleted,
    /// The shard's log cannot be written.
    #[error("the shard's log cannot be written: {0}")]
    Log(#[from] io::Error),
}

impl Shard {
    /// Opens an empty shard that is kept in memory.
    #[must_use]
    pub(crate) fn open(opening: &Opening, memory: Arc<AtomicU64>) -> Self {
        let state = State::new(opening);
        Self::new(opening, state, memory)
    }

    /// Opens a shard of the stream in `folder`, with the records in its log.
    ///
    /// # Errors
    ///
    /// As [`Store::shard`].
    pub(crate) fn recover(
        opening: &Opening,
        closing: Option<Closing>,
        memory: Arc<AtomicU64>,
        store: &Store,
        folder: &Path,
    ) -> Result<Self, OpenError> {
        let mut state = State::new(opening);
        let recovered = store.shard(folder, opening, |entry| state.restore(entry))?;
        if state.records.is_empty() {
            state.first = recovered.next;
        }
        state.log = Some(recovered.log);
        state.closing = closing;
        state.count(&memory);
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

    /// The shard's identity, to open it again.
    #[must_use]
    pub(crate) fn opening(&self) -> Opening {
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
    pub(crate) fn sequence(&self, index: u64) -> SequenceNumber {
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
    pub(crate) fn append(
        &self,
        records: &[NewRecord<'_>],
        now: Moment,
    ) -> Result<Appended, AppendError> {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        if state.deleted {
            return Err(AppendError::Deleted);
        }
        if state.sealed || state.closing.is_some() {
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
                Outcome::Throttled(_) => None,
            })
        };
        // On disk first: readers see only records that are written.
        let commit = match &mut state.log {
            Some(log) => log.append(stored().map(|(record, index)| Entry {
                index,
                arrival,
                partition_key: record.partition_key,
                data: record.data,
            }))?,
            None => None,
        };
        for (record, _) in stored() {
            state.push(arrival, record.partition_key, record.data);
        }
        state.count(&self.memory);
        Ok(Appended { outcomes, commit })
    }

    /// Numbers the records that the shard's throughput admits.
    fn admit(&self, state: &mut State, records: &[NewRecord<'_>], now: Moment) -> Vec<Outcome> {
        let mut index = state.next();
        let admit = |record: &NewRecord<'_>| {
            let size = (record.partition_key.len() + record.data.len()) as u64;
            if now.limited
                && let Err(limit) = state.throttle.write(size, now.micros)
            {
                return Outcome::Throttled(limit);
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
    pub(crate) fn read(&self, window: Window, now: Moment) -> Result<Batch, Throttled> {
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

    /// Takes no records until [`Shard::close`] or [`Shard::unseal`]; returns how the
    /// shard ends if it is closed. `at` is in milliseconds since the Unix epoch.
    pub(crate) fn seal(&self, children: Vec<u64>, at: u64) -> Closing {
        let mut state = self.state.lock();
        state.sealed = true;
        Closing {
            at: at.max(state.last_arrival),
            index: state.next(),
            children,
        }
    }

    /// Takes records again: the reshard failed.
    pub(crate) fn unseal(&self) {
        self.state.lock().sealed = false;
    }

    /// Ends the shard for its readers too, and closes its file.
    pub(crate) fn close(&self, closing: Closing) {
        let mut state = self.state.lock();
        state.closing = Some(closing);
        if let Some(log) = &state.log {
            log.close();
        }
    }

    /// Frees the records and closes the file: the stream was deleted.
    pub(crate) fn delete(&self) {
        let mut state = self.state.lock();
        state.deleted = true;
        state.first = state.next();
        state.records = VecDeque::new();
        state.chunk = Chunk::default();
        state.log = None;
        state.release();
        state.count(&self.memory);
    }

    /// How the shard was closed, if it was.
    #[must_use]
    pub(crate) fn closing(&self) -> Option<Closing> {
        self.state.lock().closing.clone()
    }

    /// The index of the oldest record kept, or of the next one.
    #[must_use]
    pub(crate) fn oldest(&self, now: Moment) -> u64 {
        let mut state = self.state.lock();
        self.trim_to(&mut state, now.horizon);
        state.first
    }

    /// The index that the next record will get.
    #[must_use]
    pub(crate) fn next(&self) -> u64 {
        self.state.lock().next()
    }

    /// The index of the first record that arrived at `millis` or later.
    #[must_use]
    pub(crate) fn at_time(&self, millis: u64) -> u64 {
        let state = self.state.lock();
        let before = state
            .records
            .partition_point(|record| record.arrival < millis);
        state.first + before as u64
    }

    /// When the oldest record kept arrived, milliseconds since the Unix epoch.
    #[must_use]
    pub(crate) fn oldest_arrival(&self) -> Option<u64> {
        self.state
            .lock()
            .records
            .front()
            .map(|record| record.arrival)
    }

    /// Drops the oldest records until `bytes` bytes of memory are free or no record is
    /// left; returns how many were dropped.
    pub(crate) fn evict(&self, bytes: u64) -> u64 {
        let mut state = self.state.lock();
        // A chunk is free once the first record of the next one is the oldest.
        let starts = state.chunks.iter().skip(1).map(|(first, _)| *first);
        let sizes = state.chunks.iter().map(|(_, bytes)| *bytes);
        let ends: Vec<(u64, u64)> = starts.zip(sizes).collect();
        let mut ends = ends.into_iter().peekable();
        let (mut index, mut freed) = (state.first, 0);
        let dropped = self.drop_while(&mut state, |_| {
            if let Some((_, chunk)) = ends.next_if(|(end, _)| *end <= index) {
                freed += chunk;
            }
            let wanted = freed < bytes;
            freed += size_of::<Record>() as u64;
            index += 1;
            wanted
        });
        let length = state.records.len();
        state.records.shrink_to(length + length / 64);
        state.count(&self.memory);
        dropped
    }

    /// Drops the records that arrived before `horizon`, in milliseconds since
    /// the Unix epoch.
    pub(crate) fn trim(&self, horizon: u64) {
        self.trim_to(&mut self.state.lock(), horizon);
    }

    fn trim_to(&self, state: &mut State, horizon: u64) {
        self.drop_while(state, |record| record.arrival < horizon);
    }

    fn drop_while(&self, state: &mut State, mut gone: impl FnMut(&Record) -> bool) -> u64 {
        let mut dropped = 0;
        while state.records.front().is_some_and(&mut gone) {
            state.records.pop_front();
            dropped += 1;
        }
        if dropped > 0 {
            state.first += dropped;
            if let Some(log) = &mut state.log {
                log.forget(state.first);
            }
            state.release();
            state.count(&self.memory);
        }
        dropped
    }
}

impl Drop for Shard {
    fn drop(&mut self) {
        let counted = self.state.get_mut().counted;
        self.memory.fetch_sub(counted, Ordering::Relaxed);
    }
}

/// `shardId-` and the number in 12 digits.
#[must_use]
pub(crate) fn shard_id(number: u64) -> String {
    format!("shardId-{number:012}")
}

/// The number in a shard id; AWS takes the bare number for the whole id.
#[must_use]
pub(crate) fn shard_number(id: &str) -> Option<u64> {
    let digits = id.strip_prefix("shardId-").unwrap_or(id);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}
