//! One shard: read in order, cut into batches, delivered, checkpointed.

use std::{sync::Arc, time::Duration};

use time::OffsetDateTime;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{
    backoff::Backoff,
    batch::{Buffer, Prepared},
    checkpoint::Checkpoints,
    delivery::{Delivery, GivenUp, Rules, Step, Verdict},
    destination::{FailureFolder, document},
    event::{self, Origin},
    observer::{Invoked, Observer},
    response::{self, BatchResult},
    settings::{Settings, StartingPosition},
    source::{Position, Source, SourceError},
    target::{Reply, Target},
    wake::{Waiter, Wake},
};

/// Most records asked for at once (API reference, `GetRecords`).
const MAX_READ: u32 = 10_000;

/// What all shards of a mapping share.
pub struct Shared {
    /// The mapping's name, for messages.
    pub name: String,
    /// Its options.
    pub settings: Settings,
    /// The stream's ARN.
    pub stream_arn: String,
    /// The stream's region.
    pub region: String,
    /// The stream.
    pub source: Arc<dyn Source>,
    /// The function.
    pub target: Arc<dyn Target>,
    /// How far each shard is.
    pub checkpoints: Checkpoints,
    /// Who watches.
    pub observer: Arc<dyn Observer>,
    /// What gets the records that are given up.
    pub failures: FailureFolder,
    /// How new records make themselves known.
    pub wake: Wake,
    /// Waits between tries.
    pub backoff: Backoff,
    /// Cancelled when the mapping is to stop: what is under way is finished.
    pub stop: CancellationToken,
}

/// Why a poller ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The shard is closed and all of it is processed.
    Closed,
    /// The mapping is stopping.
    Stopped,
}

/// Reads one shard.
pub struct ShardPoller {
    shared: Arc<Shared>,
    shard: String,
    origin: Origin,
    position: Position,
    iterator: Option<String>,
    buffer: Buffer,
    waiter: Waiter,
    /// Reads that failed in a row.
    failures: u32,
    /// No more records will come.
    closed: bool,
}

impl ShardPoller {
    /// A poller of `shard` from `position` on, with an iterator for it if one
    /// has been taken already.
    #[must_use]
    pub fn new(
        shared: Arc<Shared>,
        shard: &str,
        position: Position,
        iterator: Option<String>,
    ) -> Self {
        let origin = Origin {
            stream_arn: shared.stream_arn.clone(),
            region: shared.region.clone(),
            shard_id: shard.to_owned(),
            role_arn: "arn:aws:iam::000000000000:role/local".to_owned(),
        };
        Self {
            buffer: Buffer::new(shared.settings.batch_size),
            waiter: shared.wake.for_records(shard),
            shard: shard.to_owned(),
            origin,
            position,
            iterator,
            failures: 0,
            closed: false,
            shared,
        }
    }

    /// Reads and delivers until the shard ends or the mapping stops.
    pub async fn run(mut self) -> Ended {
        let stop = self.shared.stop.clone();
        loop {
            let batch = tokio::select! {
                batch = self.next_batch() => batch,
                () = stop.cancelled() => return Ended::Stopped,
            };
            let Some(batch) = batch else {
                self.shared.checkpoints.end(&self.shard);
                return Ended::Closed;
            };
            if self.deliver(&batch).await == Ended::Stopped {
                return Ended::Stopped;
            }
        }
    }

    /// The next batch: full, or as full as it got within the batching window.
    /// None at the shard's end.
    async fn next_batch(&mut self) -> Option<Vec<Prepared>> {
        let mut window_ends = None;
        loop {
            if self.buffer.is_full() || (self.closed && !self.buffer.is_empty()) {
                return Some(self.buffer.cut());
            }
            if self.closed {
                return None;
            }
            if !self.buffer.is_empty() {
                let ends = *window_ends
                    .get_or_insert_with(|| Instant::now() + self.shared.settings.batching_window);
                if Instant::now() >= ends {
                    return Some(self.buffer.cut());
                }
            }
            match self.read().await {
                Ok(0) if !self.closed => self.wait(window_ends).await,
                Ok(_) => {}
                Err(error) => self.recover(error).await,
            }
        }
    }

    /// Waits for records, at the longest until the batching window ends.
    async fn wait(&mut self, window_ends: Option<Instant>) {
        match window_ends {
            Some(ends) => tokio::select! {
                () = self.waiter.wait() => {}
                () = sleep_until(ends) => {}
            },
            None => self.waiter.wait().await,
        }
    }

    /// Reads once; says how many records came.
    async fn read(&mut self) -> Result<usize, SourceError> {
        self.waiter.reading();
        let iterator = if let Some(iterator) = self.iterator.take() {
            iterator
        } else {
            let source = &self.shared.source;
            source.iterator(&self.shard, &self.position).await?
        };
        let page = self.shared.source.records(&iterator, MAX_READ).await?;
        self.failures = 0;
        self.closed = page.next_iterator.is_none();
        self.iterator = page.next_iterator;
        let count = page.records.len();
        if let Some(last) = page.records.last() {
            self.position = Position::After(last.sequence_number.clone());
            self.waiter.found();
        }
        self.buffer.extend(page.records, &self.origin);
        Ok(count)
    }

    /// After a failed read: a new iterator at the same place.
    async fn recover(&mut self, error: SourceError) {
        self.iterator = None;
        match error {
            SourceError::ExpiredIterator => return,
            SourceError::Trimmed(reason) if matches!(self.position, Position::After(_)) => {
                tracing::warn!(
                    mapping = self.shared.name,
                    shard = self.shard,
                    reason,
                    "the place to go on at is no longer kept; going on at the oldest record"
                );
                self.position = Position::Starting(StartingPosition::TrimHorizon);
            }
            SourceError::Trimmed(reason) | SourceError::Unavailable(reason) => {
                // Once, and then at powers of two: a long outage is no flood.
                if self.failures.count_ones() <= 1 {
                    tracing::warn!(
                        mapping = self.shared.name,
                        shard = self.shard,
                        reason,
                        "reading failed; it is tried again"
                    );
                }
            }
        }
        self.failures += 1;
        sleep(self.shared.backoff.after(self.failures)).await;
    }

    /// Delivers a batch until every record is dealt with, or the mapping stops.
    async fn deliver(&self, batch: &[Prepared]) -> Ended {
        let mut delivery = Delivery::new(batch.len(), Rules::from(&self.shared.settings));
        let mut last_reply = None;
        loop {
            match delivery.next(|place| age(&batch[place])) {
                Step::Done => return Ended::Closed,
                Step::GiveUp(given_up) => {
                    self.give_up(batch, &given_up, last_reply.as_ref()).await;
                    self.checkpoint(batch, given_up.records.end);
                }
                Step::Invoke(records) => {
                    let (verdict, reply) = self.invoke(&batch[records]).await;
                    delivery.settle(verdict);
                    self.checkpoint(batch, delivery.done_until(batch.len()));
                    last_reply = Some(reply);
                    if verdict != Verdict::Done && !self.pause(delivery.failures_in_a_row()).await {
                        return Ended::Stopped;
                    }
                }
            }
            if self.shared.stop.is_cancelled() && delivery.done_until(batch.len()) < batch.len() {
                return Ended::Stopped;
            }
        }
    }

    async fn invoke(&self, records: &[Prepared]) -> (Verdict, Reply) {
        let event = event::join(records.iter().map(|prepared| &prepared.json));
        let started = Instant::now();
        let reply = self.shared.target.invoke(event).await;
        let elapsed = started.elapsed();
        let verdict = self.judge(records, &reply);
        self.shared.observer.invoked(&Invoked {
            shard: &self.shard,
            records,
            done: match verdict {
                Verdict::Done => records.len(),
                Verdict::FailedFrom(place) => place,
                _ => 0,
            },
            elapsed,
            reply: &reply,
        });
        (verdict, reply)
    }

    fn judge(&self, records: &[Prepared], reply: &Reply) -> Verdict {
        let (mapping, shard) = (&self.shared.name, &self.shard);
        match reply {
            Reply::Success(_) if !self.shared.settings.report_batch_item_failures => Verdict::Done,
            Reply::Success(payload) => {
                let numbers: Vec<_> = records
                    .iter()
                    .map(|prepared| prepared.record.sequence_number.as_str())
                    .collect();
                match response::read(payload, &numbers) {
                    BatchResult::AllDone => Verdict::Done,
                    BatchResult::FailedFrom(place) => {
                        tracing::debug!(
                            mapping,
                            shard,
                            place,
                            of = records.len(),
                            "the function reported failed records"
                        );
                        Verdict::FailedFrom(place)
                    }
                    BatchResult::AllFailed => {
                        tracing::warn!(mapping, shard, response = %String::from_utf8_lossy(payload), "the function's response names no record of its batch; all of it counts as failed");
                        Verdict::Failed
                    }
                }
            }
            Reply::FunctionError(error) => {
                tracing::warn!(mapping, shard, records = records.len(), kind = ?error.kind, error = error.text(), "the function failed");
                Verdict::Failed
            }
            Reply::Throttled => Verdict::NotTaken,
            Reply::TooLarge => Verdict::TooLarge,
            Reply::Unavailable(reason) => {
                tracing::warn!(
                    mapping,
                    shard,
                    target = self.shared.target.name(),
                    reason,
                    "the function cannot be invoked; it is tried again"
                );
                Verdict::NotTaken
            }
        }
    }

    async fn give_up(&self, batch: &[Prepared], given_up: &GivenUp, last_reply: Option<&Reply>) {
        let records = &batch[given_up.records.clone()];
        let function = self.shared.target.name();
        let document = document(&self.origin, &function, records, given_up, last_reply);
        let (mapping, shard) = (&self.shared.name, &self.shard);
        let (condition, count) = (given_up.condition.as_str(), records.len());
        match self.shared.failures.keep(&document).await {
            Ok(file) => {
                tracing::warn!(mapping, shard, condition, records = count, document = %file.display(), "records given up");
            }
            Err(error) => {
                tracing::error!(mapping, shard, condition, records = count, %error, %document, "records given up, and their document cannot be written");
            }
        }
        self.shared.observer.gave_up(&self.shard, records, given_up);
    }

    fn checkpoint(&self, batch: &[Prepared], done: usize) {
        if let Some(last) = done.checked_sub(1).and_then(|last| batch.get(last)) {
            let number = &last.record.sequence_number;
            self.shared.checkpoints.advance(&self.shard, number);
        }
    }

    /// Waits before the next try; false when the mapping is stopping.
    async fn pause(&self, failures: u32) -> bool {
        tokio::select! {
            () = sleep(self.shared.backoff.after(failures)) => true,
            () = self.shared.stop.cancelled() => false,
        }
    }
}

fn age(prepared: &Prepared) -> Duration {
    let age = OffsetDateTime::now_utc() - prepared.record.arrived;
    age.try_into().unwrap_or(Duration::ZERO)
}
