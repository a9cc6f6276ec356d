//! Consecutive events of a stream, in one allocation.

/// Bytes of text at which a chunk is full.
const FULL_TEXT: usize = 64 * 1024;

/// Most bytes of text for which a chunk has room from its beginning.
const MOST_ROOM: usize = FULL_TEXT + 16 * 1024;

/// Events at which a chunk is full.
const FULL_EVENTS: usize = 2048;

/// Where an event's text ends, and its times.
#[derive(Debug, Clone, Copy)]
struct Entry {
    timestamp: u64,
    ingested: u64,
    end: usize,
}

/// Consecutive events of a stream.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chunk {
    /// The index of its first event in the stream.
    first: u64,
    text: String,
    entries: Vec<Entry>,
    earliest: u64,
    latest: u64,
}

/// One event of a stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event<'a> {
    /// Its index in the stream, from 0.
    pub(crate) index: u64,
    /// Milliseconds since the Unix epoch.
    pub(crate) timestamp: u64,
    /// When it was written, milliseconds since the Unix epoch.
    pub(crate) ingested: u64,
    pub(crate) message: &'a str,
}

impl Chunk {
    /// A chunk whose first event has the index `first`, with room for `bytes` of text.
    pub(crate) fn starting_at(first: u64, bytes: usize) -> Self {
        Self {
            first,
            text: String::with_capacity(bytes.min(MOST_ROOM)),
            ..Self::default()
        }
    }

    /// Adds an event, whose message is in pieces.
    pub(crate) fn push(&mut self, timestamp: u64, ingested: u64, message: &[&str]) {
        for piece in message {
            self.text.push_str(piece);
        }
        if self.entries.is_empty() {
            (self.earliest, self.latest) = (timestamp, timestamp);
        }
        self.earliest = self.earliest.min(timestamp);
        self.latest = self.latest.max(timestamp);
        self.entries.push(Entry {
            timestamp,
            ingested,
            end: self.text.len(),
        });
    }

    pub(crate) fn is_full(&self) -> bool {
        self.text.len() >= FULL_TEXT || self.entries.len() >= FULL_EVENTS
    }

    /// Bytes of text.
    pub(crate) fn text_bytes(&self) -> usize {
        self.text.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The index of the event after its last one.
    pub(crate) fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    /// The earliest time of its events, milliseconds since the Unix epoch.
    pub(crate) fn earliest(&self) -> u64 {
        self.earliest
    }

    /// The latest time of its events, milliseconds since the Unix epoch.
    pub(crate) fn latest(&self) -> u64 {
        self.latest
    }

    /// What it takes, bytes.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + self.text.capacity() + self.entries.capacity() * size_of::<Entry>()
    }

    /// Gives back what growing has reserved beyond need.
    pub(crate) fn sealed(mut self) -> Self {
        self.text.shrink_to_fit();
        self.entries.shrink_to_fit();
        self
    }

    pub(crate) fn events(&self) -> impl DoubleEndedIterator<Item = Event<'_>> {
        self.entries.iter().enumerate().map(|(at, entry)| {
            let start = match at.checked_sub(1) {
                Some(before) => self.entries[before].end,
                None => 0,
            };
            Event {
                index: self.first + at as u64,
                timestamp: entry.timestamp,
                ingested: entry.ingested,
                message: &self.text[start..entry.end],
            }
        })
    }
}
