//! Reads a stream's records between two times, in the order of their arrival.

use std::{collections::VecDeque, io, time::Duration};

use event_source_mapping::source::{Position, Record, Source, SourceError, StartingPosition};
use time::OffsetDateTime;
use tokio::time::sleep;

/// Records of one read.
const PAGE: u32 = 1_000;

/// Attempts of a read before it fails. AWS takes five reads per second and shard.
const TRIES: u32 = 8;

/// The pause before the second attempt; it doubles with each.
const PAUSE: Duration = Duration::from_millis(250);

/// What to read.
pub struct Capture<'s> {
    /// The stream.
    pub source: &'s dyn Source,
    /// Records that arrived then or later; `None` for all that the stream keeps.
    pub since: Option<OffsetDateTime>,
    /// Records that arrived then or earlier; `None` for all until the stream's tip.
    pub until: Option<OffsetDateTime>,
    /// The most records; `None` has no limit.
    pub limit: Option<u64>,
}

/// Why records cannot be captured.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The stream cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The records cannot be written.
    #[error("writing records: {0}")]
    Output(#[from] io::Error),
}

impl Capture<'_> {
    /// Hands each record to `take`, with its shard's id. Returns their number.
    ///
    /// # Errors
    ///
    /// The stream cannot be read, or `take` fails.
    pub async fn run(
        &self,
        mut take: impl FnMut(&str, Record) -> io::Result<()>,
    ) -> Result<u64, CaptureError> {
        let start = Position::Starting(match self.since {
            Some(since) => StartingPosition::AtTimestamp(since),
            None => StartingPosition::TrimHorizon,
        });
        let mut shards = Vec::new();
        for shard in persistently(|| self.source.shards()).await? {
            shards.push(Shard {
                iterator: Some(persistently(|| self.source.iterator(&shard.id, &start)).await?),
                id: shard.id,
                position: start.clone(),
                waiting: VecDeque::new(),
            });
        }
        let mut count = 0;
        while self.limit.is_none_or(|limit| count < limit) {
            for shard in &mut shards {
                shard.read(self.source, self.until).await?;
            }
            let arrived = |shard: &Shard| shard.waiting.front().map(|first| first.arrived);
            let next = shards.iter_mut().filter(|shard| arrived(shard).is_some());
            let Some(next) = next.min_by_key(|shard| arrived(shard)) else {
                break;
            };
            if let Some(record) = next.waiting.pop_front() {
                take(&next.id, record)?;
                count += 1;
            }
        }
        Ok(count)
    }
}

/// A shard that is read.
struct Shard {
    id: String,
    /// `None` when there is nothing more to read.
    iterator: Option<String>,
    /// Where its iterator stands.
    position: Position,
    /// Records that were read and not taken.
    waiting: VecDeque<Record>,
}

impl Shard {
    /// Reads until a record waits, or there are no more.
    async fn read(
        &mut self,
        source: &dyn Source,
        until: Option<OffsetDateTime>,
    ) -> Result<(), SourceError> {
        while self.waiting.is_empty()
            && let Some(iterator) = self.iterator.take()
        {
            let page = match persistently(|| source.records(&iterator, PAGE)).await {
                Ok(page) => page,
                // The other shards took so long.
                Err(SourceError::ExpiredIterator) => {
                    let iterator = persistently(|| source.iterator(&self.id, &self.position));
                    self.iterator = Some(iterator.await?);
                    continue;
                }
                Err(error) => return Err(error),
            };
            // A full page may end among records of the same millisecond.
            let at_tip = page.records.len() < PAGE as usize && page.millis_behind_latest == 0;
            let wanted = |record: &Record| until.is_none_or(|until| record.arrived <= until);
            if !at_tip && page.records.iter().all(wanted) {
                self.iterator = page.next_iterator;
            }
            if let Some(last) = page.records.last() {
                self.position = Position::After(last.sequence_number.clone());
            }
            self.waiting.extend(page.records.into_iter().filter(wanted));
        }
        Ok(())
    }
}

/// Repeats a request while the endpoint is unavailable, or throttles.
async fn persistently<T, F>(mut request: impl FnMut() -> F) -> Result<T, SourceError>
where
    F: Future<Output = Result<T, SourceError>>,
{
    let mut pause = PAUSE;
    for _ in 1..TRIES {
        match request().await {
            Err(SourceError::Unavailable(_)) => sleep(pause).await,
            done => return done,
        }
        pause *= 2;
    }
    request().await
}

#[cfg(test)]
mod tests;
