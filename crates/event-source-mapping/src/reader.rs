//! Reads one shard in order, ahead of its delivery, through every failure.

use std::{sync::Arc, time::Duration};

use tokio::{sync::mpsc, time::sleep};

use super::{
    context::MappingContext,
    poll_trigger::Waiter,
    settings::StartingPosition,
    source::{Page, Position, SourceError},
};

/// Most records asked for at once (API reference, `GetRecords`).
const MAX_READ: u32 = 10_000;

/// Reads one shard.
pub(super) struct Reader {
    context: Arc<MappingContext>,
    shard: String,
    /// Where a new iterator begins: after the last record read.
    position: Position,
    iterator: Option<String>,
    waiter: Waiter,
    /// Reads that failed in a row.
    failures: u32,
}

impl Reader {
    pub(super) fn new(
        context: Arc<MappingContext>,
        shard: &str,
        position: Position,
        iterator: Option<String>,
    ) -> Self {
        Self {
            waiter: context.poll_trigger.for_records(shard),
            shard: shard.to_owned(),
            position,
            iterator,
            failures: 0,
            context,
        }
    }

    /// Sends pages that hold records, and the last one, until the shard ends, is
    /// gone from the stream, or nobody takes them any more.
    pub(super) async fn run(mut self, pages: mpsc::Sender<Page>) {
        loop {
            match self.read().await {
                Ok(page) => {
                    let last = page.next_iterator.is_none();
                    let empty = page.records.is_empty();
                    if (last || !empty) && pages.send(page).await.is_err() {
                        return;
                    }
                    if last {
                        return;
                    }
                    if empty {
                        self.waiter.wait().await;
                    }
                }
                Err(SourceError::Trimmed(_)) if self.is_gone().await => {
                    self.note_gone();
                    return;
                }
                Err(error) => self.recover(error).await,
            }
        }
    }

    async fn read(&mut self) -> Result<Page, SourceError> {
        self.waiter.reading();
        let source = &self.context.source;
        let iterator = match self.iterator.take() {
            Some(iterator) => iterator,
            None => source.iterator(&self.shard, &self.position).await?,
        };
        let page = source.records(&iterator, MAX_READ).await?;
        self.failures = 0;
        self.iterator.clone_from(&page.next_iterator);
        if let Some(last) = page.records.last() {
            self.position = Position::After(last.sequence_number.clone());
            self.waiter.found();
        }
        Ok(page)
    }

    /// Whether the stream has no such shard any more: it was closed, and what it
    /// had is older than the stream keeps (`ListShards` then leaves it out).
    async fn is_gone(&self) -> bool {
        match self.context.source.shards().await {
            // None at all is a stream in the making.
            Ok(shards) => !shards.is_empty() && shards.iter().all(|shard| shard.id != self.shard),
            Err(_) => false,
        }
    }

    fn note_gone(&self) {
        let (mapping, shard) = (&self.context.name, &self.shard);
        tracing::warn!(
            mapping,
            shard,
            "the stream has this shard no more; what was not read of it is lost"
        );
        let gone = "the stream has this shard no more";
        self.context.status.failed(shard, gone, gone);
    }

    /// After a failed read: a new iterator at the same place.
    async fn recover(&mut self, error: SourceError) {
        self.iterator = None;
        let (mapping, shard) = (&self.context.name, &self.shard);
        let text = error.to_string();
        self.context.status.failed(shard, &text, &text);
        match error {
            // One that expires at once, again and again, must not spin.
            SourceError::ExpiredIterator if self.failures == 0 => {
                self.failures = 1;
                return;
            }
            SourceError::Trimmed(reason) if matches!(self.position, Position::After(_)) => {
                tracing::warn!(
                    mapping,
                    shard,
                    reason,
                    "the place to go on at is no longer kept; going on at the oldest record"
                );
                self.position = Position::Starting(StartingPosition::TrimHorizon);
            }
            error => {
                // Once, and then at powers of two: a long outage is no flood.
                if self.failures.count_ones() <= 1 {
                    tracing::warn!(mapping, shard, %error, "reading failed; it is tried again");
                }
            }
        }
        self.failures += 1;
        let wait = self.context.backoff.after(self.failures);
        self.context.status.backing_off(shard, wait);
        sleep(wait).await;
        self.context.status.backing_off(shard, Duration::ZERO);
    }
}
