//! One shard: read ahead, filtered into lanes, delivered batch by batch.

use std::sync::{Arc, Mutex};

use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{
    backoff::Backoff,
    batch::Prepared,
    checkpoint::Checkpoints,
    clock::Clock,
    courier::{Courier, Delivered},
    destination::Destination,
    event::{self, Origin},
    lane::{self, Lane, Work},
    observer::Observer,
    progress::Progress,
    reader::Reader,
    settings::Settings,
    source::{Page, Position, Record, Source},
    status::Status,
    target::Target,
    wake::Wake,
};
use crate::lambda::MAX_PAYLOAD;

/// Most records that are read and not yet behind the checkpoint. One key that
/// cannot be processed holds back the checkpoint, and at last the other keys
/// too: this is what a restart may deliver again.
const MOST_BEYOND_CHECKPOINT: usize = 100_000;

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
    /// What each shard is doing.
    pub status: Status,
    /// What gets the records that are given up.
    pub failures: Arc<dyn Destination>,
    /// How new records make themselves known.
    pub wake: Wake,
    /// Waits between tries.
    pub backoff: Backoff,
    /// The time of day.
    pub clock: Clock,
    /// Cancelled when the mapping is to stop: what is under way is finished.
    pub stop: CancellationToken,
}

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
    shared: Arc<Shared>,
    courier: Arc<Courier>,
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
        // One page ahead of the one being worked on.
        let (send, pages) = mpsc::channel(1);
        let mut reader = JoinSet::new();
        reader.spawn(Reader::new(shared.clone(), shard, position, iterator).run(send));
        shared.status.update(shard, |_| {});
        let lanes = (0..shared.settings.parallelization_factor.max(1))
            .map(|_| Lane::new(&shared.settings, shared.checkpoints.window(shard)))
            .collect();
        let courier = Courier {
            shared: shared.clone(),
            shard: shard.to_owned(),
            origin,
            progress: Mutex::new(Progress::default()),
        };
        Self {
            shared,
            courier: Arc::new(courier),
            pages,
            _reader: reader,
            lanes,
            deliveries: JoinSet::new(),
            ended: None,
        }
    }

    /// Reads and delivers until the shard ends or the mapping stops.
    pub async fn run(mut self) -> Ended {
        let stop = self.shared.stop.clone();
        loop {
            self.start_deliveries();
            if let Some(ended) = self.ended
                && self.lanes.iter().all(Lane::is_done)
            {
                // One that is gone may come again, with another stream.
                if ended == Ended::Closed {
                    self.shared.checkpoints.end(&self.courier.shard);
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
                        if delivered.ended == Ended::Stopped {
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
        let now = (self.shared.clock)();
        for (place, lane) in self.lanes.iter_mut().enumerate() {
            let Some(work) = lane.take(now, self.ended.is_some()) else {
                continue;
            };
            let courier = self.courier.clone();
            self.deliveries.spawn(async move {
                let delivered = match work {
                    Work::Batch(batch, window) => courier.deliver(&batch, window).await,
                    Work::Close(window, part) => courier.close(&window, part).await,
                };
                (place, delivered)
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
        records < lanes * self.shared.settings.batch_size as usize
            && bytes < lanes * MAX_PAYLOAD
            && self.courier.progress().waiting() < MOST_BEYOND_CHECKPOINT
    }

    fn next_look(&self) -> Option<Instant> {
        let now = (self.shared.clock)();
        let looks = self.lanes.iter().filter_map(|lane| lane.next_look(now));
        looks.min()
    }

    fn take(&mut self, page: Page) {
        if page.next_iterator.is_none() {
            self.ended = Some(Ended::Closed);
        }
        let mut filtered = 0;
        for record in page.records {
            let place = self.courier.progress().add(&record.sequence_number);
            let passes = &self.shared.settings.filters;
            if passes.pass(&record, &self.courier.origin) {
                self.queue(record, place);
            } else {
                self.courier.progress().finish(place);
                filtered += 1;
            }
        }
        if filtered > 0 {
            self.courier.checkpoint(None);
            let count = |status: &mut super::status::ShardStatus| status.filtered += filtered;
            self.shared.status.update(&self.courier.shard, count);
        }
    }

    fn queue(&mut self, record: Record, place: u64) {
        let lane = lane::of_key(&record.partition_key, self.lanes.len());
        let json = event::encode(&record, &self.courier.origin);
        self.lanes[lane].push(Prepared {
            record,
            json,
            place,
        });
    }
}
