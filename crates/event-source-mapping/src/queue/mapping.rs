//! A running event source mapping of a queue.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{sync::watch, task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{context::QueueContext, poller::Poller, source::QueueError, status::QueueStatus};

/// The time between two looks at a queue that is to be settled. A look at a queue in this
/// process costs nothing, and one at another endpoint is a request.
const LOOK: Duration = Duration::from_millis(50);

/// A running mapping. One that is dropped ends at once, as in a crash: its messages become
/// visible after the queue's visibility timeout.
pub struct QueueMapping {
    /// Whether a stop waits for invocations under way without a limit.
    patient: Arc<AtomicBool>,
    context: Arc<QueueContext>,
    ready: watch::Receiver<bool>,
    /// Its one task; it ends with the mapping.
    task: JoinSet<()>,
}

impl QueueMapping {
    /// Starts receiving.
    #[must_use]
    pub fn start(context: QueueContext) -> Self {
        let context = Arc::new(context);
        let (tell_ready, ready) = watch::channel(false);
        let patient = Arc::new(AtomicBool::new(false));
        let mut task = JoinSet::new();
        task.spawn(Poller::new(context.clone(), patient.clone()).run(tell_ready));
        Self {
            patient,
            context,
            ready,
            task,
        }
    }

    /// Waits until the queue has answered.
    pub async fn ready(&self) {
        let _ = self.ready.clone().wait_for(|ready| *ready).await;
    }

    /// A view of the status that works while and after the mapping ends.
    #[must_use]
    pub fn watch(&self) -> QueueWatch {
        QueueWatch(self.context.clone())
    }

    /// Finishes the invocations under way and stops. Messages that no invocation has yet
    /// are visible again at once. An invocation that takes more than 5 s is dropped, and
    /// its messages are visible again after the queue's visibility timeout.
    pub async fn stop(mut self) {
        self.context.stop.cancel();
        // It ends by itself; an error would be a panic, already on stderr.
        while self.task.join_next().await.is_some() {}
    }

    /// Finishes the invocations under way, however long they take, and stops receiving.
    /// Dropping the future ends the mapping at once, as in a crash.
    pub async fn pause(mut self) -> PausedQueueMapping {
        self.patient.store(true, Relaxed);
        self.context.stop.cancel();
        while self.task.join_next().await.is_some() {}
        PausedQueueMapping(self.context)
    }
}

/// A mapping that has stopped, and may continue.
pub struct PausedQueueMapping(Arc<QueueContext>);

impl PausedQueueMapping {
    /// Continues after `change`, which may set other options and another target, but no
    /// other queue.
    #[must_use]
    pub fn resume(self, change: impl FnOnce(&mut QueueContext)) -> QueueMapping {
        let mut context = QueueContext::clone(&self.0);
        context.stop = CancellationToken::new();
        change(&mut context);
        QueueMapping::start(context)
    }

    /// A view of the status.
    #[must_use]
    pub fn watch(&self) -> QueueWatch {
        QueueWatch(self.0.clone())
    }
}

/// A view of a mapping's status, which does not keep the mapping running.
#[derive(Clone)]
pub struct QueueWatch(Arc<QueueContext>);

impl QueueWatch {
    /// The status, with the queue's state as last known.
    #[must_use]
    pub fn status(&self) -> QueueStatus {
        let context = &self.0;
        let function = context.target.name();
        let status = &context.status;
        status.now(&context.name, function, &context.queue_arn)
    }

    /// Whether the last invocation processed all of its messages; `None` before the first
    /// one (`LastProcessingResult`).
    #[must_use]
    pub fn last_succeeded(&self) -> Option<bool> {
        self.0.status.last_succeeded()
    }

    /// Asks the queue for its state, for the next [`QueueWatch::status`].
    pub async fn refresh(&self) {
        if let Ok(state) = self.0.queue.state().await {
            self.0.status.queue(state);
        }
    }

    /// Waits until the queue is empty: every message that was in it is processed, or in
    /// the dead-letter queue. False if the mapping stops before.
    pub async fn settled(&self) -> bool {
        loop {
            match self.0.queue.state().await {
                Ok(state) => {
                    self.0.status.queue(state);
                    let left = state.visible + state.not_visible + state.delayed;
                    if left == 0 && self.0.status.is_idle() {
                        return true;
                    }
                }
                // It has no message.
                Err(QueueError::NotFound(_)) => return true,
                Err(QueueError::Unavailable(_)) => {}
            }
            tokio::select! {
                () = sleep(LOOK) => {}
                () = self.0.stop.cancelled() => return false,
            }
        }
    }
}
