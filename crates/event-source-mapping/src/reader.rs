//! Reads one shard in order, one page ahead of its batches.
//!
//! A failed read never skips a record and never goes back: the next iterator begins
//! after the last record that was read (`AFTER_SEQUENCE_NUMBER`). Only when
//! `GetShardIterator` itself refuses that position does the reader continue at the trim
//! horizon.

use std::{sync::Arc, time::Duration};

use time::OffsetDateTime;
use tokio::{
    sync::{mpsc, watch},
    time::sleep,
};

use super::{
    context::MappingContext,
    poll_trigger::Waiter,
    source::{Page, Position, SourceError, StartingPosition},
};

/// Most records of one read (API reference, `GetRecords`).
const MAX_READ: u32 = 10_000;

/// Reads one shard.
pub(super) struct Reader {
    context: Arc<MappingContext>,
    shard: String,
    /// Where a new iterator begins: after the last record read.
    position: Position,
    iterator: Option<String>,
    waiter: Waiter,
    /// A new mark asks for a read.
    marks: watch::Receiver<u64>,
    /// Failed reads in a row.
    failures: u32,
    /// When the stream that `position` belongs to was created.
    created: Option<OffsetDateTime>,
}

/// Where the reader begins.
pub(super) struct Start {
    pub(super) position: Position,
    /// An iterator at that position, if one has been requested already.
    pub(super) iterator: Option<String>,
    /// When the stream was created, if that is known.
    pub(super) created: Option<OffsetDateTime>,
}

/// Why the reader ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadEnd {
    /// The last page has been sent.
    Closed,
    /// The stream no longer lists the shard.
    Gone,
    /// The stream was deleted and created again.
    Recreated,
    /// The poller no longer receives pages.
    Unwanted,
}

/// A failed read.
enum ReadError {
    /// `GetShardIterator` refused the position.
    Position(String),
    /// `GetRecords` refused the iterator.
    Iterator(String),
    /// The position is of a stream that no longer exists.
    Recreated,
    Other(SourceError),
}

/// The cause of a refused read.
enum Refusal {
    /// The stream no longer lists the shard.
    Gone,
    /// The shard is there: its iterator or its position is refused.
    Shard,
    /// The stream cannot be listed now.
    Unknown,
}

impl Reader {
    pub(super) fn new(context: Arc<MappingContext>, shard: &str, start: Start) -> Self {
        Self {
            waiter: context.poll_trigger.for_records(shard),
            marks: context.status.settlement.marks(),
            shard: shard.to_owned(),
            position: start.position,
            iterator: start.iterator,
            created: start.created,
            failures: 0,
            context,
        }
    }

    /// Sends every page that holds records, and the last one.
    pub(super) async fn run(mut self, pages: mpsc::Sender<Page>) -> ReadEnd {
        loop {
            match self.read().await {
                Ok(page) => {
                    let last = page.next_iterator.is_none();
                    let empty = page.records.is_empty();
                    if !empty {
                        let context = &self.context;
                        let observer = &context.observer;
                        observer.read(&context.name, &self.shard, &page.records);
                    }
                    if (last || !empty) && pages.send(page).await.is_err() {
                        return ReadEnd::Unwanted;
                    }
                    if last {
                        return ReadEnd::Closed;
                    }
                    if empty {
                        tokio::select! {
                            () = self.waiter.wait() => {}
                            // The sender lives in the context.
                            _ = self.marks.changed() => {}
                        }
                    }
                }
                Err(error) => {
                    if let Some(end) = self.recover(error).await {
                        return end;
                    }
                }
            }
        }
    }

    async fn read(&mut self) -> Result<Page, ReadError> {
        self.waiter.reading();
        let mark = *self.marks.borrow_and_update();
        let (source, status) = (&self.context.source, &self.context.status);
        let iterator = if let Some(iterator) = self.iterator.take() {
            iterator
        } else {
            let _waiting = status.waiting(&self.shard, "GetShardIterator");
            let iterator = source.iterator(&self.shard, &self.position).await;
            // After the iterator: one of this stream is refused by a later one.
            if self.is_recreated().await {
                return Err(ReadError::Recreated);
            }
            iterator.map_err(|error| match error {
                SourceError::Refused(reason) => ReadError::Position(reason),
                other => ReadError::Other(other),
            })?
        };
        let page = {
            let _waiting = status.waiting(&self.shard, "GetRecords");
            let page = source.records(&iterator, MAX_READ).await;
            page.map_err(|error| match error {
                SourceError::Refused(reason) => ReadError::Iterator(reason),
                other => ReadError::Other(other),
            })?
        };
        self.failures = 0;
        status.settlement.read(&self.shard, &page, mark);
        self.iterator.clone_from(&page.next_iterator);
        if let Some(last) = page.records.last() {
            self.position = Position::After(last.sequence_number.clone());
            self.waiter.found();
        }
        Ok(page)
    }

    /// Prepares the next read after a failed one; `Some` ends the reader.
    async fn recover(&mut self, error: ReadError) -> Option<ReadEnd> {
        self.iterator = None;
        let refused = match error {
            ReadError::Recreated => Some(ReadEnd::Recreated),
            ReadError::Position(reason) => self.refused(&reason, true).await,
            ReadError::Iterator(reason) => self.refused(&reason, false).await,
            ReadError::Other(error) => {
                let text = error.to_string();
                // An iterator that expires at once, again and again, must not spin.
                if error == SourceError::ExpiredIterator && self.failures == 0 {
                    self.context.status.failed(&self.shard, &text, &text);
                    self.failures = 1;
                    return None;
                }
                self.note(&text);
                None
            }
        };
        if refused.is_some() {
            return refused;
        }
        self.failures = self.failures.saturating_add(1);
        let wait = self.context.backoff.after(self.failures);
        self.context.status.backing_off(&self.shard, wait);
        sleep(wait).await;
        self.context.status.backing_off(&self.shard, Duration::ZERO);
        None
    }

    /// Kinesis refused the iterator or, with `position`, the position.
    async fn refused(&mut self, reason: &str, position: bool) -> Option<ReadEnd> {
        let (mapping, shard) = (&self.context.name, &self.shard);
        match self.why_refused().await {
            Refusal::Gone => {
                let gone = "shard no longer exists; its unread records are lost";
                tracing::warn!(mapping, shard, "{gone}");
                self.context.status.failed(shard, gone, gone);
                return Some(ReadEnd::Gone);
            }
            Refusal::Shard if position && matches!(self.position, Position::After(_)) => {
                tracing::warn!(
                    mapping,
                    shard,
                    reason,
                    "the stream no longer keeps the record at the checkpoint; reading from the trim horizon"
                );
                self.context.status.failed(shard, reason, reason);
                self.position = Position::Starting(StartingPosition::TrimHorizon);
            }
            Refusal::Shard | Refusal::Unknown => self.note(reason),
        }
        None
    }

    /// Whether the stream was deleted and created again: a new iterator would read the
    /// new stream, before the checkpoints of the old one are dropped.
    async fn is_recreated(&self) -> bool {
        let created = self.context.source.created().await;
        created.is_some() && self.created.is_some() && created != self.created
    }

    async fn why_refused(&self) -> Refusal {
        let Ok(shards) = self.context.source.shards().await else {
            return Refusal::Unknown;
        };
        if shards.is_empty() {
            // The stream is being created.
            Refusal::Unknown
        } else if shards.iter().any(|shard| shard.id == self.shard) {
            Refusal::Shard
        } else {
            Refusal::Gone
        }
    }

    fn note(&self, error: &str) {
        let (mapping, shard) = (&self.context.name, &self.shard);
        self.context.status.failed(shard, error, error);
        // Once, and then at powers of two: a long outage does not flood the log.
        if self.failures.count_ones() <= 1 {
            tracing::warn!(mapping, shard, error, "reading failed; retrying");
        }
    }
}
