//! What a queue's mapping is doing: counts, concurrency, errors.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::source::QueueState;
use crate::{
    status::{WORTH_SHOWING, milliseconds},
    text::one_line,
};

/// One mapping of a queue at one moment. Counts are since the mapping's start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueStatus {
    /// The mapping's name.
    pub name: String,
    /// The function's ARN or URL.
    pub function: String,
    /// The queue's ARN.
    pub queue_arn: String,
    /// Messages received, each as often as it was.
    pub received: u64,
    /// Invocations that reached the function.
    pub batches: u64,
    /// Messages of these invocations.
    pub invoked: u64,
    /// Messages that the function has processed and that were deleted.
    pub deleted: u64,
    /// Messages that no filter matched and that were deleted.
    pub filtered: u64,
    /// Messages left in the queue after a failure, each as often as it was. They become
    /// visible again, or the queue moves them to its dead-letter queue.
    pub returned: u64,
    /// Invocations under way.
    pub in_flight: u64,
    /// Messages that are received and wait for their batch.
    pub waiting: u64,
    /// How many batches may be under way.
    pub concurrency: u64,
    /// Messages in the queue that can be received.
    pub visible: u64,
    /// Messages in the queue that are hidden: received, and neither deleted nor visible
    /// again.
    pub not_visible: u64,
    /// Messages in the queue that are delayed.
    pub delayed: u64,
    /// The wait before the next request or attempt, while there is one, milliseconds.
    pub back_off_ms: u64,
    /// The function, while an invocation takes a second or more, and for how long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_for: Option<String>,
    /// The most recent error, kept after later successes: one line, for a function error
    /// its type and message.
    pub last_error: Option<String>,
    /// All of the most recent error, where it is more than that line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error_detail: Option<String>,
    /// The mapping's state where something starts and stops it, such as `Enabled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// The status of a running mapping. Clones are the same status.
#[derive(Debug, Clone, Default)]
pub struct Status(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    /// Without names, invocations and the queue's state.
    counts: QueueStatus,
    queue: QueueState,
    /// When each invocation under way began.
    invocations: BTreeMap<u64, Instant>,
    next_invocation: u64,
    /// Batches under way.
    batches: u64,
    /// Whether the last invocation processed all of its messages.
    last_succeeded: Option<bool>,
}

/// An invocation under way; it is over when this is dropped, after a panic too.
pub(super) struct Invoking<'a> {
    status: &'a Status,
    number: u64,
}

impl Status {
    /// Changes the counts.
    pub(super) fn update(&self, change: impl FnOnce(&mut QueueStatus)) {
        change(&mut self.lock().counts);
    }

    /// Keeps the most recent error: one line, and `text` where that is more.
    pub(super) fn failed(&self, line: &str, text: &str) {
        self.update(|counts| {
            let line = one_line(line);
            counts.last_error_detail = (line != text).then(|| text.to_owned());
            counts.last_error = Some(line);
        });
    }

    /// Sets how long the mapping waits; zero when it does not.
    pub(super) fn backing_off(&self, wait: Duration) {
        self.update(|counts| counts.back_off_ms = milliseconds(wait));
    }

    /// Keeps the queue's state.
    pub(super) fn queue(&self, state: QueueState) {
        self.lock().queue = state;
    }

    /// How long the queue hides a message, as last known.
    pub(super) fn visibility_timeout(&self) -> Duration {
        self.lock().queue.visibility_timeout
    }

    /// So many batches are under way.
    pub(super) fn batches(&self, count: usize) {
        self.lock().batches = count as u64;
    }

    /// An invocation has returned.
    pub(super) fn processed(&self, all: bool) {
        self.lock().last_succeeded = Some(all);
    }

    /// Whether the last invocation processed all of its messages; `None` before the first.
    pub(super) fn last_succeeded(&self) -> Option<bool> {
        self.lock().last_succeeded
    }

    /// Whether the mapping holds no message.
    pub(super) fn is_idle(&self) -> bool {
        let inner = self.lock();
        inner.batches == 0 && inner.counts.waiting == 0
    }

    /// An invocation of the function.
    pub(super) fn invoking(&self) -> Invoking<'_> {
        let mut inner = self.lock();
        let number = inner.next_invocation;
        inner.next_invocation += 1;
        inner.invocations.insert(number, Instant::now());
        Invoking {
            status: self,
            number,
        }
    }

    /// The status now, of a mapping with these names.
    pub(super) fn now(&self, name: &str, function: String, queue_arn: &str) -> QueueStatus {
        let inner = self.lock();
        let oldest = inner.invocations.values().min();
        let waited = oldest.map(Instant::elapsed);
        let waited = waited.filter(|waited| *waited >= WORTH_SHOWING);
        QueueStatus {
            name: name.to_owned(),
            queue_arn: queue_arn.to_owned(),
            in_flight: inner.invocations.len() as u64,
            visible: inner.queue.visible,
            not_visible: inner.queue.not_visible,
            delayed: inner.queue.delayed,
            waiting_for: waited.map(|waited| format!("{function}, for {} s", waited.as_secs())),
            function,
            ..inner.counts.clone()
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Invoking<'_> {
    fn drop(&mut self) {
        self.status.lock().invocations.remove(&self.number);
    }
}
