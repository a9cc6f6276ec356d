//! The poller of one shard: reads ahead, filters records into lanes, and has a batch of
//! each lane under way.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
    vec,
};

use tokio::{
    sync::mpsc,
    task::{JoinError, JoinSet, yield_now},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use super::{
    batch::Prepared,
    batch_invoker::{BatchEnd, BatchInvoker},
    context::MappingContext,
    event::{self, Origin},
    lane::{self, Lane, Work},
    low_watermark::LowWatermark,
    observer::ShardEnd,
    reader::{ReadEnd, Reader, Start},
    source::{Page, Record},
};
use crate::MAX_PAYLOAD;

/// Most records that are read and beyond the checkpoint. One key that cannot be
/// processed holds back the checkpoint, and in the end the other keys too: a restart may
/// deliver this many records again.
const MOST_BEYOND_CHECKPOINT: usize = 100_000;

/// Batches of each lane that wait at most before more records are encoded.
const ROOM: usize = 2;

/// Why a poller ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    /// The shard is closed and all of it is processed.
    Closed,
    /// The stream no longer lists the shard, and what was read of it is processed.
    Gone,
    /// The stream was deleted and created again: what was read is of the old one.
    Recreated,
    /// A part of the poller panicked, with this message.
    Panicked(String),
    /// The mapping is stopping.
    Stopped,
}

impl From<&Ended> for ShardEnd {
    fn from(ended: &Ended) -> Self {
        match ended {
            Ended::Closed => Self::Processed,
            Ended::Gone => Self::Gone,
            Ended::Recreated => Self::Recreated,
            Ended::Panicked(_) => Self::Panicked,
            Ended::Stopped => Self::Stopped,
        }
    }
}

/// Reads one shard and invokes the function with its batches.
pub(super) struct ShardPoller {
    context: Arc<MappingContext>,
    invoker: Arc<BatchInvoker>,
    pages: mpsc::Receiver<Page>,
    /// Records that are read and in no lane yet.
    page: vec::IntoIter<Record>,
    /// Ends with the poller.
    reader: JoinSet<ReadEnd>,
    lanes: Vec<Lane>,
    /// Records beyond the checkpoint that were settled before the mapping was stopped.
    ahead: HashSet<String>,
    batches: JoinSet<(usize, BatchEnd)>,
    /// How the shard ended, once no more records will come.
    ended: Option<Ended>,
    /// Cancelled when no batch is to follow the ones under way.
    stop: CancellationToken,
}

impl ShardPoller {
    /// A poller of `shard` that reads at once, until `stop` is cancelled.
    pub(super) fn new(
        context: Arc<MappingContext>,
        shard: &str,
        start: Start,
        stop: CancellationToken,
    ) -> Self {
        let origin = Origin::new(&context.stream_arn, &context.region, shard);
        // One page ahead of the one being worked on.
        let (send, pages) = mpsc::channel(1);
        context.status.update(shard, |_| {});
        context.status.settlement.start(shard);
        let mut reader = JoinSet::new();
        reader.spawn(Reader::new(context.clone(), shard, start).run(send));
        let lanes = (0..context.settings.parallelization_factor.max(1))
            .map(|_| Lane::new(&context, context.checkpoints.window(shard)))
            .collect();
        let ahead = context.checkpoints.take_ahead(shard);
        let invoker = BatchInvoker {
            context: context.clone(),
            stop: stop.clone(),
            shard: shard.to_owned(),
            origin,
            low_watermark: Mutex::new(LowWatermark::default()),
        };
        Self {
            context,
            invoker: Arc::new(invoker),
            pages,
            page: Vec::new().into_iter(),
            reader,
            lanes,
            ahead: ahead.into_iter().collect(),
            batches: JoinSet::new(),
            ended: None,
            stop,
        }
    }

    /// Reads and invokes until the shard ends or the mapping stops.
    pub(super) async fn run(mut self) -> Ended {
        let ended = self.poll().await;
        // The attempts under way are finished; no other follows them.
        self.stop.cancel();
        while self.batches.join_next().await.is_some() {}
        if ended == Ended::Stopped {
            let mut ahead = self.invoker.low_watermark().ahead();
            // It has not read as far as the poller before it.
            ahead.extend(self.ahead);
            let checkpoints = &self.context.checkpoints;
            checkpoints.keep_ahead(&self.invoker.shard, ahead);
        }
        ended
    }

    async fn poll(&mut self) -> Ended {
        let stop = self.stop.clone();
        let mut moves = self.context.clock.moves();
        loop {
            self.fill_lanes();
            if let Some(ended) = &self.ended
                && self.page.len() == 0
                && self.lanes.iter().all(Lane::is_done)
            {
                // A shard that is gone may come back, with another stream.
                if *ended == Ended::Closed {
                    self.context.checkpoints.end(&self.invoker.shard);
                }
                return ended.clone();
            }
            // A batch that ends together with the stop is followed by no other.
            if stop.is_cancelled() {
                return Ended::Stopped;
            }
            self.start_batches();
            let has_room = self.has_room();
            let wants_page = has_room && self.ended.is_none() && self.page.len() == 0;
            let next_look = self.next_look();
            tokio::select! {
                page = self.pages.recv(), if wants_page => match page {
                    Some(page) => self.take(page),
                    None => match self.reader.join_next().await {
                        Some(Ok(ReadEnd::Recreated)) => return Ended::Recreated,
                        Some(Err(error)) => return Ended::Panicked(panic_message(error)),
                        _ => self.ended = Some(Ended::Gone),
                    },
                },
                Some(batch) = self.batches.join_next() => match batch {
                    Ok((_, end)) if end.stopped => return Ended::Stopped,
                    Ok((lane, end)) => self.lanes[lane].finish(end.window),
                    Err(error) => return Ended::Panicked(panic_message(error)),
                },
                () = sleep(next_look.unwrap_or_default()), if next_look.is_some() => {}
                () = moves.changed() => {}
                // The batches that are due start before the rest of the page is encoded.
                () = yield_now(), if has_room && self.page.len() > 0 => {}
                () = stop.cancelled() => return Ended::Stopped,
            }
        }
    }

    fn start_batches(&mut self) {
        let closed = self.ended.is_some() && self.page.len() == 0;
        for (index, lane) in self.lanes.iter_mut().enumerate() {
            let Some(work) = lane.take(closed) else {
                continue;
            };
            let invoker = self.invoker.clone();
            self.batches.spawn(async move {
                let end = match work {
                    Work::Batch(batch, window) => invoker.invoke_batch(&batch, window).await,
                    Work::Close(window, part) => invoker.close(&window, part).await,
                };
                (index, end)
            });
        }
    }

    /// Reading pauses while enough records wait to keep every lane busy. At least one
    /// lane then has a full batch, so the pause ends.
    fn has_room(&self) -> bool {
        let (records, bytes) = self
            .lanes
            .iter()
            .map(Lane::waiting)
            .fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
        let lanes = self.lanes.len();
        records < ROOM * lanes * self.context.settings.batch_size as usize
            && bytes < ROOM * lanes * MAX_PAYLOAD
            && self.invoker.low_watermark().waiting() < MOST_BEYOND_CHECKPOINT
    }

    fn next_look(&self) -> Option<Duration> {
        let looks = self.lanes.iter().filter_map(Lane::next_look);
        looks.min()
    }

    fn take(&mut self, page: Page) {
        if page.next_iterator.is_none() {
            self.ended = Some(Ended::Closed);
        }
        self.page = page.records.into_iter();
    }

    /// Filters the page's records, and encodes as many as a batch of each lane holds.
    fn fill_lanes(&mut self) {
        if self.page.len() == 0 || !self.has_room() {
            return;
        }
        let most = self.lanes.len() * self.context.settings.batch_size as usize;
        let invoker = self.invoker.clone();
        let (mut queued, mut filtered, mut ahead) = (0, 0, 0);
        let mut low_watermark = invoker.low_watermark();
        while queued < most
            && let Some(record) = self.page.next()
        {
            let ordinal = low_watermark.add(&record.sequence_number);
            if !self.ahead.is_empty() && self.ahead.remove(&record.sequence_number) {
                low_watermark.finish(ordinal);
                ahead += 1;
                continue;
            }
            let passes = &self.context.settings.filters;
            if passes.pass(&record, &invoker.origin) {
                let lane = lane::of_key(&record.partition_key, self.lanes.len());
                self.lanes[lane].push(Prepared {
                    json: event::encode(&record, &invoker.origin),
                    record,
                    ordinal,
                });
                queued += 1;
            } else {
                low_watermark.finish(ordinal);
                let (mapping, shard) = (&self.context.name, &self.invoker.shard);
                self.context.observer.filtered(mapping, shard, &record);
                filtered += 1;
            }
        }
        drop(low_watermark);
        if filtered + ahead > 0 {
            self.invoker.checkpoint(None);
            let status = &self.context.status;
            status.update(&self.invoker.shard, |status| status.filtered += filtered);
            let settled = filtered + ahead;
            status.settlement.settle(&self.invoker.shard, settled);
        }
    }
}

/// The message of a panic.
pub(crate) fn panic_message(error: JoinError) -> String {
    let Ok(panic) = error.try_into_panic() else {
        return "it was cancelled".to_owned();
    };
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "it panicked".to_owned())
}
