//! What a FIFO queue remembers of the messages of the last five minutes.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use uuid::Uuid;

/// How long a deduplication id is remembered, milliseconds (API reference, `SendMessage`,
/// `MessageDeduplicationId`): also after its message was deleted.
pub(crate) const INTERVAL: u64 = 5 * 60 * 1000;

/// A message that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remembered {
    /// The deduplication id, with the group where that is the scope.
    pub key: Arc<str>,
    /// Until when, milliseconds since the Unix epoch.
    pub until: u64,
    pub message_id: Uuid,
    pub index: u64,
}

/// The deduplication ids of a queue.
#[derive(Debug, Default)]
pub(crate) struct Deduplication {
    known: HashMap<Arc<str>, (Remembered, u64)>,
    /// The keys by the end of their interval: it is the same for all, and time moves on.
    order: VecDeque<(u64, Arc<str>)>,
}

impl Deduplication {
    /// The key of a message in its scope.
    #[must_use]
    pub(crate) fn key(id: &str, group: Option<&str>) -> Arc<str> {
        match group {
            // Neither an id nor a group has a line feed.
            Some(group) => format!("{group}\n{id}").into(),
            None => id.into(),
        }
    }

    /// The message that `key` was sent with, if that is not too long ago.
    #[must_use]
    pub(crate) fn find(&self, key: &str, now: u64) -> Option<&Remembered> {
        let (found, _) = self.known.get(key)?;
        (found.until > now).then_some(found)
    }

    /// Remembers a message that is in `segment` of the log.
    pub(crate) fn remember(&mut self, sent: Remembered, segment: u64) {
        self.order.push_back((sent.until, Arc::clone(&sent.key)));
        self.known.insert(Arc::clone(&sent.key), (sent, segment));
    }

    /// Forgets what is too long ago.
    pub(crate) fn forget(&mut self, now: u64) {
        while let Some((until, key)) = self.order.front() {
            if *until > now {
                return;
            }
            // The key may have been sent again since.
            if self
                .known
                .get(key)
                .is_some_and(|(sent, _)| sent.until <= now)
            {
                self.known.remove(key);
            }
            self.order.pop_front();
        }
    }

    /// What only `segment` of the log has.
    pub(crate) fn in_segment(&self, segment: u64) -> impl Iterator<Item = &Remembered> {
        let known = self.known.values();
        known
            .filter(move |(_, found)| *found == segment)
            .map(|(sent, _)| sent)
    }
}
