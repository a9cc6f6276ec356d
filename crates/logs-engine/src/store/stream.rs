//! A log stream: its events in the order in which they were written.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use parking_lot::Mutex;

use super::chunk::Chunk;

/// A log stream.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) name: String,
    /// No other stream has it: event ids begin with it.
    pub(crate) number: u64,
    /// Milliseconds since the Unix epoch.
    pub(crate) created: u64,
    events: Mutex<Events>,
    /// It, or its group, was deleted.
    deleted: AtomicBool,
}

#[derive(Debug, Default)]
struct Events {
    /// Full chunks, the oldest first.
    full: VecDeque<Arc<Chunk>>,
    growing: Chunk,
    last_event: Option<u64>,
    last_ingestion: Option<u64>,
    /// Nobody writes to it any more.
    closed: bool,
}

/// When the events of a stream were, milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Times {
    pub(crate) first_event: Option<u64>,
    pub(crate) last_event: Option<u64>,
    pub(crate) last_ingestion: Option<u64>,
}

impl Stream {
    pub(crate) fn new(name: &str, number: u64, created: u64) -> Self {
        Self {
            name: name.to_owned(),
            number,
            created,
            events: Mutex::default(),
            deleted: AtomicBool::new(false),
        }
    }

    /// Adds an event. Returns the bytes of the chunk that it filled, if it did.
    pub(crate) fn push(&self, timestamp: u64, ingested: u64, message: &[&str]) -> Option<usize> {
        let mut events = self.events.lock();
        events.growing.push(timestamp, ingested, message);
        events.last_event = events.last_event.max(Some(timestamp));
        events.last_ingestion = Some(ingested);
        let text = events.growing.text_bytes();
        // The next one will be as large.
        events.growing.is_full().then(|| events.seal(text))
    }

    /// Ends the writing. Returns the bytes of the chunk that was growing, if there was one.
    pub(crate) fn close(&self) -> Option<usize> {
        let mut events = self.events.lock();
        events.closed = true;
        (!events.growing.is_empty()).then(|| events.seal(0))
    }

    /// Drops the oldest full chunk. Returns whether the stream is of no use any more: it is
    /// closed and empty.
    pub(crate) fn drop_oldest(&self) -> bool {
        let mut events = self.events.lock();
        events.full.pop_front();
        events.closed && events.full.is_empty()
    }

    /// All events, at this moment.
    pub(crate) fn snapshot(&self) -> Vec<Arc<Chunk>> {
        let events = self.events.lock();
        let growing = Some(&events.growing).filter(|chunk| !chunk.is_empty());
        let growing = growing.map(|chunk| Arc::new(chunk.clone()));
        events.full.iter().cloned().chain(growing).collect()
    }

    /// The events from the index `from` on, at this moment.
    pub(crate) fn since(&self, from: u64) -> Vec<Arc<Chunk>> {
        if self.end() <= from {
            return Vec::new();
        }
        let mut chunks = self.snapshot();
        chunks.retain(|chunk| chunk.end() > from);
        chunks
    }

    /// The index of the next event.
    pub(crate) fn end(&self) -> u64 {
        self.events.lock().growing.end()
    }

    pub(crate) fn times(&self) -> Times {
        let events = self.events.lock();
        let growing = Some(&events.growing).filter(|chunk| !chunk.is_empty());
        let chunks = events.full.iter().map(AsRef::as_ref).chain(growing);
        Times {
            first_event: chunks.map(Chunk::earliest).min(),
            last_event: events.last_event,
            last_ingestion: events.last_ingestion,
        }
    }

    pub(crate) fn delete(&self) {
        self.deleted.store(true, Relaxed);
    }

    pub(crate) fn is_deleted(&self) -> bool {
        self.deleted.load(Relaxed)
    }
}

impl Events {
    /// Begins a new chunk, with room for `bytes` of text. Returns what the full one takes,
    /// bytes.
    fn seal(&mut self, bytes: usize) -> usize {
        let next = Chunk::starting_at(self.growing.end(), bytes);
        let full = std::mem::replace(&mut self.growing, next).sealed();
        let bytes = full.bytes();
        self.full.push_back(Arc::new(full));
        bytes
    }
}
