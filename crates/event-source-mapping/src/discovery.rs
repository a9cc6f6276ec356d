//! Finds a stream's shards and keeps a poller for each: parents before their children,
//! again after a panic, and all of them afresh when the stream was created again.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use time::OffsetDateTime;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    checkpoint::Checkpoint,
    context::MappingContext,
    reader::Start,
    shard::{Ended, ShardPoller, panic_message},
    source::{Position, Shard, StartingPosition},
};

/// How long invocations under way may take when the mapping stops. After that they are
/// dropped, and a mapping that starts again delivers their batches again.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// Finds shards and starts their pollers.
pub(super) struct Discovery {
    context: Arc<MappingContext>,
    started: HashSet<String>,
    pollers: JoinSet<(String, Ended)>,
    /// Cancelled when the pollers are to stop.
    pollers_stop: CancellationToken,
    /// Panics of each shard's pollers: what the wait before the next start grows with.
    panics: HashMap<String, u32>,
    /// Whether invocations under way may take as long as they do when the mapping stops.
    patient: Arc<AtomicBool>,
    /// When the mapping first began, in this process or in one before it.
    began: OffsetDateTime,
    /// It begins now.
    new: bool,
}

impl Discovery {
    pub(super) fn new(context: Arc<MappingContext>, patient: Arc<AtomicBool>) -> Self {
        let (began, new) = context.checkpoints.began(context.clock.now());
        Self {
            began,
            new,
            started: HashSet::new(),
            pollers: JoinSet::new(),
            pollers_stop: context.stop.child_token(),
            panics: HashMap::new(),
            patient,
            context,
        }
    }

    /// Runs until the mapping stops; says in `ready` when every shard is being read.
    pub(super) async fn run(mut self, ready: watch::Sender<bool>) {
        let mut waiter = self.context.poll_trigger.for_shards();
        let mut marks = self.context.status.settlement.marks();
        let stop = self.context.stop.clone();
        let mut failures = 0;
        while !stop.is_cancelled() {
            waiter.reading();
            let mark = *marks.borrow_and_update();
            let first = self.new && !*ready.borrow();
            let started = tokio::select! {
                started = self.start_pollers(first) => started,
                () = stop.cancelled() => break,
            };
            match started {
                Ok(waiting) => {
                    failures = 0;
                    if !waiting {
                        self.context.status.settlement.listed(mark);
                    }
                    ready.send_replace(true);
                }
                Err(reason) => {
                    failures += 1;
                    if failures == 1 {
                        tracing::warn!(
                            mapping = self.context.name,
                            reason,
                            "the stream's shards cannot be listed; retrying"
                        );
                    }
                    tokio::select! {
                        () = sleep(self.context.backoff.after(failures)) => continue,
                        () = stop.cancelled() => break,
                    }
                }
            }
            tokio::select! {
                () = waiter.wait() => {}
                _ = marks.changed() => {}
                // A shard that ended may have children that can be read now.
                Some(ended) = self.pollers.join_next() => if let Ok((shard, ended)) = ended {
                    self.ended(&shard, &ended);
                },
                () = stop.cancelled() => {}
            }
        }
        self.stop_pollers().await;
    }

    fn ended(&mut self, shard: &str, ended: &Ended) {
        match ended {
            Ended::Closed => return self.context.status.settlement.end(shard),
            Ended::Stopped => return,
            // Read again if it is listed again.
            Ended::Gone | Ended::Recreated => self.context.status.settlement.end(shard),
            Ended::Panicked(_) => *self.panics.entry(shard.to_owned()).or_default() += 1,
        }
        self.started.remove(shard);
    }

    /// Starts a poller for every shard that has none and whose parents are processed.
    /// True if a shard still waits for its parents.
    async fn start_pollers(&mut self, first: bool) -> Result<bool, String> {
        loop {
            if let Some(created) = self.context.source.created().await {
                self.belong_to_stream(created).await;
            }
            let (starts, any_waits) = self.starts(first).await?;
            // After the iterators: those of this stream are refused by a later one.
            if starts.is_empty() || self.is_same_stream().await {
                for (shard, start) in starts {
                    self.start(&shard, start);
                }
                return Ok(any_waits);
            }
        }
    }

    /// Whether the stream is the one that the checkpoints belong to, as far as that is
    /// known.
    async fn is_same_stream(&self) -> bool {
        let created = self.context.source.created().await;
        let known = self.context.checkpoints.stream_created();
        created.is_none() || known.is_none() || created == known
    }

    /// Where the pollers start that there are to be, by shard. True if a shard still
    /// waits for its parents.
    async fn starts(&self, first: bool) -> Result<(Vec<(String, Start)>, bool), String> {
        let shards = self.list().await?;
        let by_id: HashMap<_, _> = shards
            .iter()
            .map(|shard| (shard.id.as_str(), shard))
            .collect();
        let (mut starts, mut any_waits) = (Vec::new(), false);
        for shard in &shards {
            if self.started.contains(&shard.id) || self.context.checkpoints.has_ended(&shard.id) {
                continue;
            }
            let waits = shard.parents.iter().any(|parent| {
                by_id.contains_key(parent.as_str()) && !self.context.checkpoints.has_ended(parent)
            });
            if waits {
                any_waits = true;
                continue;
            }
            let mut position = self.position(shard, first);
            // Requested here, so that `ready` means that LATEST is settled.
            let iterator = self.context.source.iterator(&shard.id, &position).await;
            if position == Position::Starting(StartingPosition::Latest) {
                // Where the iterator expires before a record arrives, or cannot be fetched
                // now, a second LATEST would skip what arrived in between.
                position = Position::Starting(StartingPosition::AtTimestamp(self.began));
            }
            let start = Start {
                position,
                iterator: iterator.ok(),
                created: self.context.checkpoints.stream_created(),
            };
            starts.push((shard.id.clone(), start));
        }
        Ok((starts, any_waits))
    }

    fn start(&mut self, shard: &str, start: Start) {
        let stop = self.pollers_stop.child_token();
        let context = self.context.clone();
        let poller = ShardPoller::new(context.clone(), shard, start, stop);
        let id = shard.to_owned();
        self.started.insert(id.clone());
        context.observer.shard_opened(&context.name, shard);
        let panics = self.panics.get(shard).copied().unwrap_or(0);
        self.pollers.spawn(async move {
            // A task of its own, so that a panic anywhere in it is seen here.
            let mut task = JoinSet::new();
            task.spawn(poller.run());
            let ended = match task.join_next().await {
                Some(Ok(ended)) => ended,
                Some(Err(error)) => Ended::Panicked(panic_message(error)),
                None => Ended::Stopped,
            };
            let why = (&ended).into();
            context.observer.shard_closed(&context.name, &id, why);
            if let Ended::Panicked(message) = &ended {
                note_panic(&context, &id, message);
                tokio::select! {
                    () = sleep(context.backoff.after(panics + 1)) => {}
                    () = context.stop.cancelled() => {}
                }
            }
            (id, ended)
        });
    }

    /// Where the checkpoints are of an earlier stream of the same name, drops them and
    /// starts at the new stream's beginning.
    async fn belong_to_stream(&mut self, created: OffsetDateTime) {
        let before = self.context.checkpoints.stream_created();
        if before.is_some_and(|before| before != created) {
            tracing::warn!(
                mapping = self.context.name,
                "the stream was deleted and created again; its checkpoints are dropped"
            );
            self.stop_pollers().await;
            self.context.checkpoints.drop_shards();
            self.context.status.clear();
        }
        self.context.checkpoints.belong_to_stream(created);
    }

    async fn stop_pollers(&mut self) {
        self.pollers_stop.cancel();
        let pollers = &mut self.pollers;
        let ended = async { while pollers.join_next().await.is_some() {} };
        let in_time = if self.patient.load(Relaxed) {
            ended.await;
            true
        } else {
            timeout(STOP_GRACE, ended).await.is_ok()
        };
        if !in_time {
            tracing::warn!(
                mapping = self.context.name,
                seconds = STOP_GRACE.as_secs(),
                "invocations under way are dropped; their batches will be delivered again"
            );
            self.pollers.shutdown().await;
        }
        self.started.clear();
        self.pollers_stop = self.context.stop.child_token();
    }

    async fn list(&self) -> Result<Vec<Shard>, String> {
        let shards = self.context.source.shards().await;
        let shards = shards.map_err(|error| error.to_string())?;
        if shards.is_empty() {
            return Err("the stream has no shards yet".to_owned());
        }
        Ok(shards)
    }

    /// After the checkpoint where there is one. `StartingPosition` is of the mapping's
    /// first start: after a restart, and for a shard found later or after its parents,
    /// `LATEST` means what has arrived since then.
    fn position(&self, shard: &Shard, first: bool) -> Position {
        match self.context.checkpoints.get(&shard.id) {
            Some(Checkpoint::After(number)) => Position::After(number),
            _ => Position::Starting(match self.context.settings.starting_position {
                StartingPosition::Latest if !first => StartingPosition::AtTimestamp(self.began),
                position => position,
            }),
        }
    }
}

fn note_panic(context: &MappingContext, shard: &str, message: &str) {
    let mapping = &context.name;
    tracing::error!(
        mapping,
        shard,
        message,
        "the shard's poller panicked; it starts again at the checkpoint"
    );
    let line = format!("panicked: {message}");
    context.status.failed(shard, &line, &line);
}
