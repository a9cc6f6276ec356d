//! One shard: read ahead, filtered into lanes, delivered batch by batch.

use std::sync::{Arc, Mutex};

use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::{
    batch::Prepared,
    batch_invoker::{BatchInvoker, Delivered},
    context::MappingContext,
    event::{self, Origin},
    lane::{self, Lane, Work},
    low_watermark::LowWatermark,
    reader::Reader,
    source::{Page, Position, Record},
};
use crate::MAX_PAYLOAD;

/// Most records that are read and not yet behind the checkpoint. One key that
/// cannot be processed holds back the checkpoint, and at last the other keys
/// too: this is what a restart may deliver again.
const MOST_BEYOND_CHECKPOINT: usize = 100_000;

/// Why a poller ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The shard is closed and all of it is processed.
    Closed,
    /// The stream has the shard no more, and what was read of it is processed.
    Gone,
    /// The mapping is stopping.
    Stopped,
}

/// Reads and delivers one shard.
pub struct ShardPoller {
    context: Arc<MappingContext>,
    invoker: Arc<BatchInvoker>,
    pages: mpsc::Receiver<Page>,
    /// Ends with the poller.
    _reader: JoinSet<()>,
    lanes: Vec<Lane>,
    deliveries: JoinSet<(usize, Delivered)>,
    /// How the shard ended, once no more records will come.
    ended: Option<Ended>,
}

impl ShardPoller {
    /// A poller of `shard` from `position` on, with an iterator for it if one
    /// has been taken already. It reads at once.
    #[must_use]
    pub fn new(
        context: Arc<MappingContext>,
        shard: &str,
        position: Position,
        iterator: Option<String>,
    ) -> Self {
        let origin = Origin::new(&context.stream_arn, &context.region, shard);
        // One page ahead of the one being worked on.
        let (send, pages) = mpsc::channel(1);
        let mut reader = JoinSet::new();
        reader.spawn(Reader::new(context.clone(), shard, position, iterator).run(send));
        context.status.update(shard, |_| {});
        let lanes = (0..context.settings.parallelization_factor.max(1))
            .map(|_| Lane::new(&context.settings, context.checkpoints.window(shard)))
            .collect();
        let invoker = BatchInvoker {
            context: context.clone(),
            shard: shard.to_owned(),
            origin,
            low_watermark: Mutex::new(LowWatermark::default()),
        };
        Self {
            context,
            invoker: Arc::new(invoker),
            pages,
            _reader: reader,
            lanes,
            deliveries: JoinSet::new(),
            ended: None,
        }
    }

    /// Reads and delivers until the shard ends or the mapping stops.
    pub async fn run(mut self) -> Ended {
        let stop = self.context.stop.clone();
        loop {
            self.start_deliveries();
            if let Some(ended) = self.ended
                && self.lanes.iter().all(Lane::is_done)
            {
                // One that is gone may come again, with another stream.
                if ended == Ended::Closed {
                    self.context.checkpoints.end(&self.invoker.shard);
                }
                return ended;
            }
            let has_room = self.ended.is_none() && self.has_room();
            let next_look = self.next_look();
            tokio::select! {
                page = self.pages.recv(), if has_room => {
                    if let Some(page) = page {
                        self.take(page);
                    } else {
                        // The reader has ended without a last page.
                        self.ended = Some(Ended::Gone);
                    }
                }
                Some(delivered) = self.deliveries.join_next() => match delivered {
                    Ok((lane, delivered)) => {
                        if delivered.stopped {
                            break;
                        }
                        self.lanes[lane].finish(delivered.window);
                    }
                    Err(_) => break,
                },
                () = sleep_until(next_look.unwrap_or_else(Instant::now)), if next_look.is_some() => {}
                () = stop.cancelled() => break,
            }
        }
        while self.deliveries.join_next().await.is_some() {}
        Ended::Stopped
    }

    fn start_deliveries(&mut self) {
        let now = (self.context.clock)();
        for (index, lane) in self.lanes.iter_mut().enumerate() {
            let Some(work) = lane.take(now, self.ended.is_some()) else {
                continue;
            };
            let invoker = self.invoker.clone();
            self.deliveries.spawn(async move {
                let delivered = match work {
                    Work::Batch(batch, window) => invoker.deliver(&batch, window).await,
                    Work::Close(window, part) => invoker.close(&window, part).await,
                };
                (index, delivered)
            });
        }
    }

    /// Reading stops while what waits is enough to keep every lane busy: then
    /// at least one lane has a full batch, so this always ends.
    fn has_room(&self) -> bool {
        let (records, bytes) = self
            .lanes
            .iter()
            .map(Lane::waiting)
            .fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
        let lanes = self.lanes.len();
        records < lanes * self.context.settings.batch_size as usize
            && bytes < lanes * MAX_PAYLOAD
            && self.invoker.low_watermark().waiting() < MOST_BEYOND_CHECKPOINT
    }

    fn next_look(&self) -> Option<Instant> {
        let now = (self.context.clock)();
        let looks = self.lanes.iter().filter_map(|lane| lane.next_look(now));
        looks.min()
    }

    fn take(&mut self, page: Page) {
        if page.next_iterator.is_none() {
            self.ended = Some(Ended::Closed);
        }
        let mut filtered = 0;
        for record in page.records {
            let ordinal = self.invoker.low_watermark().add(&record.sequence_number);
            let passes = &self.context.settings.filters;
            if passes.pass(&record, &self.invoker.origin) {
                self.queue(record, ordinal);
            } else {
                self.invoker.low_watermark().finish(ordinal);
                filtered += 1;
            }
        }
        if filtered > 0 {
            self.invoker.checkpoint(None);
            let count = |status: &mut super::status::ShardStatus| status.filtered += filtered;
            self.context.status.update(&self.invoker.shard, count);
        }
    }

    fn queue(&mut self, record: Record, ordinal: u64) {
        let lane = lane::of_key(&record.partition_key, self.lanes.len());
        let json = event::encode(&record, &self.invoker.origin);
        self.lanes[lane].push(Prepared {
            record,
            json,
            ordinal,
        });
    }
}
