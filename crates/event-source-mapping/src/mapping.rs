//! A mapping: one poller per shard, parents before their children.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use time::OffsetDateTime;
use tokio::{sync::watch, task::JoinSet, time::sleep};

use super::{
    checkpoint::Checkpoint,
    context::MappingContext,
    settings::StartingPosition,
    shard::{Ended, ShardPoller},
    source::{Position, Shard},
    status::MappingStatus,
};

/// A running mapping.
pub struct EventSourceMapping {
    context: Arc<MappingContext>,
    ready: watch::Receiver<bool>,
    /// Its one task; it ends with the mapping.
    task: JoinSet<()>,
}

impl EventSourceMapping {
    /// Starts reading.
    #[must_use]
    pub fn start(context: MappingContext) -> Self {
        let context = Arc::new(context);
        let (tell_ready, ready) = watch::channel(false);
        let (began, new) = context.checkpoints.began((context.clock)());
        let discovery = Discovery {
            began,
            new,
            context: context.clone(),
            started: HashSet::new(),
            pollers: JoinSet::new(),
        };
        let mut task = JoinSet::new();
        task.spawn(discovery.run(tell_ready));
        Self {
            context,
            ready,
            task,
        }
    }

    /// Waits until every shard that was there at the start is being read: what
    /// is written from then on is seen, with `LATEST` too.
    pub async fn ready(&self) {
        let _ = self.ready.clone().wait_for(|ready| *ready).await;
    }

    /// What each shard is doing.
    #[must_use]
    pub fn status(&self) -> MappingStatus {
        self.watch().status()
    }

    /// Something to look at it by, also while and after it ends.
    #[must_use]
    pub fn watch(&self) -> Watch {
        Watch(self.context.clone())
    }

    /// Finishes the invocations under way and stops. Dropped instead, it ends
    /// at once, as in a crash.
    pub async fn stop(mut self) {
        self.context.stop.cancel();
        // It ends by itself; an error would be a panic, already on stderr.
        while self.task.join_next().await.is_some() {}
    }
}

/// Looks at a mapping without holding it.
#[derive(Clone)]
pub struct Watch(Arc<MappingContext>);

impl Watch {
    /// What each shard is doing.
    #[must_use]
    pub fn status(&self) -> MappingStatus {
        let mut shards = self.0.status.shards();
        for (id, status) in &mut shards {
            status.checkpoint = match self.0.checkpoints.get(id) {
                None => None,
                Some(Checkpoint::After(number)) => Some(number),
                Some(Checkpoint::End) => Some("END".to_owned()),
            };
        }
        MappingStatus {
            name: self.0.name.clone(),
            function: self.0.target.name(),
            stream_arn: self.0.stream_arn.clone(),
            shards,
        }
    }
}

/// Finds shards and starts their pollers.
struct Discovery {
    context: Arc<MappingContext>,
    started: HashSet<String>,
    pollers: JoinSet<(String, Ended)>,
    /// When the mapping first began, in this process or in one before it.
    began: OffsetDateTime,
    /// It begins now.
    new: bool,
}

impl Discovery {
    async fn run(mut self, ready: watch::Sender<bool>) {
        let mut waiter = self.context.poll_trigger.for_shards();
        let stop = self.context.stop.clone();
        let mut failures = 0;
        while !stop.is_cancelled() {
            waiter.reading();
            let first = self.new && !*ready.borrow();
            match self.start_pollers(first).await {
                Ok(()) => {
                    failures = 0;
                    ready.send_replace(true);
                }
                Err(reason) => {
                    failures += 1;
                    if failures == 1 {
                        tracing::warn!(
                            mapping = self.context.name,
                            reason,
                            "the stream's shards cannot be listed; it is tried again"
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
                // A shard that ended may have children that now can be read.
                Some(ended) = self.pollers.join_next() => {
                    if let Ok((shard, Ended::Gone)) = ended {
                        // Should it be listed again, it is read again.
                        self.started.remove(&shard);
                    }
                }
                () = stop.cancelled() => {}
            }
        }
        while self.pollers.join_next().await.is_some() {}
    }

    /// Starts a poller for every shard that has none and whose parents are done.
    async fn start_pollers(&mut self, first: bool) -> Result<(), String> {
        let shards = self.list().await?;
        let by_id: HashMap<_, _> = shards
            .iter()
            .map(|shard| (shard.id.as_str(), shard))
            .collect();
        for shard in &shards {
            if self.started.contains(&shard.id) || self.context.checkpoints.has_ended(&shard.id) {
                continue;
            }
            let waits = shard.parents.iter().any(|parent| {
                by_id.contains_key(parent.as_str()) && !self.context.checkpoints.has_ended(parent)
            });
            if waits {
                continue;
            }
            let mut position = self.position(shard, first);
            // Taken here, so that `ready` means that LATEST is behind us.
            let iterator = self.context.source.iterator(&shard.id, &position).await;
            if position == Position::Starting(StartingPosition::Latest) {
                // Should the iterator be lost before a record came, or not be had
                // now, a second LATEST would skip what came in between.
                position = Position::Starting(StartingPosition::AtTimestamp(self.began));
            }
            let poller = ShardPoller::new(self.context.clone(), &shard.id, position, iterator.ok());
            let id = shard.id.clone();
            self.started.insert(id.clone());
            self.pollers.spawn(async move { (id, poller.run().await) });
        }
        Ok(())
    }

    async fn list(&self) -> Result<Vec<Shard>, String> {
        let shards = self.context.source.shards().await;
        let shards = shards.map_err(|error| error.to_string())?;
        if shards.is_empty() {
            return Err("the stream has no shards yet".to_owned());
        }
        Ok(shards)
    }

    /// Behind the checkpoint where there is one. `StartingPosition` is of the
    /// mapping's first start: after a restart, and for a shard found later or one
    /// that had to wait for its parents, `LATEST` is what came from then on.
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
