//! A running event source mapping.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{
    checkpoint::{Checkpoint, Checkpoints},
    context::MappingContext,
    discovery::Discovery,
    settlement::DiscardedBatch,
    status::MappingStatus,
};

/// A running mapping.
pub struct EventSourceMapping {
    /// Dropped first: the next mapping may start while a `Watch` of this one is still held.
    lock: Lock,
    /// Whether a stop waits for invocations under way without a limit.
    patient: Arc<AtomicBool>,
    context: Arc<MappingContext>,
    ready: watch::Receiver<bool>,
    /// Its one task; it ends with the mapping.
    task: JoinSet<()>,
}

impl EventSourceMapping {
    /// Starts reading.
    #[must_use]
    pub fn start(context: MappingContext) -> Self {
        let lock = Lock(context.checkpoints.clone());
        Self::start_locked(context, lock)
    }

    fn start_locked(context: MappingContext, lock: Lock) -> Self {
        let context = Arc::new(context);
        let (tell_ready, ready) = watch::channel(false);
        let patient = Arc::new(AtomicBool::new(false));
        let mut task = JoinSet::new();
        task.spawn(Discovery::new(context.clone(), patient.clone()).run(tell_ready));
        Self {
            lock,
            patient,
            context,
            ready,
            task,
        }
    }

    /// Waits until every shard that was listed at the start is being read: the mapping
    /// delivers what is written from then on, with `LATEST` too.
    pub async fn ready(&self) {
        let _ = self.ready.clone().wait_for(|ready| *ready).await;
    }

    /// The status of each shard.
    #[must_use]
    pub fn status(&self) -> MappingStatus {
        self.watch().status()
    }

    /// A view of the status that works while and after the mapping ends.
    #[must_use]
    pub fn watch(&self) -> Watch {
        Watch(self.context.clone())
    }

    /// Finishes the invocations under way and stops. An invocation that takes more than
    /// 5 s is dropped, and its batch delivered again when a mapping continues at the
    /// checkpoints. A mapping that is dropped ends at once, as in a crash.
    pub async fn stop(mut self) {
        self.context.stop.cancel();
        // It ends by itself; an error would be a panic, already on stderr.
        while self.task.join_next().await.is_some() {}
    }

    /// Finishes the invocations under way, however long they take, and stops reading. No
    /// attempt follows them: a batch that has failed is delivered again when the mapping
    /// continues. Dropping the future ends the mapping at once, as in a crash.
    pub async fn pause(mut self) -> PausedMapping {
        self.patient.store(true, Relaxed);
        self.context.stop.cancel();
        while self.task.join_next().await.is_some() {}
        self.context.status.settlement.pause();
        PausedMapping {
            lock: self.lock,
            context: self.context,
        }
    }
}

/// A mapping that has stopped, and may continue at its checkpoints.
pub struct PausedMapping {
    lock: Lock,
    context: Arc<MappingContext>,
}

impl PausedMapping {
    /// Continues after `change`, which may set other options and another target, but neither
    /// other checkpoints nor another stream.
    #[must_use]
    pub fn resume(self, change: impl FnOnce(&mut MappingContext)) -> EventSourceMapping {
        let mut context = MappingContext::clone(&self.context);
        context.stop = CancellationToken::new();
        change(&mut context);
        EventSourceMapping::start_locked(context, self.lock)
    }

    /// A view of the status.
    #[must_use]
    pub fn watch(&self) -> Watch {
        Watch(self.context.clone())
    }
}

/// Unlocks the checkpoint file for another mapping when it is dropped.
struct Lock(Checkpoints);

impl Drop for Lock {
    fn drop(&mut self) {
        self.0.release();
    }
}

/// A view of a mapping's status, which does not keep the mapping running.
#[derive(Clone)]
pub struct Watch(Arc<MappingContext>);

impl Watch {
    /// Waits until every record that is in the stream now is processed, discarded or
    /// filtered out; false if the mapping stops before. A tumbling window's final
    /// invocation is not waited for.
    pub async fn settled(&self) -> bool {
        tokio::select! {
            () = self.0.status.settlement.settled() => true,
            () = self.0.stop.cancelled() => false,
        }
    }

    /// The batches discarded after the first `before` ones, and how many there are now.
    /// The newest 10,000 are kept.
    #[must_use]
    pub fn discarded_after(&self, before: u64) -> (Vec<DiscardedBatch>, u64) {
        self.0.status.settlement.discarded_after(before)
    }

    /// The status of each shard.
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
            state: None,
        }
    }

    /// Whether the last invocation processed all of its records; `None` before the first
    /// one (`LastProcessingResult`).
    #[must_use]
    pub fn last_succeeded(&self) -> Option<bool> {
        self.0.status.last_succeeded()
    }
}
